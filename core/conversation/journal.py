"""What of a turn goes into the history of its session: both sides, once each, and how the answer ended."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Literal, Protocol

from glottis.core.dialogue import Reply
from glottis.core.sessions import interaction
from glottis.core.speech import Heard
from glottis.core.store import InteractionRecord, SessionRecord, StoreError
from glottis.plugins import Remembered

_REMEMBERED_INTERACTIONS = 10
_SPEAKERS: Mapping[str, Literal["user", "assistant"]] = {
    "recognition": "user",
    "user": "user",
    "assistant": "assistant",
}


class History(Protocol):
    """Where interactions are kept."""

    def make_id(self) -> str: ...
    async def append(self, records: Sequence[InteractionRecord]) -> None: ...
    async def amend(
        self,
        session_id: str,
        interaction_id: str,
        content: Mapping[str, Any],
        *,
        latencies_ms: Mapping[str, float] | None = None,
    ) -> None: ...
    async def history(self, session_id: str, *, limit: int) -> list[InteractionRecord]: ...


async def remembered(history: History, session_id: str) -> tuple[Remembered, ...]:
    """Give what was said last in a session, for whoever answers next."""
    items = await history.history(session_id, limit=_REMEMBERED_INTERACTIONS)
    return tuple(
        Remembered(
            _SPEAKERS[item.type],
            str(item.content.get("heard", item.content.get("text", ""))),
            None if (intent := item.content.get("intent")) is None else str(intent),
        )
        for item in items
        if item.type in _SPEAKERS
    )


def said(
    session: SessionRecord,
    text: str,
    heard: Heard | None,
    *,
    record_id: str | None = None,
    seq: int | None = None,
) -> InteractionRecord:
    """Describe what a person typed or, with `heard`, said."""
    now = datetime.now(UTC)
    if heard is None:
        return interaction(session, "user", {"text": text}, at=now, record_id=record_id, seq=seq)
    transcript = heard.transcript
    content = {"text": text, "confidence": transcript.confidence, "language": transcript.language}
    return interaction(
        session, "recognition", content, at=now, provider=heard.provider, record_id=record_id, seq=seq
    )


def extras_of(reply: Reply) -> dict[str, list[dict[str, Any]]]:
    """Give what comes with the words of an answer, as clients are told of it."""
    return {
        "sources": [{"title": source.title, "url": source.url} for source in reply.sources],
        "suggested_actions": [{"type": action.type, **action.params} for action in reply.actions],
    }


def answered(
    session: SessionRecord,
    reply: Reply,
    latencies_ms: Mapping[str, float],
    *,
    record_id: str | None = None,
    seq: int | None = None,
    **content: object,
) -> InteractionRecord:
    """Describe what the assistant answered; `content` is what else there is to say of it."""
    return interaction(
        session,
        "assistant",
        {
            "text": reply.text,
            "intent": reply.intent,
            **{name: items for name, items in extras_of(reply).items() if items},
            **content,
        },
        at=datetime.now(UTC),
        provider=reply.provider,
        latencies_ms=latencies_ms,
        record_id=record_id,
        seq=seq,
    )


class TurnJournal:
    """Writes one turn down. What is written, and when it is safe, does not depend on how the turn ends."""

    def __init__(self, history: History, session: SessionRecord) -> None:
        self._history = history
        self._session = session
        self._said: InteractionRecord | None = None
        self._answer_id: str | None = None
        self._written_times: frozenset[str] = frozenset()
        self._writing: asyncio.Task[None] | None = None

    def heard(self, text: str, heard: Heard | None, *, seq: int | None) -> None:
        """Remember what the person said; it is written with the answer, or when the turn ends without one."""
        # An answer within the same millisecond is sorted by its id alone: this one has to be the older.
        record_id = self._history.make_id()
        self._said = said(self._session, text, heard, record_id=record_id, seq=seq)

    async def answered(
        self, reply: Reply, latencies_ms: Mapping[str, float], *, seq: int | None, **content: object
    ) -> None:
        """Write both sides, even if the turn is cancelled meanwhile; on return they are safe."""
        self._answer_id = self._history.make_id()
        self._written_times = frozenset(latencies_ms)
        answer = answered(self._session, reply, latencies_ms, record_id=self._answer_id, seq=seq, **content)
        records = [answer] if self._said is None else [self._said, answer]
        self._said = None
        self._writing = asyncio.create_task(self._history.append(records))
        await asyncio.shield(self._writing)

    async def timed(self, latencies_ms: Mapping[str, float]) -> None:
        """Write the times of an answer that was written down before all of them were known."""
        if self._answer_id is None or latencies_ms.keys() <= self._written_times:
            return
        # The answer is safe and has been told: a turn has not failed because its times are lost.
        with suppress(StoreError):
            await self._history.amend(self._session.id, self._answer_id, {}, latencies_ms=latencies_ms)

    async def interrupted(
        self, reply: Reply, latencies_ms: Mapping[str, float], *, sent: str, heard: str, heard_ms: float
    ) -> None:
        """Write that the answer was cut off; `sent` are the words that went out if it was not complete."""
        content = {"interrupted": True, "heard": heard, "heard_ms": round(heard_ms)}
        if self._writing is not None:
            await self._writing
        if self._answer_id is not None:
            await self._history.amend(self._session.id, self._answer_id, content, latencies_ms=latencies_ms)
        elif sent:
            cut = Reply(sent, reply.intent, reply.provider, reply.sources, reply.actions)
            await self.answered(cut, latencies_ms, seq=None, **content)
        else:
            await self.finish()

    async def finish(self) -> None:
        """Write what has not been written yet: what the person said, where nobody answered."""
        if self._writing is not None:
            await self._writing
        if self._said is not None:
            unanswered, self._said = self._said, None
            await self._history.append([unanswered])
