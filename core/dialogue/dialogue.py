"""From an utterance to what is wanted, and to the answer."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

from glottis.config import Deployment
from glottis.core.dialogue.phrases import NOT_UNDERSTOOD, greeting, in_language
from glottis.core.errors import Unavailable, Unprocessable
from glottis.core.routing import Guard, Routing
from glottis.core.routing.answers import match_of, piece_of
from glottis.core.routing.patience import each_within
from glottis.plugins import (
    DialogueContext,
    ErrorCategory,
    IntentHandler,
    Kind,
    Match,
    ProviderError,
    Remembered,
    ReplyAction,
    ReplyPiece,
    ReplySource,
    ReplyText,
    Section,
)
from glottis.plugins.intent import nothing_remembered

log = logging.getLogger(__name__)

UNKNOWN = Match("unknown", 0.0)
_PIECES_AT_A_TIME = 64
_MOST_PIECES = 10_000
_LONGEST_REPLY = 20_000


@dataclass(frozen=True, slots=True)
class Understanding:
    """What is wanted, and which handler says so; None when no handler did."""

    match: Match
    handler: Guard[IntentHandler] | None


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer."""

    text: str
    intent: str
    provider: str | None
    sources: tuple[ReplySource, ...] = field(default=())
    actions: tuple[ReplyAction, ...] = field(default=())


class Dialogue:
    """Asks the intent handlers of the route, in order, until one knows what is wanted."""

    def __init__(self, routing: Routing, deployment: Deployment) -> None:
        self._routing = routing
        self._deployment = deployment
        self._sections = {name: _sections(deployment, name) for name in deployment.projects}

    def context(
        self,
        *,
        project: str,
        language: str,
        current_page: str | None = None,
        previous_intents: Sequence[str] = (),
        history: Callable[[], Awaitable[tuple[Remembered, ...]]] = nothing_remembered,
        session_id: str | None = None,
    ) -> DialogueContext:
        """Describe to the handlers where a conversation stands."""
        return DialogueContext(
            project=project,
            language=language,
            sections=self._sections.get(project, ()),
            current_page=current_page,
            previous_intents=tuple(previous_intents),
            greeting=greeting(language, self._deployment.project(project).greeting),
            session_id=session_id,
            history=history,
        )

    async def understand(self, text: str, context: DialogueContext) -> Understanding:
        """Find out what is wanted; `UNKNOWN` where every handler passes.

        Raises:
            Unavailable: every handler failed.
        """
        return await self._first_match(text, context, self._handlers(context))

    async def answer(self, text: str, context: DialogueContext) -> Reply:
        """Find out what is wanted and answer it. A handler that breaks in its answer is passed over.

        Raises:
            Unavailable: every handler failed.
        """
        handlers: Sequence[Guard[Any]] = self._handlers(context)
        while True:
            understood = await self._first_match(text, context, handlers)
            if understood.handler is None:
                return Reply(in_language(NOT_UNDERSTOOD, context.language), UNKNOWN.intent, None)
            try:
                return await self._respond(understood.handler, understood.match, text, context)
            except ProviderError as error:
                handlers = _after_failure(understood.handler, error, handlers)

    async def stream(
        self, text: str, context: DialogueContext, *, committed: asyncio.Event | None = None
    ) -> AsyncGenerator[Understanding | ReplyPiece, None]:
        """Answer piece by piece: first who answers, then the pieces as they come.

        A handler that breaks before its first words is passed over; the next begins with an `Understanding`.
        While `committed` is not set, the text may prove never to have been said: only handlers that say that
        they do nothing but answer are asked before it is.

        Raises:
            Unavailable: every handler failed, or one broke amid its words.
        """
        handlers: Sequence[Guard[Any]] = self._handlers(context)
        while True:
            understood = await self._first_match(text, context, handlers, committed=committed)
            yield understood
            if understood.handler is None:
                yield ReplyText(in_language(NOT_UNDERSTOOD, context.language))
                return
            has_spoken = False
            try:
                async with aclosing(_pieces(understood.handler, understood.match, text, context)) as pieces:
                    async for piece in pieces:
                        has_spoken |= isinstance(piece, ReplyText) and bool(piece.text.strip())
                        yield piece
            except ProviderError as error:
                handlers = _after_failure(understood.handler, error, handlers)
                if has_spoken:
                    raise Unavailable("the answer broke off; ask again") from None
            else:
                if not has_spoken:
                    yield ReplyText(in_language(NOT_UNDERSTOOD, context.language))
                return

    def _handlers(self, context: DialogueContext) -> tuple[Guard[Any], ...]:
        if not self._routing.has_route(Kind.INTENT_HANDLER, context.project):
            return ()
        try:
            return self._routing.chain(
                Kind.INTENT_HANDLER, language=context.language, project=context.project
            )
        except Unprocessable:
            # Nobody understands this language: the person is told so, as for any other words not understood.
            return ()

    @staticmethod
    async def _first_match(
        text: str,
        context: DialogueContext,
        handlers: Sequence[Guard[IntentHandler]],
        *,
        committed: asyncio.Event | None = None,
    ) -> Understanding:
        failures = 0
        for guard in handlers:
            if committed is not None and not guard.capabilities.speculative:
                await committed.wait()
            try:
                match = await guard.call(lambda handler: _match(handler, text, context))
            except ProviderError as error:
                _note(guard, error)
                failures += 1
                continue
            if match is not None:
                return Understanding(match, guard)
        if handlers and failures == len(handlers):
            raise Unavailable("no intent handler could answer; try again in a moment")
        return Understanding(UNKNOWN, None)

    @staticmethod
    async def _respond(
        guard: Guard[IntentHandler], match: Match, text: str, context: DialogueContext
    ) -> Reply:
        spoken: list[str] = []
        sources: list[ReplySource] = []
        actions: list[ReplyAction] = []
        async with aclosing(_pieces(guard, match, text, context)) as pieces:
            async for piece in pieces:
                if isinstance(piece, ReplyText):
                    spoken.append(piece.text)
                elif isinstance(piece, ReplySource):
                    sources.append(piece)
                else:
                    actions.append(piece)
        words = "".join(spoken).strip()[:_LONGEST_REPLY] or in_language(NOT_UNDERSTOOD, context.language)
        return Reply(words, match.intent, guard.name, tuple(sources), tuple(actions))


async def _pieces(
    guard: Guard[IntentHandler], match: Match, text: str, context: DialogueContext
) -> AsyncGenerator[ReplyPiece, None]:
    """Give the pieces of an answer, within the handler's limits and ours."""
    count = length = 0
    async with (
        guard.attending(timeout_s=None) as handler,
        aclosing(handler.respond(match, text, context)) as pieces,
    ):
        async for given in each_within(pieces, guard.limits.timeout_s):
            piece = piece_of(given)
            count += 1
            if count % _PIECES_AT_A_TIME == 0:
                # A handler that never waits would keep everybody else waiting.
                await asyncio.sleep(0)
            if count > _MOST_PIECES:
                raise ProviderError(ErrorCategory.INTERNAL, f"{guard.name} does not come to an end")
            if isinstance(piece, ReplyText):
                piece = ReplyText(piece.text[: _LONGEST_REPLY - length])
                length += len(piece.text)
            yield piece


def _after_failure(
    guard: Guard[IntentHandler], error: ProviderError, handlers: Sequence[Guard[Any]]
) -> Sequence[Guard[Any]]:
    """Give the handlers that are left.

    Raises:
        Unavailable: none is.
    """
    _note(guard, error)
    rest = handlers[handlers.index(guard) + 1 :]
    if not rest:
        raise Unavailable("no intent handler could answer; try again in a moment") from None
    return rest


async def _match(handler: IntentHandler, text: str, context: DialogueContext) -> Match | None:
    return match_of(await handler.match(text, context))


def _note(guard: Guard[Any], error: ProviderError) -> None:
    log.warning(
        "intent handler failed",
        extra={
            "provider": guard.name,
            "category": str(error.category),
            # It may quote what was said.
            "pii": {"reason": error.public_message},
        },
    )


def _sections(deployment: Deployment, project: str) -> tuple[Section, ...]:
    return tuple(
        Section(
            id=section_id,
            url=entry.url,
            names={language: tuple(names) for language, names in entry.names.items()},
        )
        for section_id, entry in deployment.project(project).sections.items()
    )
