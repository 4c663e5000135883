"""Understanding and answering, over scripted intent handlers."""

import pytest
from glottis.core.dialogue import UNKNOWN
from glottis.core.errors import Unavailable
from glottis.core.platform import Engine
from glottis.plugins import (
    DialogueContext,
    ErrorCategory,
    IntentCapabilities,
    Match,
    ProviderError,
    ReplyAction,
    ReplySource,
    ReplyText,
)
from glottis.plugins.conformance import ScriptedIntentHandler

from .conftest import OpenEngine

TWO = """
[routes]
intents = ["one", "two"]
[projects.shop.sections.pricing]
url = "/pricing"
names = { ru = ["цены"] }
[projects.shop.greeting]
en = "Welcome to the shop"
"""
DOWN = ProviderError(ErrorCategory.UNAVAILABLE, "gone")


def context(engine: Engine, language: str = "en-US") -> DialogueContext:
    return engine.dialogue.context(project="shop", language=language)


async def test_the_first_handler_that_matches_answers(engine_of: OpenEngine) -> None:
    one = ScriptedIntentHandler(matches=[(None,)])
    two = ScriptedIntentHandler(
        matches=[Match("buy", 0.8)],
        replies=[(ReplyText("Sold. "), ReplySource("Terms", "/terms"), ReplyAction("pay"), "Bye.")],
    )
    async with engine_of(TWO, one.spec("one"), two.spec("two")) as engine:
        reply = await engine.dialogue.answer("I take it", context(engine))
    assert (reply.text, reply.intent, reply.provider) == ("Sold. Bye.", "buy", "two")
    assert reply.sources == (ReplySource("Terms", "/terms"),)
    assert reply.actions == (ReplyAction("pay"),)


async def test_a_handler_that_fails_is_passed_over(engine_of: OpenEngine) -> None:
    one = ScriptedIntentHandler(matches=[DOWN])
    two = ScriptedIntentHandler()
    async with engine_of(TWO, one.spec("one"), two.spec("two")) as engine:
        understood = await engine.dialogue.understand("hello", context(engine))
    assert understood.handler is not None
    assert understood.handler.name == "two"


async def test_a_handler_that_breaks_in_its_answer_is_passed_over(engine_of: OpenEngine) -> None:
    one = ScriptedIntentHandler(replies=[("half an ans", DOWN)])
    two = ScriptedIntentHandler(replies=["whole"])
    async with engine_of(TWO, one.spec("one"), two.spec("two")) as engine:
        reply = await engine.dialogue.answer("hello", context(engine))
    assert reply.text == "whole"


async def test_when_every_handler_fails_the_caller_is_told_to_try_again(engine_of: OpenEngine) -> None:
    one, two = ScriptedIntentHandler(matches=[DOWN]), ScriptedIntentHandler(replies=[DOWN])
    async with engine_of(TWO, one.spec("one"), two.spec("two")) as engine:
        with pytest.raises(Unavailable):
            await engine.dialogue.answer("hello", context(engine))


@pytest.mark.parametrize(("language", "word"), [("ru-RU", "Извините"), ("en-US", "Sorry"), ("sw", "Sorry")])
async def test_what_nobody_understands_is_answered_in_the_persons_language(
    engine_of: OpenEngine, language: str, word: str
) -> None:
    one, two = ScriptedIntentHandler(matches=[(None,)]), ScriptedIntentHandler(matches=[(None,)])
    async with engine_of(TWO, one.spec("one"), two.spec("two")) as engine:
        reply = await engine.dialogue.answer("blorp", context(engine, language))
    assert reply.text.startswith(word)
    assert reply.intent == UNKNOWN.intent


async def test_a_language_that_no_handler_takes_is_not_understood(engine_of: OpenEngine) -> None:
    only_russian = IntentCapabilities(languages=frozenset({"ru"}))
    one, two = (ScriptedIntentHandler(capabilities=only_russian) for _ in range(2))
    async with engine_of(TWO, one.spec("one"), two.spec("two")) as engine:
        understood = await engine.dialogue.understand("hello", context(engine))
    assert understood.match == UNKNOWN


async def test_handlers_are_told_the_projects_sections_and_greeting(engine_of: OpenEngine) -> None:
    one, two = ScriptedIntentHandler(), ScriptedIntentHandler()
    async with engine_of(TWO, one.spec("one"), two.spec("two")) as engine:
        await engine.dialogue.understand("hello", context(engine))
    told = one.calls[0].context
    assert [(section.id, section.url, dict(section.names)) for section in told.sections] == [
        ("pricing", "/pricing", {"ru": ("цены",)})
    ]
    assert told.greeting == "Welcome to the shop"
