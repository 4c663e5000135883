"""A plugin for measuring: providers that do nothing or block, and a look into the server.

`install` makes it a distribution, in a folder to put on PYTHONPATH.
"""

import asyncio
import gc
import threading
import time
from abc import ABC, abstractmethod
from array import array
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

from glottis.plugins import (
    ANY,
    AudioFrame,
    DialogueContext,
    IntentCapabilities,
    IntentHandler,
    IntentHandlerSpec,
    Match,
    Partial,
    RecognitionOptions,
    Recognizer,
    RecognizerCapabilities,
    RecognizerSpec,
    RecognizerStream,
    ReplyPiece,
    ReplyText,
    SynthesisOptions,
    Synthesizer,
    SynthesizerCapabilities,
    SynthesizerSpec,
    Transcript,
    hookimpl,
    iterate_in_thread,
)
from quart import Quart

GLOTTIS_API_VERSION = 1
ROOT = Path(__file__).parents[2]
RATE_HZ = 24_000
FRAME_MS = 100
SHORT_MS, LONG_MS = 200, 20_000
BLOCKS_S = 0.5
_BEAT_S = 0.005
_DEEPEST = 20


def install(folder: Path) -> str:
    """Make a distribution of this plugin in a folder; returns what PYTHONPATH has to be."""
    info = folder / "glottis_noop-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: glottis-noop\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[glottis.plugins]\nnoop = benchmarks.noop.plugin\n")
    return f"{folder}:{ROOT}"


def _beep(milliseconds: int) -> bytes:
    half = RATE_HZ // 400
    samples = range(RATE_HZ * milliseconds // 1_000)
    return array("h", (4_000 if n // half % 2 else -4_000 for n in samples)).tobytes()


_FRAME = AudioFrame(_beep(FRAME_MS), RATE_HZ)


class Nothing(Recognizer):
    """Hears the same in everything, the moment that it is asked."""

    async def recognize(self, clip: AudioFrame, options: RecognitionOptions) -> Transcript:
        return Transcript("hello there", 0.9, options.language)

    @asynccontextmanager
    async def open(self, options: RecognitionOptions) -> AsyncIterator[RecognizerStream]:
        yield _Stream(options)


class _Stream:
    def __init__(self, options: RecognitionOptions) -> None:
        self._options = options
        self._is_over = asyncio.Event()

    async def push(self, frame: AudioFrame) -> None:
        """Take no notice."""

    async def end(self) -> None:
        self._is_over.set()

    async def __aiter__(self) -> AsyncIterator[Partial | Transcript]:
        await self._is_over.wait()
        yield Transcript("hello there", 0.9, self._options.language)


class Beeps(Synthesizer):
    """Speaks a short beep at once; for a text with "long" in it, one of 20 seconds, a frame at a time."""

    async def synthesize(
        self, text: str | AsyncIterator[str], options: SynthesisOptions
    ) -> AsyncGenerator[AudioFrame, None]:
        pieces = _one(text) if isinstance(text, str) else text
        async for piece in pieces:
            for _ in range((LONG_MS if "long" in piece else SHORT_MS) // FRAME_MS):
                yield _FRAME


class Blocking(Synthesizer, ABC):
    """Takes half a second of a thread."""

    @staticmethod
    @abstractmethod
    def block() -> None: ...

    async def synthesize(
        self, text: str | AsyncIterator[str], options: SynthesisOptions
    ) -> AsyncGenerator[AudioFrame, None]:
        def blocked() -> Iterator[AudioFrame]:
            self.block()
            yield _FRAME

        async for frame in iterate_in_thread(blocked):
            yield frame


class Waiting(Blocking):
    """Blocks as those do that compute outside of Python, or wait for a network."""

    @staticmethod
    def block() -> None:
        time.sleep(BLOCKS_S)


class Computing(Blocking):
    """Blocks as nobody should: computes in Python, and fights for the interpreter with all the rest."""

    @staticmethod
    def block() -> None:
        until, number = time.perf_counter() + BLOCKS_S, 0
        while time.perf_counter() < until:
            number = (number * 31 + 7) % 1_000_003


async def _one(text: str) -> AsyncIterator[str]:
    yield text


class Echo(IntentHandler):
    """Answers with what was said."""

    async def match(self, utterance: str, context: DialogueContext) -> Match | None:
        return Match("echo", 1.0)

    async def respond(
        self, match: Match, utterance: str, context: DialogueContext
    ) -> AsyncGenerator[ReplyPiece, None]:
        yield ReplyText(f"You said: {utterance}.")


@hookimpl
def glottis_register_recognizers(register: Callable[[RecognizerSpec], None]) -> None:
    """Offer a recognizer that streams."""
    capabilities = RecognizerCapabilities(rate_hz=16_000, streaming=True, partials=True)
    register(RecognizerSpec(name="nothing", create=Nothing, capabilities=capabilities))


@hookimpl
def glottis_register_synthesizers(register: Callable[[SynthesizerSpec], None]) -> None:
    """Offer one that does nothing, and two that block."""
    capabilities = SynthesizerCapabilities(languages=ANY, streaming=True, text_stream=True)
    register(SynthesizerSpec(name="beeps", create=Beeps, capabilities=capabilities))
    register(SynthesizerSpec(name="waiting", create=Waiting, capabilities=capabilities))
    register(SynthesizerSpec(name="computing", create=Computing, capabilities=capabilities))


@hookimpl
def glottis_register_intent_handlers(register: Callable[[IntentHandlerSpec], None]) -> None:
    """Offer an echo."""
    register(IntentHandlerSpec(name="echo", create=Echo, capabilities=IntentCapabilities(intents=("echo",))))


class Pulse:
    """How late the event loop is: a task that sleeps 5 ms at a time, and notes when it wakes."""

    def __init__(self) -> None:
        self._late_ms: list[float] = []
        self._collected_at = self.collection_ms = 0.0
        self._beating: asyncio.Task[None] | None = None

    def begin(self) -> None:
        self._late_ms.clear()
        self.collection_ms = 0.0
        if self._collect not in gc.callbacks:
            gc.callbacks.append(self._collect)
        if self._beating is None:
            self._beating = asyncio.create_task(self._beat(), name="pulse")

    async def end(self) -> list[float]:
        if self._beating is not None:
            self._beating.cancel()
            await asyncio.wait({self._beating})
            self._beating = None
        return sorted(self._late_ms)

    def _collect(self, phase: str, _: Any) -> None:
        """Note how long the garbage collector holds everything up."""
        if phase == "start":
            self._collected_at = time.perf_counter()
        else:
            taken_ms = 1_000 * (time.perf_counter() - self._collected_at)
            self.collection_ms = max(self.collection_ms, taken_ms)

    async def _beat(self) -> None:
        loop = asyncio.get_running_loop()
        for _ in count():
            due = loop.time() + _BEAT_S
            await asyncio.sleep(_BEAT_S)
            self._late_ms.append(1_000 * (loop.time() - due))


@hookimpl
def glottis_register_routes(app: Quart, prefix: str) -> None:
    """Let the benchmark look inside."""
    pulse = Pulse()

    @app.get(f"{prefix}/probe")
    async def probe() -> Mapping[str, Any]:
        gc.collect()
        tasks = Counter(_name_of(task) for task in asyncio.all_tasks())
        return {"tasks": dict(tasks), "threads": Counter(thread.name for thread in threading.enumerate())}

    @app.get(f"{prefix}/probe/stacks")
    async def stacks() -> Mapping[str, str]:
        return {f"{_name_of(task)} {id(task)}": _waits_in(task) for task in asyncio.all_tasks()}

    @app.get(f"{prefix}/probe/objects")
    async def objects() -> Mapping[str, int]:
        gc.collect()
        return dict(Counter(_kind(each) for each in gc.get_objects()).most_common(500))

    @app.post(f"{prefix}/probe/pulse")
    async def begin() -> Mapping[str, Any]:
        pulse.begin()
        return {}

    @app.get(f"{prefix}/probe/pulse")
    async def end() -> Mapping[str, Any]:
        late_ms = await pulse.end()
        last = len(late_ms) - 1
        shares = {"p50": 0.5, "p99": 0.99, "p999": 0.999, "most": 1.0}
        found = {name: late_ms[int(share * last)] if late_ms else 0.0 for name, share in shares.items()}
        return found | {"gc": pulse.collection_ms}


def _waits_in(task: asyncio.Task[Any]) -> str:
    """Follow what a task awaits, as far as it is Python."""
    places: list[str] = []
    awaited: Any = task.get_coro()
    while awaited is not None and len(places) < _DEEPEST:
        frame = getattr(awaited, "cr_frame", None) or getattr(awaited, "gi_frame", None)
        if frame is None:
            places.append(type(awaited).__name__)
            break
        places.append(f"{Path(frame.f_code.co_filename).name}:{frame.f_lineno} {frame.f_code.co_name}")
        awaited = getattr(awaited, "cr_await", None) or getattr(awaited, "gi_yieldfrom", None)
    return " > ".join(places)


def _kind(each: object) -> str:
    return f"{type(each).__module__}.{type(each).__qualname__}"


def _name_of(task: asyncio.Task[Any]) -> str:
    return getattr(task.get_coro(), "__qualname__", task.get_name())
