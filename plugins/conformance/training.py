"""The contract of training backends, as tests."""

import asyncio
import json
import shutil
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pytest
import pytest_asyncio
import soxr
from glottis.plugins.audio import AudioFrame, StoredAudio, silence
from glottis.plugins.capabilities import TrainingCapabilities
from glottis.plugins.conformance.guard import expect
from glottis.plugins.conformance.provider import ProviderConformance
from glottis.plugins.conformance.scripted import ScriptedTools, tone
from glottis.plugins.conformance.subject import Subject, find_subject
from glottis.plugins.errors import ErrorCategory, ProviderError
from glottis.plugins.specs import Kind
from glottis.plugins.speech import SynthesisOptions
from glottis.plugins.synthesizer import Synthesizer
from glottis.plugins.training import (
    Progress,
    TrainedVoice,
    TrainingBackend,
    TrainingJob,
    TrainingSample,
    TrainingStage,
    TrainingTools,
    Verdict,
)


class TrainingBackendConformance(ProviderConformance):
    """Checks a training backend, and that the synthesizer of its table speaks what it trains.

    A subclass whose backend wants real speech overrides the fixture `samples`; one that calls on the engine
    may override `tools`. `training_s` bounds a whole training, `text` is what the voice has to say.
    """

    kind = Kind.TRAINING_BACKEND
    capabilities_type = TrainingCapabilities
    training_s: ClassVar[float] = 120.0
    text: ClassVar[str] = "Hello, how are you?"
    language: ClassVar[str] = "en-US"

    @pytest.fixture(scope="class")
    @classmethod
    def samples(cls) -> tuple[TrainingSample, ...]:
        """Give enough samples, of any sample rate."""
        return tuple(
            TrainingSample(f"sample-{number}", tone(2.0 + 0.1 * number, rate_hz=24_000))
            for number in range(6)
        )

    @pytest.fixture
    def tools(self) -> TrainingTools:
        """Give what the engine does for a training."""
        return ScriptedTools()

    @pytest.fixture
    def material(self, samples: tuple[TrainingSample, ...], tools: TrainingTools, tmp_path: Path) -> object:
        return samples, self.job(tmp_path / "exercise", tools)

    @pytest_asyncio.fixture
    async def speaker(self, subject: Subject) -> AsyncIterator[Synthesizer]:
        """Give the synthesizer of the same name, warm."""
        made = find_subject(
            self.plugin, Kind.SYNTHESIZER, subject.spec.name, subject.options, subject.data_dir, self.peers
        )
        created: Any = made.create()[0]
        async with self._warming():
            await created.warmup()
        yield created
        async with self._closing():
            await created.aclose()

    def job(self, work_dir: Path, tools: TrainingTools, *, attempt: int = 1) -> TrainingJob:
        """Describe a job in a folder, which is made if it is not there."""
        work_dir.mkdir(parents=True, exist_ok=True)
        return TrainingJob("0f" * 16, "demo", self.language, work_dir, tools, attempt)

    async def train(
        self, provider: TrainingBackend, samples: tuple[TrainingSample, ...], job: TrainingJob
    ) -> list[Progress]:
        """Train to the end and check each progress on the way."""
        steps: list[Progress] = []
        async with asyncio.timeout(self.training_s), aclosing(_generator(provider, samples, job)) as stream:
            async for step in stream:
                self.check_step(step, steps[-1] if steps else None)
                steps.append(step)
        expect(steps, "`train` gave no progress at all")
        return steps

    def check_step(self, step: Any, before: Progress | None) -> None:
        """Check a progress against the one before it."""
        expect(isinstance(step, Progress), f"`train` should give Progress, not {step!r}")
        expect(0 <= step.percent <= 100, f"a percentage lies between 0 and 100, not at {step.percent}")
        said = step.message.values() if isinstance(step.message, Mapping) else [step.message]
        expect(all(isinstance(text, str) for text in said), f"a message is text, not {step.message!r}")
        if before is None:
            return
        expect(before.voice is None, "the progress with the voice should be the last one")
        expect(step.percent >= before.percent, f"`percent` fell from {before.percent} to {step.percent}")
        order = list(TrainingStage)
        went_back = step.voice is None and order.index(step.stage) < order.index(before.stage)
        expect(not went_back, f"`stage` went back from {before.stage} to {step.stage}")

    def check_voice(self, steps: list[Progress], job: TrainingJob) -> TrainedVoice:
        """Check what a training ended in."""
        voice = steps[-1].voice
        if not isinstance(voice, TrainedVoice):
            pytest.fail(f"the last progress should carry a TrainedVoice, not {voice!r}")
        expect(voice.voice_id and isinstance(voice.voice_id, str), "a voice needs a `voice_id`")
        if voice.artefact is not None:
            inside = voice.artefact.resolve().is_relative_to(job.work_dir.resolve())
            expect(inside and voice.artefact.is_file(), "`artefact` should be a file in `work_dir`")
        try:
            json.dumps(dict(voice.metrics), allow_nan=False)
        except (TypeError, ValueError) as error:
            pytest.fail(f"`metrics` should be JSON: {error}")
        return voice

    def check_capabilities(self, capabilities: Any) -> None:
        super().check_capabilities(capabilities)
        expect(capabilities.minimum_samples >= 1, "`minimum_samples` should be at least 1")
        expect(capabilities.rate_hz > 0, "`rate_hz` should be a sample rate")

    async def exercise(self, provider: TrainingBackend, material: Any) -> None:
        samples, job = material
        await provider.validate(_at_rate(samples[0], provider.capabilities.rate_hz))
        await self._leave(provider, samples, job)

    async def test_good_samples_are_usable(
        self, provider: TrainingBackend, samples: tuple[TrainingSample, ...]
    ) -> None:
        for sample in samples:
            async with self.guard("validate"):
                verdict = await provider.validate(_at_rate(sample, provider.capabilities.rate_hz))
            expect(isinstance(verdict, Verdict), f"`validate` should give a Verdict, not {verdict!r}")
            expect(verdict.usable, f"{sample.id} should be usable: {verdict.reason}")

    async def test_a_sample_that_is_refused_is_refused_with_a_reason(self, provider: TrainingBackend) -> None:
        rate_hz = provider.capabilities.rate_hz
        for audio in (silence(0.01, rate_hz=rate_hz), silence(3.0, rate_hz=rate_hz)):
            async with self.guard("validate of next to nothing"):
                verdict = await provider.validate(TrainingSample("nothing", audio))
            expect(isinstance(verdict, Verdict), f"`validate` should give a Verdict, not {verdict!r}")
            expect(verdict.usable or verdict.reason, "a sample was refused without a reason")

    async def test_the_trained_voice_is_spoken_until_it_is_removed(
        self,
        provider: TrainingBackend,
        speaker: Synthesizer,
        samples: tuple[TrainingSample, ...],
        tools: TrainingTools,
        tmp_path: Path,
    ) -> None:
        job = self.job(tmp_path / "work", tools)
        voice = self.check_voice(await self.train(provider, samples, job), job)
        options = SynthesisOptions(voice=voice.voice_id, language=self.language)
        async with self.guard("install"):
            await speaker.install(voice)
            await speaker.install(voice)
        async with self.guard("synthesize with the trained voice"):
            frames = [frame async for frame in speaker.synthesize(self.text, options)]
        expect(any(any(frame.pcm) for frame in frames), "the trained voice gave no sound")
        listed = [info.id for info in await speaker.voices()]
        expect(voice.voice_id not in listed, "`voices` lists a trained voice: it belongs to one project")
        async with self.guard("remove"):
            await speaker.remove(voice.voice_id)
            await speaker.remove(voice.voice_id)
        if voice.artefact is not None:
            removed = self.guard("synthesize with a removed voice", raises=ErrorCategory.INVALID_REQUEST)
            async with removed:
                _ = [frame async for frame in speaker.synthesize(self.text, options)]
        async with self.guard("delete"):
            await provider.delete(TrainedVoice(voice.voice_id))
            await provider.delete(TrainedVoice(voice.voice_id))

    async def test_it_goes_on_from_its_checkpoint_where_that_is_stated(
        self,
        provider: TrainingBackend,
        samples: tuple[TrainingSample, ...],
        tools: TrainingTools,
        tmp_path: Path,
    ) -> None:
        if not provider.capabilities.resumable:
            return
        job = self.job(tmp_path / "first", tools)
        saved, reached = tmp_path / "saved", None
        async with aclosing(_generator(provider, samples, job)) as steps:
            async for step in steps:
                if step.is_checkpoint:
                    reached = step.percent
                    shutil.copytree(job.work_dir, saved)
                    break
        if reached is None:
            pytest.fail("`resumable` is stated, and no progress was a checkpoint")
        again = self.job(saved, tools, attempt=2)
        gone_on = await self.train(provider, samples, again)
        expect(
            gone_on[0].percent >= reached,
            f"it was at {reached:g} % at its checkpoint, and began again at {gone_on[0].percent:g} %",
        )
        self.check_voice(gone_on, again)

    async def test_closing_and_cancelling_free_it_within_the_grace(
        self,
        provider: TrainingBackend,
        samples: tuple[TrainingSample, ...],
        tools: TrainingTools,
        tmp_path: Path,
    ) -> None:
        await self._leave(provider, samples, self.job(tmp_path / "left", tools))
        job = self.job(tmp_path / "cancelled", tools)
        await self.cancel_early("train", self.train(provider, samples, job))
        again = self.job(tmp_path / "again", tools)
        self.check_voice(await self.train(provider, samples, again), again)

    async def test_too_few_samples_are_an_invalid_request(
        self, provider: TrainingBackend, tools: TrainingTools, tmp_path: Path
    ) -> None:
        raised = None
        try:
            await self.train(provider, (), self.job(tmp_path / "empty", tools))
        except ProviderError as error:
            raised = error.category
        expect(
            raised == ErrorCategory.INVALID_REQUEST,
            f"training with no samples should raise ProviderError(invalid_request), not {raised}",
        )

    async def _leave(
        self, provider: TrainingBackend, samples: tuple[TrainingSample, ...], job: TrainingJob
    ) -> None:
        steps = _generator(provider, samples, job)
        async with asyncio.timeout(self.training_s):
            await anext(steps)
        async with self.grace("closing the iterator of train"):
            await steps.aclose()


def _at_rate(sample: TrainingSample, rate_hz: int) -> TrainingSample:
    audio = sample.audio if isinstance(sample.audio, AudioFrame) else sample.audio.read()
    if audio.rate_hz != rate_hz:
        samples = np.frombuffer(audio.pcm, "<i2")
        pcm = soxr.resample(samples, audio.rate_hz, rate_hz).astype("<i2").tobytes()
        audio = AudioFrame(pcm, rate_hz)
    return replace(sample, audio=audio)


def _stored(sample: TrainingSample, rate_hz: int, folder: Path) -> TrainingSample:
    """Put a sample where the engine has those of a training: in a file."""
    audio = _at_rate(sample, rate_hz).audio
    if isinstance(audio, AudioFrame):
        audio = StoredAudio.write(folder / sample.id, audio)
    return replace(sample, audio=audio)


def _generator(
    provider: TrainingBackend, samples: tuple[TrainingSample, ...], job: TrainingJob
) -> AsyncGenerator[Progress, None]:
    rate_hz = provider.capabilities.rate_hz
    folder = job.work_dir.with_name(f"{job.work_dir.name} samples")
    folder.mkdir(exist_ok=True)
    steps = provider.train(tuple(_stored(sample, rate_hz, folder) for sample in samples), job)
    expect(isinstance(steps, AsyncGenerator), "`train` should be an async generator: `async def` + `yield`")
    return steps
