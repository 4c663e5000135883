"""What a person wants, and what to answer."""

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from glottis.plugins.capabilities import IntentCapabilities
from glottis.plugins.provider import Provider


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A place of a project's site; `names` maps a language ("ru") to what people call it."""

    id: str
    url: str
    names: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Remembered:
    """Something said earlier in a session; `intent` is what an answer answered."""

    speaker: Literal["user", "assistant"]
    text: str
    intent: str | None = None


async def nothing_remembered() -> tuple[Remembered, ...]:
    return ()


@dataclass(frozen=True, slots=True, kw_only=True)
class DialogueContext:
    """Where the conversation stands.

    `greeting` is what the assistant says in `language` when a session begins. `history()` gives the last
    things said, oldest first; it asks the database, so only a handler that needs it should.
    """

    project: str
    language: str = "ru-RU"
    sections: tuple[Section, ...] = ()
    current_page: str | None = None
    previous_intents: tuple[str, ...] = ()
    history: Callable[[], Awaitable[tuple[Remembered, ...]]] = nothing_remembered
    greeting: str = ""
    session_id: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Match:
    """An intent and how sure the handler is (0 to 1).

    `suggested_action` is a JSON object with a `type`, such as {"type": "navigate", "url": "/pricing"}.
    """

    intent: str
    confidence: float
    entities: Mapping[str, Any] = field(default_factory=dict)
    suggested_action: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class ReplyText:
    """A piece of the spoken answer; pieces are joined as they are."""

    text: str


@dataclass(frozen=True, slots=True)
class ReplySource:
    """Where an answer comes from."""

    title: str
    url: str | None = None


@dataclass(frozen=True, slots=True)
class ReplyAction:
    """Something that the client may do; `type` and whatever belongs to it."""

    type: str
    params: Mapping[str, Any] = field(default_factory=dict)


ReplyPiece = ReplyText | ReplySource | ReplyAction


class IntentHandler(Provider, ABC):
    """Understands an utterance and answers it."""

    capabilities: IntentCapabilities

    @abstractmethod
    async def match(self, utterance: str, context: DialogueContext) -> Match | None:
        """Say what the person wants, or None to leave it to the next handler.

        Raises:
            ProviderError: and nothing else.
        """

    @abstractmethod
    def respond(
        self, match: Match, utterance: str, context: DialogueContext
    ) -> AsyncGenerator[ReplyPiece, None]:
        """Answer, in the language of the context, as an async generator of pieces in speaking order.

        Raises:
            ProviderError: and nothing else.
        """
