"""One turn of a conversation: what a person said, the answer, its audio, and the record of both."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal

from glottis.core.access import ANYONE
from glottis.core.dialogue import Dialogue, Reply
from glottis.core.errors import Unavailable, Unprocessable
from glottis.core.metrics import Metrics
from glottis.core.routing import Routing
from glottis.core.sessions import interaction
from glottis.core.speech import Heard, Recognition, Speaker, SpeechRequest, SpokenAudio
from glottis.core.store import InteractionRecord, SessionRecord, Store
from glottis.plugins import DEFAULT_VOICE, Event, Kind, Remembered, TurnFinished

_REMEMBERED_INTERACTIONS = 10
_SPEAKERS: Mapping[str, Literal["user", "assistant"]] = {
    "recognition": "user",
    "user": "user",
    "assistant": "assistant",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """What the assistant answered; `audio` is None where it could not be spoken or was not wanted."""

    reply: Reply
    audio: SpokenAudio | None


class Turns:
    """Runs turns of sessions, for every way in."""

    def __init__(
        self,
        *,
        store: Store,
        routing: Routing,
        recognition: Recognition,
        dialogue: Dialogue,
        speaker: Speaker,
        metrics: Metrics,
        emit: Callable[[Event], None],
    ) -> None:
        self._store = store
        self._routing = routing
        self._recognition = recognition
        self._dialogue = dialogue
        self._speaker = speaker
        self._stages = {
            stage: metrics.turn_seconds.labels(stage)
            for stage in ("recognition", "reply", "synthesis", "total")
        }
        self._emit = emit

    async def answer(
        self, session: SessionRecord, text: str, *, heard: Heard | None = None, wants_audio: bool = True
    ) -> Answer:
        """Answer what a person typed or, with `heard`, said; both sides are in the history when it returns.

        An answer that cannot be spoken is still given as text.

        Raises:
            Unavailable: nobody could answer. What the person said is in the history all the same.
        """
        started = time.perf_counter()
        said = _said(session, text, heard)
        try:
            reply = await self._reply(session, text)
        except Unavailable:
            await self._store.interactions.append([said])
            raise
        replied = time.perf_counter()
        audio = await self._speak(session, reply) if wants_audio else None
        finished = time.perf_counter()
        latencies_ms = {
            "recognition": 1_000 * heard.seconds if heard else 0.0,
            "reply": 1_000 * (replied - started),
            "synthesis": 1_000 * (finished - replied),
        }
        await self._store.interactions.append([said, _answered(session, reply, audio, latencies_ms)])
        self._observe(session, reply, started=started, replied=replied, finished=finished, heard=heard)
        return Answer(reply, audio)

    async def _reply(self, session: SessionRecord, text: str) -> Reply:
        async def history() -> tuple[Remembered, ...]:
            items = await self._store.interactions.history(session.id, limit=_REMEMBERED_INTERACTIONS)
            return tuple(_remembered(item) for item in items if item.type in _SPEAKERS)

        context = self._dialogue.context(
            project=session.project, language=session.language, history=history, session_id=session.id
        )
        return await self._dialogue.answer(text, context)

    async def _speak(self, session: SessionRecord, reply: Reply) -> SpokenAudio | None:
        if not self._routing.has_route(Kind.SYNTHESIZER, session.project):
            return None
        plain = SpeechRequest(
            text=reply.text,
            scope=ANYONE.audio_scope(session.project),
            project=session.project,
            language=session.language,
        )
        preferred = replace(plain, voice=session.voice_id or DEFAULT_VOICE, provider=session.voice_provider)
        # A preference is a wish: where the route cannot fulfil it, the project's usual voice speaks.
        for request in (preferred, plain) if preferred != plain else (plain,):
            try:
                return await self._speaker.say(request)
            except Unprocessable:
                continue
            except Unavailable:
                break
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
        heard: Heard | None,
    ) -> None:
        if heard is not None:
            self._stages["recognition"].observe(heard.seconds)
        self._stages["reply"].observe(replied - started)
        self._stages["synthesis"].observe(finished - replied)
        self._stages["total"].observe(finished - started + (heard.seconds if heard else 0.0))
        self._emit(
            TurnFinished(
                at=time.time(),
                session_id=session.id,
                project=session.project,
                intent=reply.intent,
                seconds=finished - started,
            )
        )


def _remembered(item: InteractionRecord) -> Remembered:
    intent = item.content.get("intent")
    return Remembered(
        _SPEAKERS[item.type],
        str(item.content.get("text", "")),
        None if intent is None else str(intent),
    )


def _said(session: SessionRecord, text: str, heard: Heard | None) -> InteractionRecord:
    now = datetime.now(UTC)
    if heard is None:
        return interaction(session, "user", {"text": text}, at=now)
    transcript = heard.transcript
    content = {"text": text, "confidence": transcript.confidence, "language": transcript.language}
    return interaction(session, "recognition", content, at=now, provider=heard.provider)


def _answered(
    session: SessionRecord, reply: Reply, audio: SpokenAudio | None, latencies_ms: dict[str, float]
) -> InteractionRecord:
    content: dict[str, object] = {"text": reply.text, "intent": reply.intent}
    if audio is not None:
        content |= {"audio_id": audio.id, "synthesized_by": audio.provider}
    return interaction(
        session,
        "assistant",
        content,
        at=datetime.now(UTC),
        provider=reply.provider,
        latencies_ms=latencies_ms,
    )
