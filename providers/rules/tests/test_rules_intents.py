import pytest
from glottis.plugins import Match

from .conftest import Rules

SAID = {
    "greeting": [
        "Привет!", "здравствуйте", "Добрый день", "приветик бот", "ну привет", "как дела",
        "здраствуйте", "Hello there", "good evening", "hey", "hi how are you", "helo",
    ],
    "help": [
        "помоги", "Помогите мне, пожалуйста", "что ты умеешь", "а что вы вообще можете",
        "какие есть разделы", "чем ты можешь помочь", "справка", "как тобой пользоваться", "памаги",
        "help", "I need help", "what can you do for me", "what can I say", "how does this work",
        "list commands",
    ],
    "repeat": [
        "повтори", "повторите пожалуйста", "ещё раз", "что ты сказал", "я не расслышал", "скажи снова",
        "repeat that please", "say it again", "pardon", "what did you say", "I didn't hear you",
        "once more",
    ],
    "stop": [
        "стоп", "хватит", "замолчи", "ну всё, достаточно", "перестань говорить", "тихо", "stop",
        "be quiet please", "that's enough", "shut up", "hold on", "okay stop talking",
    ],
    "goodbye": [
        "до свидания", "пока", "всего доброго", "досвидания", "доскорова", "спасибо, до встречи", "мне пора",
        "goodbye", "bye bye", "see you later", "thanks, have a nice day", "that's all",
    ],
    "knowledge_query": [
        "Сколько стоит доставка?", "сколько стоит доставка в казань", "когда вы открываетесь",
        "почему так дорого", "есть ли у вас скидки", "вы работаете в воскресенье", "как оформить заказ",
        "расскажи про гарантию", "можно оплатить картой", "какие условия доставки",
        "how much is delivery", "when do you open", "do you deliver to canada", "is delivery free",
        "tell me about your return policy", "can I pay by card", "what is the price of delivery",
    ],
    "none": [
        "сегодня хорошая погода", "я люблю мороженое", "цены выросли", "доставка не пришла",
        "меня зовут Иван", "спасибо", "спасибо за помощь", "да", "включи музыку", "закажи пиццу",
        "I like ice cream", "my delivery is late", "thank you", "yes", "play some jazz",
        "I know what you mean",
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("text", "meaning"), [(text, meaning) for meaning, texts in SAID.items() for text in texts]
)
async def test_an_utterance_means_its_intent(rules: Rules, text: str, meaning: str) -> None:
    assert await rules.meaning(text) == meaning


@pytest.mark.parametrize("change", [str.lower, str.upper, lambda text: text.rstrip("?!.") + " пожалуйста"])
async def test_case_punctuation_and_courtesy_change_nothing(rules: Rules, change: object) -> None:
    assert callable(change)
    for meaning in ("greeting", "help", "repeat", "stop", "goodbye"):
        for text in SAID[meaning]:
            assert await rules.meaning(change(text)) == meaning


async def test_a_greeting_is_an_opening_to_anything_else(rules: Rules) -> None:
    assert await rules.meaning("привет покажи цены") == "pricing"
    assert await rules.meaning("здравствуйте, что вы умеете") == "help"
    assert await rules.meaning("hello, how much is delivery") == "knowledge_query"


async def test_what_is_denied_is_not_meant(rules: Rules) -> None:
    for text in ("не открывай цены", "не надо показывать контакты", "don't open the prices", "don't stop"):
        assert await rules.meaning(text) == "none", text


async def test_phrases_that_hold_a_negation_are_not_denied(rules: Rules) -> None:
    assert await rules.meaning("не понял") == "repeat"
    assert await rules.meaning("не могу найти контакты") == "contacts"
    assert await rules.meaning("I can't find the contacts") == "contacts"


async def test_confidence_falls_with_every_word_that_is_not_understood(rules: Rules) -> None:
    texts = ("повтори", "повтори синий", "повтори синий зонт")
    confidences = []
    for text in texts:
        match = await rules.match(text)
        confidences.append(match.confidence if match and match.intent == "repeat" else 0.0)
    assert confidences[0] >= 0.95
    assert confidences == sorted(confidences, reverse=True)
    assert confidences[-1] == 0.0


async def test_a_question_that_nothing_else_fits_is_least_sure(rules: Rules) -> None:
    match = await rules.match("Сколько стоит доставка?")
    assert match
    assert match.confidence < 0.5
    assert match.entities == {"related_section": "delivery"}
    assert match.suggested_action is None


async def test_stopping_and_leaving_suggest_what_the_client_may_do(rules: Rules) -> None:
    stop = await rules.match("хватит")
    goodbye = await rules.match("bye")
    assert stop
    assert goodbye
    assert (stop.suggested_action, goodbye.suggested_action) == ({"type": "stop"}, {"type": "end_session"})


async def test_the_language_of_the_context_does_not_limit_what_is_understood(rules: Rules) -> None:
    assert await rules.meaning("show me the prices", language="ru-RU") == "pricing"
    assert await rules.meaning("покажи цены", language="en-US") == "pricing"
    assert await rules.meaning("до свидания", language="de-DE") == "goodbye"


async def test_nothing_said_means_nothing(rules: Rules) -> None:
    for text in ("", "   ", "?!…", "🙂", "价格是多少", "كم السعر"):
        assert await rules.match(text) is None


async def test_the_match_of_the_reference_is_exact(rules: Rules) -> None:
    assert await rules.match("Покажи мне раздел с ценами", current_page="/") == Match(
        "navigate", 0.95, {"target_section": "pricing"}, {"type": "navigate", "url": "/pricing"}
    )
