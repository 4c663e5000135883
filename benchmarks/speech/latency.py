"""How long one waits: for the text of five seconds of speech, and for the first audio of a text."""

import asyncio
import statistics
import time
from collections.abc import Sequence
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
from glottis.core.audio import encode_clip, resample
from glottis.core.platform import Engine
from glottis.plugins import AudioFrame, Kind, RecognitionOptions, SynthesisOptions, Synthesizer

CLIP_S = 5.0
_RATE_HZ = 16_000
_BEAM = 5  # what the provider uses too


@dataclass(frozen=True, slots=True)
class Waits:
    """Seconds: the least, the median and the most of several runs."""

    least_s: float
    median_s: float
    most_s: float


@dataclass(frozen=True, slots=True)
class FirstAudio:
    """What a synthesizer took for its first audio, and for all of it."""

    provider: str
    text: str
    first: Waits
    whole: Waits
    audio_s: float


@dataclass(frozen=True, slots=True)
class Latency:
    """What the engine takes for the same audio as faster-whisper does when it is called directly."""

    audio_s: float
    engine: Waits
    direct: Waits

    @property
    def ratio(self) -> float:
        return self.engine.median_s / self.direct.median_s


def waits(seconds: Sequence[float]) -> Waits:
    return Waits(min(seconds), statistics.median(seconds), max(seconds))


def five_seconds(clips: Sequence[AudioFrame]) -> AudioFrame:
    """Cut five seconds out of speech."""
    fitting = [resample(clip, rate_hz=_RATE_HZ) for clip in clips]
    return AudioFrame(b"".join(clip.pcm for clip in fitting)[: int(CLIP_S * _RATE_HZ) * 2], _RATE_HZ)


async def recognition_latency(
    running: Engine, clip: AudioFrame, *, tag: str, model: Path, threads: int, runs: int
) -> Latency:
    """Recognize the same audio through the engine and by calling faster-whisper, in turn."""
    from faster_whisper import WhisperModel  # type: ignore[import-untyped]  # ships no types

    audio = encode_clip(clip, "wav")
    samples = np.frombuffer(clip.pcm, "<i2").astype(np.float32) / 32_768
    whisper = await asyncio.to_thread(
        WhisperModel, str(model), device="cpu", compute_type="int8", cpu_threads=threads
    )

    def call() -> str:
        segments, _ = whisper.transcribe(samples, language=tag[:2], beam_size=_BEAM, temperature=0.0)
        return "".join(segment.text for segment in segments)

    ours, theirs = [], []
    for _ in range(runs + 1):
        started = time.perf_counter()
        await running.recognition.hear(audio, RecognitionOptions(language=tag))
        ours.append(time.perf_counter() - started)
        started = time.perf_counter()
        await asyncio.to_thread(call)
        theirs.append(time.perf_counter() - started)
    return Latency(clip.duration_s, waits(ours[1:]), waits(theirs[1:]))


async def first_audio(running: Engine, text: str, *, tag: str, runs: int) -> FirstAudio:
    """Speak a text through the first provider of its language's route."""
    guard = running.routing.chain(Kind.SYNTHESIZER, language=tag, project="")[0]
    synthesizer = cast("Synthesizer", guard.provider)
    firsts, wholes, audio_s = [], [], 0.0
    for _ in range(runs + 1):
        started = time.perf_counter()
        first_s: float | None = None
        audio_s = 0.0
        async with aclosing(_generator(synthesizer, text, tag)) as frames:
            async for frame in frames:
                if first_s is None and frame.pcm:
                    first_s = time.perf_counter() - started
                audio_s += frame.duration_s
        wholes.append(time.perf_counter() - started)
        firsts.append(first_s or wholes[-1])
    return FirstAudio(guard.name, text, waits(firsts[1:]), waits(wholes[1:]), audio_s)


def _generator(synthesizer: Synthesizer, text: str, tag: str) -> Any:
    return synthesizer.synthesize(text, SynthesisOptions(language=tag))
