"""The contract of intent handlers, as tests."""

import asyncio
import json
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any, ClassVar

import pytest
from glottis.plugins.capabilities import IntentCapabilities
from glottis.plugins.conformance.guard import expect
from glottis.plugins.conformance.provider import ProviderConformance
from glottis.plugins.intent import (
    DialogueContext,
    IntentHandler,
    Match,
    ReplyAction,
    ReplyPiece,
    ReplySource,
    ReplyText,
    Section,
)
from glottis.plugins.specs import Kind
from glottis.plugins.text import is_speakable

SECTIONS = (
    Section(id="pricing", url="/pricing", names={"ru": ("цены", "прайс"), "en": ("prices", "pricing")}),
    Section(id="contacts", url="/contacts", names={"ru": ("контакты",), "en": ("contacts",)}),
)

ODD = (
    "",
    "   \n\t",
    "?!…",
    "🙂🎉👩‍👩‍👧",
    "а" * 5_000,
    "покажи цены " * 416,
    "价格是多少",
    "كم السعر؟",
    "\x00\u202e[](*+\\",
    '{"type": "navigate"}',
    "<script>alert(1)</script>",
)


class IntentHandlerConformance(ProviderConformance):
    """Checks an intent handler with utterances, of which it must understand one at the least.

    `utterances` maps a language to what is said in it; `expected` maps an utterance to the intent that it
    must be given.
    """

    kind = Kind.INTENT_HANDLER
    capabilities_type = IntentCapabilities
    sections: ClassVar[tuple[Section, ...]] = SECTIONS
    utterances: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "ru-RU": ("Привет!", "Покажи цены", "Открой контакты", "Что ты умеешь?", "До свидания"),
        "en-US": ("Hello!", "Show me the prices", "Open contacts", "What can you do?", "Goodbye"),
    }
    expected: ClassVar[Mapping[str, str]] = {}

    def dialogue(self, language: str) -> DialogueContext:
        """Give the context in which something is said."""
        return DialogueContext(project="demo", language=language, sections=self.sections, greeting="Hello!")

    def said(self, provider: IntentHandler) -> list[tuple[str, DialogueContext]]:
        """List the utterances in the languages to test."""
        tags = self.tags(provider.capabilities)
        spoken = [tag for tag in self.utterances if tag in tags] or list(self.utterances)
        return [(text, self.dialogue(tag)) for tag in spoken for text in self.utterances[tag]]

    async def exercise(self, provider: IntentHandler, material: object) -> None:
        for utterance, context in self.said(provider):
            found = await self._match(provider, utterance, context)
            await self.cancel_early("match", provider.match(utterance, context))
            if found:
                await self._respond(provider, found, utterance, context)
                await self._leave_early(provider, found, utterance, context)

    async def test_it_matches_what_it_understands(self, provider: IntentHandler) -> None:
        found = [
            await self._match(provider, utterance, context) for utterance, context in self.said(provider)
        ]
        expect(any(found), "no utterance was understood: set `utterances` to some that should be")

    async def test_it_matches_what_the_test_class_expects(self, provider: IntentHandler) -> None:
        languages = {text: tag for tag, texts in self.utterances.items() for text in texts}
        for utterance, intent in self.expected.items():
            context = self.dialogue(languages.get(utterance, self.tags(provider.capabilities)[0]))
            found = await self._match(provider, utterance, context)
            got = found.intent if found else None
            expect(got == intent, f"{utterance!r} should be the intent {intent!r}, not {got!r}")

    async def test_it_answers_what_it_matches_with_something_to_say(self, provider: IntentHandler) -> None:
        for utterance, context in self.said(provider):
            found = await self._match(provider, utterance, context)
            if found:
                await self._respond(provider, found, utterance, context)

    async def test_odd_utterances_raise_nothing(self, provider: IntentHandler) -> None:
        for utterance in ODD:
            for tag in (*self.tags(provider.capabilities), "tlh-AQ"):
                found = await self._match(provider, utterance, self.dialogue(tag))
                if found:
                    await self._respond(provider, found, utterance, self.dialogue(tag))

    async def test_a_bare_context_raises_nothing(self, provider: IntentHandler) -> None:
        for utterance, context in self.said(provider):
            bare = DialogueContext(project="demo", language=context.language)
            found = await self._match(provider, utterance, bare)
            if found:
                await self._respond(provider, found, utterance, bare)

    async def test_it_serves_several_callers_at_once(self, provider: IntentHandler) -> None:
        utterance, context = self.said(provider)[0]
        async with self.guard(f"{self.calls_at_once} calls of match at once"):
            found = await asyncio.gather(
                *(provider.match(utterance, context) for _ in range(self.calls_at_once))
            )
        for match in found:
            self._check_match(provider, match, utterance)

    async def test_an_answer_can_be_left_and_cancelled(self, provider: IntentHandler) -> None:
        for utterance, context in self.said(provider):
            await self.cancel_early("match", provider.match(utterance, context))
            found = await self._match(provider, utterance, context)
            if found:
                await self._leave_early(provider, found, utterance, context)
                await self.cancel_early("respond", _collect(provider, found, utterance, context))
                await self._respond(provider, found, utterance, context)

    async def _match(self, provider: IntentHandler, utterance: str, context: DialogueContext) -> Match | None:
        found: Match | None = None
        async with self.guard(f"match of {utterance[:40]!r}"):
            found = await provider.match(utterance, context)
        return self._check_match(provider, found, utterance)

    def _check_match(self, provider: IntentHandler, found: object, utterance: str) -> Match | None:
        what = f"match of {utterance[:40]!r}"
        if found is None:
            return None
        if not isinstance(found, Match):
            pytest.fail(f"{what} should give a Match or None, not {found!r}")
        expect(found.intent, f"{what} gave a Match without an intent")
        expect(
            0.0 <= found.confidence <= 1.0, f"{what} gave confidence {found.confidence}, not one of 0 to 1"
        )
        stated = provider.capabilities.intents
        expect(
            not stated or found.intent in stated,
            f"{what} gave {found.intent!r}, which the capabilities do not list",
        )
        action = found.suggested_action
        expect(action is None or action.get("type"), f"{what} suggests an action without a type: {action}")
        expect(_is_json(found.entities), f"{what} gave entities that are no JSON: {found.entities}")
        expect(_is_json(action), f"{what} suggests an action that is no JSON: {action}")
        return found

    async def _respond(
        self, provider: IntentHandler, found: Match, utterance: str, context: DialogueContext
    ) -> None:
        what = f"respond to {utterance[:40]!r}"
        pieces: list[ReplyPiece] = []
        async with self.guard(what):
            pieces = await _collect(provider, found, utterance, context)
        for piece in pieces:
            known = isinstance(piece, ReplyText | ReplySource | ReplyAction)
            expect(known, f"{what} should give ReplyPieces, not {piece!r}")
            if isinstance(piece, ReplyAction):
                expect(piece.type, f"{what} gave an action without a type")
                expect(_is_json(piece.params), f"{what} gave an action that is no JSON: {piece!r}")
        text = "".join(piece.text for piece in pieces if isinstance(piece, ReplyText))
        expect(is_speakable(text), f"{what} ({found.intent}) gave nothing to say: {text!r}")

    async def _leave_early(
        self, provider: IntentHandler, found: Match, utterance: str, context: DialogueContext
    ) -> None:
        pieces = _generator(provider, found, utterance, context)
        async with self.guard("the first piece of respond"):
            await anext(pieces)
        async with self.grace("closing the iterator of respond"):
            await pieces.aclose()


async def _collect(
    provider: IntentHandler, found: Match, utterance: str, context: DialogueContext
) -> list[ReplyPiece]:
    async with aclosing(_generator(provider, found, utterance, context)) as pieces:
        return [piece async for piece in pieces]


def _generator(
    provider: IntentHandler, found: Match, utterance: str, context: DialogueContext
) -> AsyncGenerator[ReplyPiece, None]:
    pieces = provider.respond(found, utterance, context)
    expect(
        isinstance(pieces, AsyncGenerator), "`respond` should be an async generator: `async def` + `yield`"
    )
    return pieces


def _is_json(value: Any) -> bool:
    try:
        json.dumps(dict(value) if isinstance(value, Mapping) else value)
    except (TypeError, ValueError):
        return False
    return True
