"""One turn over HTTP: what a person said, the answer, its audio, and the record of both."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from glottis.core.conversation import journal
from glottis.core.conversation.preference import as_preferred
from glottis.core.dialogue import Dialogue, Reply
from glottis.core.errors import Unavailable, Unprocessable
from glottis.core.metrics import Metrics
from glottis.core.routing import Routing
from glottis.core.speech import DEFAULT_FORMAT, Speaker, SpokenAudio
from glottis.core.store import SessionRecord, Store
from glottis.plugins import Event, Kind, Remembered, TurnFinished


@dataclass(frozen=True, slots=True)
class Answer:
    """What the assistant answered; `audio` is None where it could not be spoken or was not wanted."""

    reply: Reply
    audio: SpokenAudio | None


class Turns:
    """Runs turns that are asked for one by one."""

    def __init__(
        self,
        *,
        store: Store,
        routing: Routing,
        dialogue: Dialogue,
        speaker: Speaker,
        metrics: Metrics,
        emit: Callable[[Event], None],
    ) -> None:
        self._store = store
        self._routing = routing
        self._dialogue = dialogue
        self._speaker = speaker
        self._stages = {
            stage: metrics.turn_seconds.labels(stage) for stage in ("reply", "synthesis", "total")
        }
        self._emit = emit

    async def answer(self, session: SessionRecord, text: str) -> Answer:
        """Answer what a person typed; both sides are in the history when it returns.

        An answer that cannot be spoken is still given as text.

        Raises:
            Unavailable: nobody could answer. What the person said is in the history all the same.
        """
        started = time.perf_counter()
        said = journal.said(session, text, None)
        try:
            reply = await self._reply(session, text)
        except Unavailable:
            await self._store.interactions.append([said])
            raise
        replied = time.perf_counter()
        audio = await self._speak(session, reply)
        finished = time.perf_counter()
        latencies_ms = {"reply": 1_000 * (replied - started), "synthesis": 1_000 * (finished - replied)}
        content: dict[str, Any] = {}
        if audio is not None:
            content = {"audio_id": audio.id, "synthesized_by": audio.provider}
        answer = journal.answered(session, reply, latencies_ms, **content)
        await self._store.interactions.append([said, answer])
        self._observe(session, reply, started=started, replied=replied, finished=finished)
        return Answer(reply, audio)

    async def _reply(self, session: SessionRecord, text: str) -> Reply:
        async def history() -> tuple[Remembered, ...]:
            return await journal.remembered(self._store.interactions, session.id)

        context = self._dialogue.context(
            project=session.project, language=session.language, history=history, session_id=session.id
        )
        return await self._dialogue.answer(text, context)

    async def _speak(self, session: SessionRecord, reply: Reply) -> SpokenAudio | None:
        if not self._routing.has_route(Kind.SYNTHESIZER, session.project):
            return None
        try:
            return await as_preferred(session, self._speaker.say, text=reply.text, format=DEFAULT_FORMAT)
        except (Unavailable, Unprocessable):
            # The failure is in the log and the metrics; the person still gets the words.
            return None

    def _observe(
        self,
        session: SessionRecord,
        reply: Reply,
        *,
        started: float,
        replied: float,
        finished: float,
    ) -> None:
        self._stages["reply"].observe(replied - started)
        self._stages["synthesis"].observe(finished - replied)
        self._stages["total"].observe(finished - started)
        self._emit(
            TurnFinished(
                at=time.time(),
                session_id=session.id,
                project=session.project,
                intent=reply.intent,
                seconds=finished - started,
            )
        )
