from collections.abc import Callable

import pytest
from glottis.plugins import DialogueContext, Match, ReplyAction, ReplyPiece, ReplyText, Section
from glottis_mock.intents import MockIntentHandler

Make = Callable[..., MockIntentHandler]

SECTIONS = (
    Section(id="pricing", url="/pricing", names={"ru": ("цены", "прайс"), "en": ("prices",)}),
    Section(id="about", url="/about", names={"ru": ("о компании",), "en": ("about us",)}),
    Section(id="jobs", url="/jobs", names={}),
)


def _context(language: str = "ru-RU", greeting: str = "") -> DialogueContext:
    return DialogueContext(project="demo", language=language, sections=SECTIONS, greeting=greeting)


async def _answer(handler: MockIntentHandler, utterance: str, context: DialogueContext) -> list[ReplyPiece]:
    found = await handler.match(utterance, context)
    assert found
    return [piece async for piece in handler.respond(found, utterance, context)]


@pytest.mark.parametrize(
    ("utterance", "intent"),
    [
        ("Покажи ЦЕНЫ!", "navigate"),
        ("Расскажи о компании", "navigate"),
        ("What about us?", "navigate"),
        ("Привет, покажи прайс", "navigate"),
        ("Привет!", "greeting"),
        ("Hi there", "greeting"),
        ("Компании", "echo"),
        ("this and that", "echo"),
    ],
)
async def test_key_words_decide(make_intent_handler: Make, utterance: str, intent: str) -> None:
    found = await make_intent_handler().match(utterance, _context())

    assert found
    assert found.intent == intent


@pytest.mark.parametrize("utterance", ["", "  ", "?!", "🙂"])
async def test_nothing_said_is_no_intent(make_intent_handler: Make, utterance: str) -> None:
    assert await make_intent_handler().match(utterance, _context()) is None


async def test_navigation_names_the_section_and_where_it_is(make_intent_handler: Make) -> None:
    assert await make_intent_handler().match("покажи цены", _context()) == Match(
        "navigate", 0.95, {"target_section": "pricing"}, {"type": "navigate", "url": "/pricing"}
    )


@pytest.mark.parametrize(
    ("language", "text"),
    [("ru-RU", "Открываю: цены."), ("en-US", "Opening prices."), ("de", "Opening prices.")],
)
async def test_navigation_is_announced_in_the_language_of_the_session(
    make_intent_handler: Make, language: str, text: str
) -> None:
    pieces = await _answer(make_intent_handler(), "prices", _context(language))

    assert pieces == [ReplyText(text), ReplyAction("navigate", {"url": "/pricing", "section": "pricing"})]


async def test_a_section_that_is_gone_is_said_to_be_gone(make_intent_handler: Make) -> None:
    gone = Match("navigate", 0.95, {"target_section": "shop"})

    pieces = [piece async for piece in make_intent_handler().respond(gone, "shop", _context("en"))]

    assert pieces == [ReplyText("There is no such section.")]


@pytest.mark.parametrize(
    ("context", "text"),
    [
        (_context("ru"), "Здравствуйте!"),
        (_context("en"), "Hello!"),
        (_context("en", "Welcome to the shop."), "Welcome to the shop."),
    ],
)
async def test_a_greeting_is_returned(make_intent_handler: Make, context: DialogueContext, text: str) -> None:
    assert await _answer(make_intent_handler(), "hello", context) == [ReplyText(text)]


async def test_all_else_is_echoed(make_intent_handler: Make) -> None:
    assert await _answer(make_intent_handler(), "Сколько будет 2+2?", _context()) == [
        ReplyText("Сколько будет 2+2?")
    ]
