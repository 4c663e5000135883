"""The conversations of this server process: what they work with, and how they tell clients of it."""

import logging
import time
import uuid

from glottis.api.errors import told
from glottis.api.replies import audio_url
from glottis.core.conversation import Assistant, Residents, Surroundings, Turn
from glottis.core.errors import GlottisError
from glottis.core.platform import Platform
from glottis.core.store import SessionRecord, StoreError
from glottis.core.telemetry import Period, TracedTurn
from glottis.plugins import TurnFinished

log = logging.getLogger(__name__)


def residents_of(platform: Platform) -> Residents:
    """Make the place where a process keeps its conversations; enter its `running` to open it."""
    engine = platform.engine
    observer = TurnObserver(platform)
    around = Surroundings(
        assistant=Assistant(engine.dialogue, engine.routing, platform.speaker),
        voice_activity=platform.voice_activity,
        history=platform.store.interactions,
        link=lambda audio_id: signed_url(platform, audio_id),
        explain=explained,
        observe=observer.finished,
        interrupted_in=engine.metrics.interrupt_seconds.observe,
        listening=engine.deployment.listening_in,
    )
    settings = engine.settings
    return Residents(platform.store, around, node=uuid.uuid4().hex, grace_s=settings.ws_resume_s)


def signed_url(platform: Platform, audio_id: str) -> str:
    """Make the URL of an audio with its permission in it: a player in a page has no password."""
    return f"{audio_url(audio_id)}?{platform.links.query(audio_id)}"


def explained(error: BaseException) -> tuple[str, str]:
    """Give the code and the sentence with which a client is told of an error."""
    if not isinstance(error, GlottisError | StoreError):
        log.error("a turn crashed", exc_info=error)
        return "internal", "internal error"
    how, detail = told(error)
    return (error.code if isinstance(error, GlottisError) else how.code), detail


class TurnObserver:
    """Counts what turns take."""

    def __init__(self, platform: Platform) -> None:
        self._telemetry = platform.telemetry
        self._emit = platform.engine.host.emit
        self._delays = {
            stage: platform.engine.metrics.turn_delay_seconds.labels(stage)
            for stage in ("final", "reply", "first_audio", "done")
        }

    def finished(self, session: SessionRecord, turn: Turn) -> None:
        """Note a turn that came to its end."""
        if self._telemetry.is_on:
            self._telemetry.report(traced(session, turn))
        for stage, delay_ms in turn.times.delays_ms().items():
            self._delays[stage].observe(delay_ms / 1_000)
        if turn.reply is not None:
            self._emit(
                TurnFinished(
                    at=time.time(),
                    session_id=session.id,
                    project=session.project,
                    intent=turn.reply.partly().intent,
                    seconds=turn.times.seconds,
                )
            )


def traced(session: SessionRecord, turn: Turn) -> TracedTurn:
    """Describe a turn for OpenTelemetry, without its words."""
    times = turn.times
    end = times.done or time.perf_counter()
    moments = [("hear", times.final), ("answer", times.reply), ("speak", times.first_audio)]
    parts: list[Period] = []
    start = times.speech_ended
    for name, moment in moments:
        if moment is not None:
            parts.append(Period(name, start, max(start, moment)))
            start = max(start, moment)
    attributes: dict[str, str | int | bool] = {
        "session_id": session.id,
        "project": session.project,
        "language": session.language,
        "turn_id": turn.id,
        "speculated": times.was_speculated,
    }
    if turn.reply is not None:
        reply = turn.reply.partly()
        attributes |= {"intent": reply.intent, "intent_provider": reply.provider or ""}
    return TracedTurn(Period("turn", times.speech_ended, end), tuple(parts), attributes)
