"""Training backends of which each but the first breaks its contract in one way, and their synthesizers."""

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from typing import Any

from glottis.plugins import (
    AudioFrame,
    ErrorCategory,
    Progress,
    ProviderError,
    SynthesisOptions,
    Synthesizer,
    SynthesizerSpec,
    TrainedVoice,
    TrainingBackend,
    TrainingBackendSpec,
    TrainingJob,
    TrainingSample,
    TrainingStage,
    Verdict,
    VoiceInfo,
    hookimpl,
)

GLOTTIS_API_VERSION = 1
Steps = AsyncGenerator[Any, None]
Dataset = tuple[TrainingSample, ...]


class Good(TrainingBackend):
    async def validate(self, sample: TrainingSample) -> Any:
        is_long = sample.duration_s > 1
        return Verdict(is_long, "" if is_long else "too short")

    async def train(self, dataset: Dataset, job: TrainingJob) -> Steps:
        if not dataset:
            raise ProviderError(ErrorCategory.INVALID_REQUEST, "no samples")
        notes = job.work_dir / "notes"
        for done in range(len(notes.read_text()) if notes.exists() else 0, 4):
            await asyncio.sleep(0)
            notes.write_text("x" * (done + 1))
            yield Progress(20.0 * (done + 1), is_checkpoint=True)
        yield Progress(90.0, stage=TrainingStage.VALIDATING)
        yield self.last(job)

    def last(self, job: TrainingJob) -> Any:
        artefact = job.work_dir / "voice"
        artefact.write_text(json.dumps("voice"))
        return Progress(100.0, voice=TrainedVoice(job.id, artefact, {"good": True}))


class Falling(Good):
    async def train(self, dataset: Dataset, job: TrainingJob) -> Steps:
        yield Progress(50.0, is_checkpoint=True)
        yield Progress(40.0)
        yield self.last(job)


class OverTheTop(Good):
    async def train(self, dataset: Dataset, job: TrainingJob) -> Steps:
        yield Progress(120.0, is_checkpoint=True)
        yield self.last(job)


class GoingBack(Good):
    async def train(self, dataset: Dataset, job: TrainingJob) -> Steps:
        yield Progress(10.0, stage=TrainingStage.VALIDATING)
        yield Progress(20.0, stage=TrainingStage.PREPARING, is_checkpoint=True)
        yield self.last(job)


class Voiceless(Good):
    def last(self, job: TrainingJob) -> Any:
        return Progress(100.0)


class Elsewhere(Good):
    def last(self, job: TrainingJob) -> Any:
        artefact = job.work_dir.parent / "voice"
        artefact.write_text("{}")
        return Progress(100.0, voice=TrainedVoice(job.id, artefact))


class Unmeasurable(Good):
    def last(self, job: TrainingJob) -> Any:
        return Progress(100.0, voice=TrainedVoice(job.id, metrics={"when": {1, 2}}))


class Impatient(Good):
    async def train(self, dataset: Dataset, job: TrainingJob) -> Steps:
        if any(not sample.audio.pcm for sample in dataset):  # type: ignore[union-attr]  # the fault: it lies in a file
            raise ProviderError(ErrorCategory.INVALID_REQUEST, "a sample is empty")
        async for step in super().train(dataset, job):
            yield step


class JustNumbers(Good):
    async def train(self, dataset: Dataset, job: TrainingJob) -> Steps:
        yield 50.0


class Forgetful(Good):
    async def train(self, dataset: Dataset, job: TrainingJob) -> Steps:
        if not dataset:
            raise ProviderError(ErrorCategory.INVALID_REQUEST, "no samples")
        for done in range(4):
            yield Progress(20.0 * (done + 1), is_checkpoint=done > 0)
        yield self.last(job)


class WithoutCheckpoints(Good):
    async def train(self, dataset: Dataset, job: TrainingJob) -> Steps:
        if not dataset:
            raise ProviderError(ErrorCategory.INVALID_REQUEST, "no samples")
        yield Progress(20.0)
        yield self.last(job)


class TakesNothing(Good):
    async def train(self, dataset: Dataset, job: TrainingJob) -> Steps:
        yield Progress(20.0, is_checkpoint=True)
        yield self.last(job)


class Clinging(Good):
    async def train(self, dataset: Dataset, job: TrainingJob) -> Steps:
        try:
            async for step in super().train(dataset, job):
                yield step
        except GeneratorExit:
            await asyncio.sleep(2)
            raise


class Picky(Good):
    async def validate(self, sample: TrainingSample) -> Any:
        return Verdict(usable=False, reason="not good enough")


class Curt(Good):
    async def validate(self, sample: TrainingSample) -> Any:
        return Verdict(usable=sample.duration_s > 1)


class JustYes(Good):
    async def validate(self, sample: TrainingSample) -> Any:
        return True


class NotDeleting(Good):
    async def delete(self, voice: TrainedVoice) -> None:
        raise FileNotFoundError(voice.voice_id)


class Speaker(Synthesizer):
    """Speaks what is installed."""

    def __init__(self, context: Any, config: Any) -> None:
        super().__init__(context, config)
        self.installed: list[str] = []

    async def synthesize(
        self, text: str | AsyncIterator[str], options: SynthesisOptions
    ) -> AsyncGenerator[AudioFrame, None]:
        if options.voice not in self.installed:
            raise ProviderError(ErrorCategory.INVALID_REQUEST, "no such voice")
        yield AudioFrame(b"\x00\x20" * 8_000, 16_000)

    async def install(self, voice: TrainedVoice) -> None:
        self.installed = [voice.voice_id]

    async def remove(self, voice_id: str) -> None:
        self.installed = []


class Deaf(Speaker):
    async def install(self, voice: TrainedVoice) -> None:
        self.installed = []


class Clung(Speaker):
    async def remove(self, voice_id: str) -> None:
        pass


class Telltale(Speaker):
    async def voices(self) -> Sequence[VoiceInfo]:
        return [VoiceInfo(name, name, ("en",)) for name in self.installed]


BACKENDS = [value for value in list(vars().values()) if isinstance(value, type) and issubclass(value, Good)]
SPEAKERS = (Deaf, Clung, Telltale)


@hookimpl
def glottis_register_training_backends(register: Callable[[TrainingBackendSpec], None]) -> None:
    for kind in BACKENDS:
        register(TrainingBackendSpec(name=kind.__name__, create=kind))
    for speaker in SPEAKERS:
        register(TrainingBackendSpec(name=speaker.__name__, create=Good))


@hookimpl
def glottis_register_synthesizers(register: Callable[[SynthesizerSpec], None]) -> None:
    for kind in BACKENDS:
        register(SynthesizerSpec(name=kind.__name__, create=Speaker))
    for speaker in SPEAKERS:
        register(SynthesizerSpec(name=speaker.__name__, create=speaker))
