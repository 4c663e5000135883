"""A training from samples to speech, by the providers and tools that a server uses."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from glottis.config import Settings, load_deployment
from glottis.core.audio import resample
from glottis.core.platform import Engine, open_engine
from glottis.core.training.tools import RoutedTools
from glottis.plugins import (
    DEFAULT_VOICE,
    AudioFrame,
    Kind,
    Progress,
    SynthesisOptions,
    Synthesizer,
    TrainedVoice,
    TrainingBackend,
    TrainingJob,
    TrainingSample,
    primary,
)
from glottis.plugins.host import load_plugins

_CONFIG = Path(__file__).with_name("plugins.toml")
_BACKEND = "local-voice"
_BASES = {"en": "piper-joe", "ru": "festival"}


@dataclass(frozen=True, slots=True)
class Said:
    """A sentence as it was spoken: `seconds` is how long that took, `heard` what was understood."""

    text: str
    audio: AudioFrame
    seconds: float
    heard: str


@dataclass(frozen=True, slots=True)
class Trained:
    """A voice, how long it took, and what the backend itself says of it."""

    voice: TrainedVoice
    seconds: float
    by_stage: Mapping[str, float]
    metrics: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Course:
    """What was made of a speaker: the voice from `clips`, and what it says; `real` is how they say it."""

    speaker: str
    clips: list[AudioFrame]
    trained: Trained
    voice: list[Said]
    real: list[Said]
    foreign_cores: float


@asynccontextmanager
async def school(data_dir: Path) -> AsyncIterator[Engine]:
    """Start the recognizer, the base synthesizer, the training backend and its synthesizer."""
    settings = Settings(config=_CONFIG, data_dir=data_dir)
    deployment = load_deployment(_CONFIG, {})
    loaded = await asyncio.to_thread(
        load_plugins, deployment.enable, load_timeout_s=settings.plugin_load_timeout_s
    )
    try:
        async with open_engine(settings, deployment, environment={}, loaded=loaded) as running:
            yield running
    finally:
        loaded.close()


async def train(
    engine: Engine, name: str, clips: list[AudioFrame], *, language: str, folder: Path
) -> Trained:
    """Train a voice on recordings whose words nobody gives; the synthesizer can speak it afterwards.

    Raises:
        SystemExit: the backend refused a recording.
    """
    backend = _provider(engine, Kind.TRAINING_BACKEND, _BACKEND, TrainingBackend)
    rate_hz = backend.capabilities.rate_hz
    samples = tuple(
        TrainingSample(f"{name}-{number}", resample(clip, rate_hz=rate_hz))
        for number, clip in enumerate(clips)
    )
    for sample in samples:
        verdict = await backend.validate(sample)
        if not verdict.usable:
            raise SystemExit(f"{sample.id}: {verdict.reason}")
    tools = RoutedTools(engine.routing, project="", backend=_BACKEND)
    started = before = time.perf_counter()
    by_stage: dict[str, float] = {}
    last: Progress | None = None
    job = TrainingJob(name, "benchmark", language, folder, tools)
    async with aclosing(backend.train(samples, job)) as training:
        async for last in training:
            now = time.perf_counter()
            by_stage[last.stage] = by_stage.get(last.stage, 0.0) + now - before
            before = now
    if last is None or last.voice is None:
        raise SystemExit(f"the training of {name} ended without a voice")
    await _provider(engine, Kind.SYNTHESIZER, _BACKEND, Synthesizer).install(last.voice)
    return Trained(last.voice, time.perf_counter() - started, by_stage, last.voice.metrics)


async def say(engine: Engine, text: str, *, language: str, voice: str | None) -> Said:
    """Speak a sentence, in a trained voice or in the base voice, and have it heard."""
    name = _BACKEND if voice else _BASES[primary(language)]
    started = time.perf_counter()
    audio = await spoken(engine, name, text, language=language, voice=voice or DEFAULT_VOICE)
    seconds = time.perf_counter() - started
    return Said(text, audio, seconds, await hear(engine, audio, language=language))


async def spoken(engine: Engine, name: str, text: str, *, language: str, voice: str) -> AudioFrame:
    """Have a synthesizer say something."""
    options = SynthesisOptions(voice=voice, language=language)
    speaking = _provider(engine, Kind.SYNTHESIZER, name, Synthesizer).synthesize(text, options)
    async with aclosing(speaking) as stream:
        frames = [frame async for frame in stream]
    return AudioFrame(b"".join(frame.pcm for frame in frames), frames[0].rate_hz)


async def hear(engine: Engine, audio: AudioFrame, *, language: str) -> str:
    tools = RoutedTools(engine.routing, project="", backend=_BACKEND)
    return (await tools.transcribe(audio, language)).text


def _provider(engine: Engine, kind: Kind, name: str, contract: type[Any]) -> Any:
    provider = engine.host.instance(kind, name).provider
    if not isinstance(provider, contract):
        raise SystemExit(f"{name} did not start: {engine.host.instance(kind, name).error}")
    return provider
