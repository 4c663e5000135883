import pytest
from glottis.plugins import (
    DialogueContext,
    ErrorCategory,
    Match,
    ProviderError,
    Remembered,
    ReplyAction,
    ReplyText,
    Section,
)

from .conftest import SECTIONS, Rules

OPEN_PRICING = ReplyAction("navigate", {"url": "/pricing", "section": "pricing"})


async def test_a_navigation_names_the_section_and_opens_it(rules: Rules) -> None:
    assert await rules.reply("покажи цены", language="ru-RU") == ("Открываю раздел «Цены».", [OPEN_PRICING])
    assert await rules.reply("show prices", language="en-US") == ("Opening “Pricing”.", [OPEN_PRICING])


async def test_the_answer_is_in_the_language_of_the_context(rules: Rules) -> None:
    assert (await rules.reply("покажи цены", language="en-GB"))[0] == "Opening “Pricing”."
    assert (await rules.reply("show prices", language="ru"))[0] == "Открываю раздел «Цены»."


async def test_in_a_language_that_is_not_ours_the_answer_is_in_that_of_the_utterance(rules: Rules) -> None:
    assert (await rules.reply("покажи цены", language="kk-KZ"))[0] == "Открываю раздел «Цены»."
    assert (await rules.reply("show prices", language="de-DE"))[0] == "Opening “Pricing”."


async def test_a_section_without_a_name_in_the_language_is_called_by_another(rules: Rules) -> None:
    sections = (
        Section(id="pricing", url="/pricing", names={"en": ("pricing",)}),
        Section(id="faq", url="/faq", names={}),
    )
    assert (await rules.reply("открой pricing", sections))[0] == "Открываю раздел «Pricing»."
    assert (await rules.reply("открой faq", sections))[0] == "Открываю раздел «Faq»."


async def test_help_lists_the_sections(rules: Rules) -> None:
    russian, actions = await rules.reply("помощь")
    english, _ = await rules.reply("help", language="en-US")
    assert russian.startswith("Могу открыть разделы «Цены», «Контакты», «Доставка» и «О компании». ")
    assert english.startswith("I can open “Pricing”, “Contacts”, “Delivery” and “About us”. ")
    assert actions == []


async def test_help_is_grammatical_for_one_section_none_and_many(rules: Rules) -> None:
    assert (await rules.reply("помощь", SECTIONS[:1]))[0].startswith("Могу открыть раздел «Цены». ")
    assert (await rules.reply("помощь", ()))[0].startswith("Спросите меня о чём-нибудь другом. ")
    many = tuple(Section(id=f"s{n}", url=f"/{n}", names={"ru": (f"тема {n}",)}) for n in range(12))
    said, _ = await rules.reply("помощь", many)
    assert "«Тема 7» и другие." in said
    assert "«Тема 8»" not in said


async def test_the_pieces_are_sentences_that_join_as_they_are(rules: Rules) -> None:
    context = DialogueContext(project="demo", sections=SECTIONS)
    match = await rules.match("помощь")
    assert match
    pieces = [piece async for piece in rules.handler.respond(match, "помощь", context)]
    texts = [piece.text for piece in pieces if isinstance(piece, ReplyText)]
    assert len(texts) > 1
    assert all(text.endswith(".") for text in texts)
    assert ".." not in "".join(texts)
    assert all(text.startswith(" ") for text in texts[1:])


async def test_a_greeting_is_answered_with_one(rules: Rules) -> None:
    assert (await rules.reply("привет", greeting="Готов."))[0] == "Здравствуйте! Чем могу помочь?"
    assert (await rules.reply("hi", language="en"))[0] == "Hello! How can I help you?"


async def test_repeat_gives_what_the_assistant_said_last(rules: Rules) -> None:
    async def history() -> tuple[Remembered, ...]:
        return (
            Remembered("assistant", "Первое."),
            Remembered("user", "привет"),
            Remembered("assistant", "Второе. И третье."),
            Remembered("user", "что?"),
        )

    assert (await rules.reply("повтори", history=history))[0] == "Второе. И третье."


async def test_repeat_says_that_there_is_nothing_to_repeat(rules: Rules) -> None:
    async def history() -> tuple[Remembered, ...]:
        return (Remembered("user", "привет"),)

    assert (await rules.reply("повтори", history=history))[0] == "Я ещё ничего не говорил."
    assert (await rules.reply("repeat", language="en"))[0] == "I have not said anything yet."


async def test_stop_and_goodbye_are_answered_with_their_actions(rules: Rules) -> None:
    assert await rules.reply("стоп") == ("Хорошо, молчу.", [ReplyAction("stop")])
    assert await rules.reply("bye", language="en") == (
        "Goodbye! Have a nice day.",
        [ReplyAction("end_session")],
    )


async def test_a_question_is_answered_honestly_with_the_section_that_may_help(rules: Rules) -> None:
    said, actions = await rules.reply("Сколько стоит доставка?")
    assert said == "На это у меня пока нет ответа. Могу открыть раздел «Доставка»."
    assert actions == []


async def test_a_question_about_nothing_known_is_answered_with_all_sections(rules: Rules) -> None:
    said, _ = await rules.reply("when do you open", language="en")
    assert (
        said == "I have no answer to that yet. I can open “Pricing”, “Contacts”, “Delivery” and “About us”."
    )


async def test_a_section_that_is_not_there_is_answered_with_those_that_are(rules: Rules) -> None:
    said, actions = await rules.reply("открой страницу вакансий", SECTIONS[:2])
    assert said == "Такого раздела я не нашёл. Могу открыть разделы «Цены» и «Контакты»."
    assert actions == []


async def test_a_section_that_has_gone_since_the_match_is_not_opened(rules: Rules) -> None:
    match = await rules.match("покажи цены")
    assert match
    context = DialogueContext(project="demo", sections=SECTIONS[1:2])
    pieces = [piece async for piece in rules.handler.respond(match, "покажи цены", context)]
    assert not any(isinstance(piece, ReplyAction) for piece in pieces)


async def test_a_match_of_another_handler_is_refused(rules: Rules) -> None:
    with pytest.raises(ProviderError) as caught:
        await anext(aiter(rules.handler.respond(Match("weather", 1.0), "", DialogueContext(project="demo"))))
    assert caught.value.category is ErrorCategory.INVALID_REQUEST
