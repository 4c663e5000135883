"""Calls to providers here and to the same on workers, in turn, so that both meet the same noise."""

import asyncio
import sys
import time
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from glottis.config import Settings, parse_deployment
from glottis.core.broker import open_broker
from glottis.core.platform import open_engine
from glottis.core.routing import Guard
from glottis.plugins import AudioFrame, Kind, RecognitionOptions, Recognizer, SynthesisOptions, Synthesizer
from glottis.plugins.conformance import loaded_with
from pydantic import SecretStr

from benchmarks.inference.providers import RATE_HZ, TOML, specs

_STARTS_WITHIN_S = 60.0


@dataclass(frozen=True, slots=True)
class Figures:
    """Milliseconds that calls took, here and by a worker."""

    what: str
    here_ms: Sequence[float]
    there_ms: Sequence[float]


@dataclass(frozen=True, slots=True)
class Throughput:
    """Answers a second by so many workers, and at the most that there could be."""

    what: str
    workers: int
    per_s: float
    ideal_per_s: float | None


class Node:
    """A node with some providers here, and the same on workers."""

    def __init__(self, find: Callable[[Kind, str], Guard[Any] | None]) -> None:
        self._find = find

    async def recognition(self, seconds: float, *, times: int) -> Figures:
        """Time recognitions of a clip of so many seconds."""
        clip = AudioFrame(bytes(2 * round(16_000 * seconds)), 16_000)
        here, there = await _in_turn(
            lambda: self.hear("quick-here", clip), lambda: self.hear("quick-there", clip), times=times
        )
        return Figures(f"recognition, {seconds:g} s of audio, {len(clip.pcm) / 1_000:,.0f} KB", here, there)

    async def synthesis(self, milliseconds: int, *, times: int, is_first: bool = False) -> Figures:
        """Time syntheses of so much audio: to the last frame, or to the first."""
        here, there = await _in_turn(
            lambda: self._say("beeps-here", milliseconds, is_first=is_first),
            lambda: self._say("beeps-there", milliseconds, is_first=is_first),
            times=times,
        )
        size = 2 * RATE_HZ * milliseconds / 1e6
        until = "first frame" if is_first else "all"
        return Figures(
            f"synthesis, {milliseconds / 1_000:g} s of audio, {size:,.0f} KB: {until}", here, there
        )

    async def throughput(self, instance: str, *, at_once: int, seconds: float) -> float:
        """Count how many recognitions a second are answered."""
        clip = AudioFrame(bytes(32_000), 16_000)
        ends_at, answered = time.perf_counter() + seconds, 0

        async def ask() -> None:
            nonlocal answered
            while time.perf_counter() < ends_at:
                await self.hear(instance, clip)
                answered += 1

        began = time.perf_counter()
        await asyncio.gather(*(ask() for _ in range(at_once)))
        return answered / (time.perf_counter() - began)

    async def hear(self, instance: str, clip: AudioFrame) -> None:
        async def run(provider: Recognizer) -> None:
            await provider.recognize(clip, RecognitionOptions())

        await self._guard(Kind.RECOGNIZER, instance).call(run)

    async def _say(self, instance: str, milliseconds: int, *, is_first: bool) -> None:
        async def run(provider: Synthesizer) -> None:
            async for _ in provider.synthesize(str(milliseconds), SynthesisOptions()):
                if is_first:
                    return

        await self._guard(Kind.SYNTHESIZER, instance).call(run)

    def _guard(self, kind: Kind, name: str) -> Guard[Any]:
        guard = self._find(kind, name)
        if guard is None:
            raise LookupError(f"no {name} is routed")
        return guard


@asynccontextmanager
async def node_with(url: str, folder: Path, *, workers: int) -> AsyncIterator[Node]:
    """Start so many workers, and a node that has found them."""
    deployment = parse_deployment(TOML, file="plugins.toml", environment={})
    async with AsyncExitStack() as stack:
        for _ in range(workers):
            await stack.enter_async_context(_worker(url))
        broker = await stack.enter_async_context(open_broker(SecretStr(url), name="node"))
        engine = await stack.enter_async_context(
            open_engine(
                Settings(data_dir=folder),
                deployment,
                environment={},
                loaded=loaded_with(*specs()),
                broker=broker,
            )
        )
        yield Node(engine.routing.instance)


@asynccontextmanager
async def _worker(url: str) -> AsyncIterator[None]:
    command = (sys.executable, "-m", "benchmarks.inference.serving", url)
    process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE)
    try:
        async with asyncio.timeout(_STARTS_WITHIN_S):
            if process.stdout is None or not await process.stdout.readline():
                raise SystemExit("a worker did not start; see its messages above")
        yield
    finally:
        if process.stdin is not None:
            process.stdin.close()
        await process.wait()


async def _in_turn(
    here: Callable[[], Awaitable[None]], there: Callable[[], Awaitable[None]], *, times: int
) -> tuple[list[float], list[float]]:
    taken: tuple[list[float], list[float]] = [], []
    for number in range(times + 5):
        for place, call in enumerate((here, there)):
            began = time.perf_counter()
            await call()
            if number >= 5:  # the first ones warm up
                taken[place].append(round(1_000 * (time.perf_counter() - began), 3))
    return taken
