from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar

import pytest
import pytest_asyncio
from glottis.plugins import SynthesisOptions, Synthesizer, TrainedVoice, TrainingSample
from glottis.plugins.conformance import SynthesizerConformance, TrainingBackendConformance
from glottis.plugins.conformance.subject import Subject

from .conftest import voice_file

Recorded = Callable[[int], tuple[TrainingSample, ...]]


class TestLocalVoice(SynthesizerConformance):
    """With a trained voice wherever the kit leaves the voice to us; "default" is the base voice."""

    plugin = "local-voice"
    options: ClassVar[Mapping[str, Any]] = {"base": "tones"}
    languages = ("en-US",)

    @pytest_asyncio.fixture(scope="class", loop_scope="class")
    @classmethod
    async def provider(cls, subject: Subject) -> AsyncIterator[Any]:
        created, _ = subject.create()
        await created.warmup()
        await _install(created)
        yield created
        await created.aclose()

    def usual(self, provider: Synthesizer, **changes: Any) -> tuple[str, SynthesisOptions]:
        return super().usual(provider, **{"voice": "mine", **changes})

    async def exercise(self, provider: Synthesizer, material: object) -> None:
        await _install(provider)
        await super().exercise(provider, material)


class TestLocalVoiceTraining(TrainingBackendConformance):
    """Learns real speech from tones: what comes of it is odd, and keeps the contract."""

    plugin = "local-voice"

    @pytest.fixture(scope="class")
    @classmethod
    def samples(cls, recorded: Recorded) -> tuple[TrainingSample, ...]:
        return recorded(3)


async def _install(provider: Any) -> None:
    file: Path = provider.context.data_dir / "voice.npz"
    await provider.install(TrainedVoice("mine", voice_file(file)))
