"""A conversation with its client, in virtual time: what is said goes in, and what comes out is noted down."""

import asyncio
from array import array
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from glottis.config import Listening, Settings, parse_deployment
from glottis.core.audio import PcmFormat
from glottis.core.conversation import (
    Assistant,
    AudioMode,
    Conversation,
    Manners,
    StreamFormat,
    Surroundings,
    Turn,
    Voice,
)
from glottis.core.listening import WINDOW_BYTES
from glottis.core.platform import Engine, open_engine
from glottis.core.speech import Speaker
from glottis.core.store import InteractionRecord, SessionRecord
from glottis.plugins.conformance import (
    Outcome,
    ScriptedIntentHandler,
    ScriptedRecognizer,
    ScriptedSynthesizer,
    loaded_with,
    tone,
)

from tests.virtual_time import in_real_time

from .memory import MemoryHistory, memory_store

Fake = ScriptedRecognizer | ScriptedIntentHandler | ScriptedSynthesizer

WINDOW_S = 0.032
PATIENCE_S = 60.0
_LOUD = 1_000
TOML = """
enable = ["test"]
[providers.ear]
use = "ear"
limits = { retries = 0, timeout_s = 5.0 }
[providers.mind]
use = "mind"
limits = { retries = 0, timeout_s = 5.0 }
[providers.mouth]
use = "mouth"
limits = { retries = 0, timeout_s = 5.0 }
[routes]
recognize = ["ear"]
intents = ["mind"]
synthesize = ["mouth"]
"""


class LoudVoices:
    """Voice activity for tests: what is loud is voice."""

    def open(self) -> "LoudVoice":
        return LoudVoice()


class LoudVoice:
    def __init__(self) -> None:
        self._rest = b""

    async def probabilities(self, pcm: bytes) -> list[float]:
        pcm = self._rest + pcm
        whole = len(pcm) // WINDOW_BYTES * WINDOW_BYTES
        self._rest = pcm[whole:]
        windows = (array("h", pcm[start : start + WINDOW_BYTES]) for start in range(0, whole, WINDOW_BYTES))
        return [1.0 if max(window) >= _LOUD else 0.0 for window in windows]

    def reset(self) -> None:
        self._rest = b""


@dataclass(frozen=True, slots=True)
class Sent:
    """What the client was sent, and when: a message, or audio of the turn `turn_id`."""

    at: float
    kind: str
    turn_id: int | None
    message: Mapping[str, Any] = field(default_factory=dict)
    audio: bytes = b""


@dataclass(eq=False)
class Talk:
    """A conversation over scripted providers; `sent` is all that its client was sent, in order."""

    conversation: Conversation
    history: MemoryHistory
    recognizer: ScriptedRecognizer
    handler: ScriptedIntentHandler
    synthesizer: ScriptedSynthesizer
    speaker: Speaker
    around: Surroundings
    understudies: Mapping[str, Fake] = field(default_factory=dict)
    """Those who may be asked after the first, by their names."""
    sent: list[Sent] = field(default_factory=list)
    turns: list[Turn] = field(default_factory=list)
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    async def collect(self) -> None:
        """Be the client that reads."""
        loop = asyncio.get_running_loop()
        while True:
            entry = await self.conversation.outbox.take()
            message = entry.as_message() if entry.seq is not None else {}
            self.sent.append(Sent(loop.time(), entry.kind or "frame", entry.turn_id, message, entry.audio))
            self._news.set()

    async def speak(self, seconds: float, *, sound: bytes | None = None) -> None:
        """Say something into the microphone for so long, in real time by the clock of the event loop."""
        window = tone(WINDOW_S).pcm if sound is None else sound
        for _ in range(round(seconds / WINDOW_S)):
            await self.conversation.hear(window)
            await asyncio.sleep(WINDOW_S)

    async def be_silent(self, seconds: float) -> None:
        await self.speak(seconds, sound=bytes(WINDOW_BYTES))

    async def utter(self, seconds: float = 0.6) -> None:
        """Say something and stop, for long enough to have finished."""
        await self.speak(seconds)
        await self.be_silent(0.7)

    async def until(self, kind: str, count: int = 1, **fields: Any) -> Sent:
        """Wait for the `count`-th message of a type with these fields (audio is of the type "frame")."""
        async with patience(f"{kind} {fields}: {self.kinds()}"):
            while True:
                found = self.all(kind, **fields)
                if len(found) >= count:
                    return found[count - 1]
                self._news.clear()
                await self._news.wait()

    async def quiet(self) -> None:
        """Wait until no turn runs, and everything has been read."""
        async with patience(f"quiet: {self.kinds()}"):
            await self.conversation.quiet()
            await self.conversation.outbox.emptied()
            await settle()

    def all(self, kind: str, **fields: Any) -> list[Sent]:
        return [one for one in self.sent if one.kind == kind and fields.items() <= one.message.items()]

    def kinds(self, *, since: int = 0) -> list[str]:
        """Name what was sent, statuses by their status; frames that follow each other are named once."""
        named: list[str] = []
        for one in self.sent[since:]:
            name = one.message["status"] if one.kind == "status" else one.kind
            if name != "frame" or named[-1:] != ["frame"]:
                named.append(name)
        return named

    def audio(self, turn_id: int) -> bytes:
        return b"".join(one.audio for one in self.sent if one.turn_id == turn_id)

    def after(self, one: Sent) -> list[Sent]:
        return self.sent[self.sent.index(one) + 1 :]

    def spoken(self, kind: str) -> list[Mapping[str, Any]]:
        """Give the contents of the history's records of a type."""
        return [record.content for record in self.history.records if record.type == kind]

    def line(self) -> list[tuple[str, str]]:
        """Give who said what, by the history."""
        return [(record.type, str(record.content.get("text"))) for record in self.records]

    @property
    def records(self) -> list[InteractionRecord]:
        return self.history.records

    def still_at_work(self) -> list[str]:
        fakes = (self.recognizer, self.handler, self.synthesizer, *self.understudies.values())
        return [call.method for fake in fakes for call in fake.calls if call.outcome is Outcome.RUNNING]


async def settle() -> None:
    """Let everything happen that takes no time."""
    await asyncio.sleep(0.001)


@asynccontextmanager
async def patience(what: str) -> AsyncIterator[None]:
    """Fail rather than wait for ever."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            yield
    except TimeoutError:
        raise AssertionError(f"in vain, waited for {what}") from None


@asynccontextmanager
async def talking(
    folder: Path,
    opened: list[Talk],
    *,
    recognizer: ScriptedRecognizer | None = None,
    handler: ScriptedIntentHandler | None = None,
    synthesizer: ScriptedSynthesizer | None = None,
    toml: str = TOML,
    understudies: Mapping[str, Fake] | None = None,
    is_read: bool = True,
    **manners: Any,
) -> AsyncIterator[Talk]:
    """Open a conversation of a client that has said `start`; `manners` are how."""
    recognizer = recognizer or ScriptedRecognizer()
    handler = handler or ScriptedIntentHandler()
    synthesizer = synthesizer or ScriptedSynthesizer()
    others = understudies or {}
    specs = [recognizer.spec("ear"), handler.spec("mind"), synthesizer.spec("mouth")]
    specs += [fake.spec(name) for name, fake in others.items()]
    deployment = parse_deployment(toml, file="plugins.toml", environment={})
    settings = Settings(data_dir=folder)
    async with AsyncExitStack() as stack:
        with in_real_time():
            engine = await stack.enter_async_context(
                open_engine(settings, deployment, environment={}, loaded=loaded_with(*specs))
            )
        speaker = Speaker(
            engine.routing, memory_store(), deployment, engine.metrics, cache_bytes=10**9, memory_bytes=10**8
        )
        history, turns = MemoryHistory(), list[Turn]()
        here = around(engine, speaker, history, turns)
        conversation = Conversation(session(), here)
        talk = Talk(
            conversation, history, recognizer, handler, synthesizer, speaker, here, others, turns=turns
        )
        opened.append(talk)
        await conversation.start(wishes(**manners))
        reader = asyncio.create_task(talk.collect()) if is_read else None
        try:
            yield talk
        finally:
            async with patience("the end of the conversation"):
                await talk.conversation.aclose()
                await speaker.aclose()
            if reader is not None:
                await settle()
                reader.cancel()
            with in_real_time():
                await stack.aclose()


def wishes(
    *, mode: str = "stream", is_extended: bool = True, rate_hz: int = 16_000, **manners: Any
) -> Manners:
    listening = Listening.model_validate(manners.pop("listening", {}))
    return Manners(
        audio=PcmFormat(),
        voice=Voice(mode=AudioMode(mode), format="wav"),
        stream_format=StreamFormat("pcm16", rate_hz),
        is_extended=is_extended,
        listening=listening,
        **manners,
    )


def session() -> SessionRecord:
    now = datetime.now(UTC)
    return SessionRecord(
        id="0" * 32,
        project="",
        owner=None,
        user_id=None,
        language="en-US",
        voice_provider=None,
        voice_id=None,
        started_at=now,
        expires_at=now + timedelta(hours=1),
    )


def around(engine: Engine, speaker: Speaker, history: MemoryHistory, turns: list[Turn]) -> Surroundings:
    return Surroundings(
        assistant=Assistant(engine.dialogue, engine.routing, speaker),
        voice_activity=LoudVoices(),
        history=history,
        link=lambda audio_id: f"/audio/{audio_id}",
        explain=lambda error: (type(error).__name__, str(error)),
        observe=lambda _session, turn: turns.append(turn),
        interrupted_in=lambda _seconds: None,
        listening=engine.deployment.listening_in,
    )
