"""Providers to measure with: some that do nothing, and some that take their time."""

import asyncio
import time
from array import array
from collections.abc import AsyncGenerator, AsyncIterator

from glottis.plugins import (
    AudioFrame,
    ProviderSpec,
    RecognitionOptions,
    Recognizer,
    RecognizerCapabilities,
    RecognizerSpec,
    SynthesisOptions,
    Synthesizer,
    SynthesizerSpec,
    Transcript,
)

RATE_HZ = 24_000
FRAME_MS = 100
WORK_S = 0.02
SLEEPERS = 4

TOML = """
enable = ["test"]
[providers.quick-here]
use = "quick"
[providers.quick-there]
use = "quick"
[providers.sleeps]
use = "sleeps"
[providers.computes]
use = "computes"
[providers.beeps-here]
use = "beeps"
[providers.beeps-there]
use = "beeps"
[routes]
recognize = [
    "quick-here",
    { provider = "quick-there", runs_on = "workers" },
    { provider = "sleeps", runs_on = "workers" },
    { provider = "computes", runs_on = "workers" },
]
synthesize = ["beeps-here", { provider = "beeps-there", runs_on = "workers" }]
"""

_half = RATE_HZ // 400
_FRAME = AudioFrame(
    array("h", (4_000 if n // _half % 2 else -4_000 for n in range(RATE_HZ * FRAME_MS // 1_000))).tobytes(),
    RATE_HZ,
)


class Quick(Recognizer):
    """Hears the same in everything, the moment that it is asked."""

    async def recognize(self, clip: AudioFrame, options: RecognitionOptions) -> Transcript:
        return Transcript("hello there", 0.9, options.language)


class Sleeps(Quick):
    """Waits, as one does that asks another machine."""

    async def recognize(self, clip: AudioFrame, options: RecognitionOptions) -> Transcript:
        await asyncio.sleep(WORK_S)
        return await super().recognize(clip, options)


class Computes(Quick):
    """Takes so much CPU time of a thread."""

    async def recognize(self, clip: AudioFrame, options: RecognitionOptions) -> Transcript:
        await asyncio.to_thread(_compute)
        return await super().recognize(clip, options)


class Beeps(Synthesizer):
    """Speaks as many milliseconds as the text says, at once."""

    async def synthesize(
        self, text: str | AsyncIterator[str], options: SynthesisOptions
    ) -> AsyncGenerator[AudioFrame, None]:
        for _ in range(int(str(text)) // FRAME_MS):
            yield _FRAME


def specs() -> tuple[ProviderSpec, ...]:
    """Offer them all."""
    one = RecognizerCapabilities(max_concurrency=1)
    some = RecognizerCapabilities(max_concurrency=SLEEPERS)
    return (
        RecognizerSpec(name="quick", create=Quick),
        RecognizerSpec(name="sleeps", create=Sleeps, capabilities=some),
        RecognizerSpec(name="computes", create=Computes, capabilities=one),
        SynthesizerSpec(name="beeps", create=Beeps),
    )


def _compute() -> None:
    until, number = time.thread_time() + WORK_S, 0
    while time.thread_time() < until:
        number = (number * 31 + 7) % 1_000_003
