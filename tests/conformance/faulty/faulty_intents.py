"""Intent handlers of which each but the first breaks its contract in one way."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from typing import Any

from glottis.plugins import (
    DialogueContext,
    IntentCapabilities,
    IntentHandler,
    IntentHandlerSpec,
    Match,
    ReplyAction,
    ReplyPiece,
    ReplyText,
    hookimpl,
    is_speakable,
)

GLOTTIS_API_VERSION = 1


class Good(IntentHandler):
    async def match(self, utterance: str, context: DialogueContext) -> Any:
        return Match("echo", 0.5) if is_speakable(utterance) else None

    async def respond(
        self, match: Match, utterance: str, context: DialogueContext
    ) -> AsyncGenerator[ReplyPiece, None]:
        yield ReplyText("You said: ")
        await asyncio.sleep(0)
        yield ReplyText(utterance)


class Dull(Good):
    async def match(self, utterance: str, context: DialogueContext) -> Any:
        return None


class JustAName(Good):
    async def match(self, utterance: str, context: DialogueContext) -> Any:
        return "echo"


class TooSure(Good):
    async def match(self, utterance: str, context: DialogueContext) -> Any:
        return Match("echo", 100.0)


class Nameless(Good):
    async def match(self, utterance: str, context: DialogueContext) -> Any:
        return Match("", 0.5)


class Unlisted(Good):
    async def match(self, utterance: str, context: DialogueContext) -> Any:
        return Match("surprise", 0.5)


class Inexpressible(Good):
    async def match(self, utterance: str, context: DialogueContext) -> Any:
        return Match("echo", 0.5, {"when": {1, 2}})


class Aimless(Good):
    async def match(self, utterance: str, context: DialogueContext) -> Any:
        return Match("echo", 0.5, {}, {"url": "/pricing"})


class Crashing(Good):
    async def match(self, utterance: str, context: DialogueContext) -> Any:
        utterance.split(maxsplit=1)[0]
        return await super().match(utterance, context)


class Overflowing(Good):
    async def match(self, utterance: str, context: DialogueContext) -> Any:
        if len(utterance) > 1_000:
            raise OverflowError(len(utterance))
        return await super().match(utterance, context)


class Placeless(Good):
    async def match(self, utterance: str, context: DialogueContext) -> Any:
        context.sections[0]
        return await super().match(utterance, context)


class Blocking(Good):
    has_loaded = False

    async def match(self, utterance: str, context: DialogueContext) -> Any:
        if not self.has_loaded:
            time.sleep(0.8)  # noqa: ASYNC251  # that is its fault
            self.has_loaded = True
        return await super().match(utterance, context)


class Silent(Good):
    async def respond(
        self, match: Match, utterance: str, context: DialogueContext
    ) -> AsyncGenerator[ReplyPiece, None]:
        yield ReplyAction("navigate", {"url": "/"})


class JustStrings(Good):
    async def respond(
        self, match: Match, utterance: str, context: DialogueContext
    ) -> AsyncGenerator[Any, None]:
        yield utterance


class WholeReply(Good):
    async def respond(  # type: ignore[override]  # that is its fault
        self, match: Match, utterance: str, context: DialogueContext
    ) -> list[ReplyPiece]:
        return [ReplyText(utterance)]


class Clinging(Good):
    async def respond(
        self, match: Match, utterance: str, context: DialogueContext
    ) -> AsyncGenerator[ReplyPiece, None]:
        try:
            yield ReplyText(utterance)
        except GeneratorExit:
            await asyncio.sleep(2)
            raise


class Stubborn(Good):
    async def respond(
        self, match: Match, utterance: str, context: DialogueContext
    ) -> AsyncGenerator[ReplyPiece, None]:
        yield ReplyText(utterance)
        for _ in range(10):
            try:
                await asyncio.sleep(0)
            except asyncio.CancelledError:
                return


CLASSES = [value for value in list(vars().values()) if isinstance(value, type) and issubclass(value, Good)]


@hookimpl
def glottis_register_intent_handlers(register: Callable[[IntentHandlerSpec], None]) -> None:
    stated = IntentCapabilities(intents=("echo",))
    for kind in CLASSES:
        register(IntentHandlerSpec(name=kind.__name__, create=kind, capabilities=stated))
