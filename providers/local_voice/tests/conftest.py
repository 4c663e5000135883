"""A base voice (eSpeak), a speaker to learn (Festival), and what the engine would give a training."""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytest_asyncio
from glottis.plugins import (
    AudioFrame,
    BaseSpeech,
    Peers,
    ProviderContext,
    SynthesisOptions,
    Synthesizer,
    SynthesizerSpec,
    TrainingBackend,
    TrainingBackendSpec,
    TrainingSample,
    TrainingTools,
    Transcript,
)
from glottis_local_voice.artefact import Heading, LocalVoice
from glottis_local_voice.conversion import Conversion
from glottis_local_voice.features import ORDER

RATE_HZ = 16_000
SENTENCES = (
    "The boat leaves at noon.",
    "Please give her my regards.",
    "A cold wind blew all night.",
    "The museum is closed today.",
)


def offered(plugin: str, hook: str) -> Any:
    (entry,) = entry_points(group="glottis.plugins", name=plugin)
    specs: list[Any] = []
    getattr(entry.load(), hook)(specs.append)
    return specs[0]


def made(spec: Any, data_dir: Path, peers: Peers | None = None, **options: Any) -> Any:
    log = logging.getLogger(spec.name)
    context = ProviderContext(spec.name, data_dir, spec.capabilities, log, *([peers] if peers else []))
    return spec.create(context, spec.config.model_validate(options))


async def whole(provider: Synthesizer, text: str, options: SynthesisOptions) -> AudioFrame:
    frames = [frame async for frame in provider.synthesize(text, options)]
    return AudioFrame(b"".join(frame.pcm for frame in frames), frames[0].rate_hz)


class BaseVoice(Peers):
    """eSpeak as the engine would reach it; `asked` is what it was asked to say."""

    def __init__(self, data_dir: Path) -> None:
        spec: SynthesizerSpec = offered("espeak", "glottis_register_synthesizers")
        self.provider: Synthesizer = made(spec, data_dir)
        self.asked: list[tuple[str, str, SynthesisOptions]] = []
        self._warm: asyncio.Task[None] | None = None

    async def speak(
        self, instance: str, text: str, options: SynthesisOptions
    ) -> AsyncGenerator[AudioFrame, None]:
        self.asked.append((instance, text, options))
        async for frame in self.provider.synthesize(text, options):
            yield frame


class Tools(TrainingTools):
    """Hears what it is told to hear, and speaks with the base voice."""

    def __init__(
        self, base: BaseVoice, heard: Mapping[int, str] | None = None, *, confidence: float = 0.9
    ) -> None:
        self.base = base
        self.confidence = confidence
        self.heard = list((heard or {}).values())
        self.spoken: list[tuple[str, str | None]] = []

    async def transcribe(self, audio: AudioFrame, language: str) -> Transcript:
        return Transcript(self.heard.pop(0), self.confidence, language)

    async def speak(self, text: str, language: str, *, instance: str | None = None) -> BaseSpeech:
        self.spoken.append((text, instance))
        audio = await whole(self.base.provider, text, SynthesisOptions(language=language))
        return BaseSpeech(audio, "espeak", "default")


def voice_file(path: Path, *, octaves: float = 0.5, **heading: Any) -> Path:
    """Write a voice that is the base voice, only higher."""
    from glottis_local_voice.artefact import write_voice

    centre = np.zeros((ORDER, 5 * ORDER))
    centre[:, 2 * ORDER : 3 * ORDER] = np.eye(ORDER)
    conversion = Conversion(
        mean=np.zeros(5 * ORDER),
        deviation=np.ones(5 * ORDER),
        weights=centre,
        offsets=np.zeros(ORDER),
        centre=np.zeros(ORDER),
        spread=np.ones(ORDER),
        pitch=np.array([4.6, 0.2, 4.6 + octaves * np.log(2), 0.2]),
        stretch=1.2,
    )
    told = {"rate_hz": RATE_HZ, "language": "en-US", "base": "espeak", "base_voice": "default"}
    write_voice(path, LocalVoice(Heading(**{**told, **heading}), conversion))
    return path


@pytest_asyncio.fixture
async def base(tmp_path: Path) -> AsyncIterator[BaseVoice]:
    voice = BaseVoice(tmp_path)
    await voice.provider.warmup()
    yield voice
    await voice.provider.aclose()


@pytest_asyncio.fixture
async def synthesizer(base: BaseVoice, tmp_path: Path) -> AsyncIterator[Synthesizer]:
    spec: SynthesizerSpec = offered("local-voice", "glottis_register_synthesizers")
    provider: Synthesizer = made(spec, tmp_path, base)
    await provider.warmup()
    yield provider
    await provider.aclose()


@pytest_asyncio.fixture
async def trainer(tmp_path: Path) -> AsyncIterator[TrainingBackend]:
    spec: TrainingBackendSpec = offered("local-voice", "glottis_register_training_backends")
    provider: TrainingBackend = made(spec, tmp_path)
    await provider.warmup()
    yield provider
    await provider.aclose()


@pytest.fixture(scope="session")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], tuple[TrainingSample, ...]]:
    """Give recordings of the speaker to learn, with their words."""

    async def record() -> tuple[TrainingSample, ...]:
        spec: SynthesizerSpec = offered("festival", "glottis_register_synthesizers")
        speaker: Synthesizer = made(spec, tmp_path_factory.mktemp("speaker"))
        await speaker.warmup()
        options = SynthesisOptions(language="en-US")
        clips = [await whole(speaker, text, options) for text in SENTENCES]
        await speaker.aclose()
        return tuple(
            TrainingSample(f"s{number}", clip, text)
            for number, (clip, text) in enumerate(zip(clips, SENTENCES, strict=True))
        )

    samples = asyncio.run(record())
    return lambda count: samples[:count]
