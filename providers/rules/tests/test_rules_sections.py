import pytest
from glottis.plugins import Section

from .conftest import Rules

SAID = {
    "pricing": [
        "Покажи мне раздел с ценами", "цены", "прайс", "открой прайс-лист", "где у вас цены",
        "хочу посмотреть цены", "какие у вас цены", "ну короче перейди к ценам пожалуйста",
        "давай вернёмся к ценам", "покажи расценки", "Show me the prices", "pricing please",
        "go back to prices", "take me to the price list", "what are your prices",
        "could you please, uh, open the pricing page", "I want to see your rates",
    ],
    "contacts": [
        "Где посмотреть контакты", "контакты", "как с вами связаться", "дайте номер телефона",
        "раздел с контактами", "how do I contact you", "contact us", "where are you located",
        "show me your phone number",
    ],
    "delivery": [
        "покажи доставку", "информация о доставке", "перейди на страницу доставки",
        "что там по доставке", "есть ли у вас раздел о доставке", "take me to the delivery page",
        "shipping", "is there a page about delivery",
    ],
    "about": [
        "открой страницу о компании", "о нас", "хочу почитать о вашей фирме", "раздел про компанию",
        "покажи о нас", "open the about us page", "tell me where the page about your company is",
        "about us",
    ],
}  # fmt: skip

MISHEARD = {
    "pricing": [
        "пакажи цены", "покажы цинами", "откройте мне, раздел с ценнами", "show prises",
        "преслист открой прайс",
    ],
    "contacts": [
        "открой кантакты", "покажи контактф", "open the contaxts",
    ],
    "delivery": [
        "открой даставку", "покажи до ставку", "дастафка", "продоставку покажи", "open delivry",
        "delivary",
    ],
    "about": [
        "открои страницы о кампании", "окомпании открой", "покажи прокомпанию", "давай проком пани",
        "open the compny page",
    ],
}  # fmt: skip


@pytest.mark.parametrize(("text", "section"), [(text, key) for key, texts in SAID.items() for text in texts])
async def test_an_utterance_leads_to_its_section(rules: Rules, text: str, section: str) -> None:
    match = await rules.match(text)
    assert match
    assert match.entities == {"target_section": section}
    assert match.suggested_action == {"type": "navigate", "url": f"/{section}"}


@pytest.mark.parametrize(
    ("text", "section"), [(text, key) for key, texts in MISHEARD.items() for text in texts]
)
async def test_a_misheard_name_is_found_with_less_confidence(rules: Rules, text: str, section: str) -> None:
    match = await rules.match(text)
    assert match
    assert match.entities == {"target_section": section}
    assert match.confidence <= 0.95


@pytest.mark.parametrize("form", ["цена", "цены", "ценам", "ценами", "ценах", "ценой"])
async def test_every_form_of_a_name_is_that_name(rules: Rules, form: str) -> None:
    assert await rules.meaning(f"покажи {form}") == "pricing"


async def test_names_of_one_language_are_found_in_sentences_of_the_other(rules: Rules) -> None:
    assert await rules.meaning("открой pricing") == "pricing"
    assert await rules.meaning("show me контакты") == "contacts"


async def test_a_command_is_surer_than_a_name_alone_and_that_than_a_wondering(rules: Rules) -> None:
    matches = [await rules.match(text) for text in ("открой цены", "цены", "какие цены")]
    confidences = [match.confidence for match in matches if match]
    assert len(confidences) == 3
    assert confidences == sorted(set(confidences), reverse=True)


async def test_the_section_that_is_not_denied_is_meant(rules: Rules) -> None:
    assert await rules.meaning("не цены, а контакты") == "contacts"
    assert await rules.meaning("открой доставку, не контакты") == "delivery"


async def test_of_two_sections_the_first_is_meant_with_less_confidence(rules: Rules) -> None:
    match = await rules.match("покажи цены на доставку")
    assert match
    assert match.entities == {"target_section": "pricing"}
    assert match.confidence < 0.9


async def test_a_section_that_is_not_there_is_a_navigation_without_a_target(rules: Rules) -> None:
    match = await rules.match("открой страницу вакансий")
    assert match
    assert (match.intent, dict(match.entities), match.suggested_action) == ("navigate", {}, None)


async def test_nothing_is_found_in_a_project_without_sections(rules: Rules) -> None:
    assert await rules.meaning("покажи цены", ()) == "none"
    assert await rules.meaning("привет", ()) == "greeting"


async def test_the_name_of_a_section_wins_over_what_such_sections_are_usually_called(rules: Rules) -> None:
    sections = (
        Section(id="a", url="/a", names={"ru": ("цены",)}),
        Section(id="b", url="/b", names={"ru": ("тарифы",)}),
    )
    assert await rules.meaning("покажи тарифы", sections) == "b"
    assert await rules.meaning("покажи цены", sections) == "a"


async def test_a_word_of_a_long_name_stands_for_it_where_it_is_the_only_one(rules: Rules) -> None:
    sections = (
        Section(id="pay", url="/pay", names={"ru": ("способы оплаты заказа",)}),
        Section(id="track", url="/track", names={"ru": ("отслеживание заказа",)}),
    )
    assert await rules.meaning("открой отслеживание", sections) == "track"
    assert await rules.meaning("открой способы оплаты заказа", sections) == "pay"
    whole = await rules.match("открой отслеживание заказа", sections)
    part = await rules.match("открой отслеживание", sections)
    assert whole
    assert part
    assert part.confidence < whole.confidence


async def test_numbers_are_heard_as_words_or_digits(rules: Rules) -> None:
    sections = (
        Section(id="one", url="/1", names={"ru": ("тариф 1",), "en": ("plan one",)}),
        Section(id="two", url="/2", names={"ru": ("тариф два",), "en": ("plan 2",)}),
    )
    for text in ("открой тариф два", "открой тариф 2", "open plan two", "open plan 2"):
        assert await rules.meaning(text, sections) == "two", text


async def test_sections_may_have_odd_names_or_none(rules: Rules) -> None:
    sections = (
        Section(id="faq", url="/faq", names={}),
        Section(id="odd", url="/odd", names={"ru": ("", "!!!", "о"), "en": ("a" * 500, "C++ & C#")}),
        Section(id="zh", url="/zh", names={"zh": ("价格",)}),
    )
    assert await rules.meaning("open faq", sections) == "faq"
    assert await rules.meaning("открой 价格", sections) == "zh"


async def test_many_projects_with_many_sections_are_kept_apart(rules: Rules) -> None:
    for project in range(80):
        sections = (Section(id=f"s{project}", url="/", names={"ru": ("цены",)}),)
        assert await rules.meaning("покажи цены", sections) == f"s{project}"
