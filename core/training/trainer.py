"""Doing one training: from its samples, by its backend, to a voice that is kept."""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator
from contextlib import aclosing
from datetime import UTC, datetime
from pathlib import Path

from glottis.config import Settings
from glottis.core.audio import decode_file
from glottis.core.routing import Guard, Routing
from glottis.core.routing.answers import progress_of
from glottis.core.store import JobRecord, JobStatus, RecordInvalid, Store, VoiceRecord, Words
from glottis.core.training.feed import JobFeed
from glottis.core.training.phrases import given_words, words
from glottis.core.training.tools import RoutedTools
from glottis.core.training.work_dir import SAMPLES, WORK, save, save_file
from glottis.plugins import (
    ErrorCategory,
    Progress,
    ProviderError,
    StoredAudio,
    TrainedVoice,
    TrainingBackend,
    TrainingJob,
    TrainingSample,
)

PREPARED = 5.0
TRAINED = 99.0
"""The backend's own percentages lie between these."""
_TOLD_EVERY_S = 0.2

log = logging.getLogger(__name__)


class Lost(Exception):
    """The job is somebody else's by now, or over."""


class Hopeless(Exception):
    """The job cannot be done, however often it is tried; `said` tells why."""

    def __init__(self, said: Words) -> None:
        super().__init__(str(said))
        self.said = said


class Trainer:
    """One attempt at one job, in its folder as `work_dir` makes it."""

    def __init__(
        self,
        job: JobRecord,
        guard: Guard[TrainingBackend],
        folder: Path,
        *,
        store: Store,
        routing: Routing,
        settings: Settings,
        feed: JobFeed,
    ) -> None:
        self._job = job
        self._guard = guard
        self._folder = folder / WORK
        self._samples = folder / SAMPLES
        self._store = store
        self._settings = settings
        self._feed = feed
        self._tools = RoutedTools(routing, project=job.project, backend=guard.name)
        self._status = JobStatus.PREPARING
        self._percent = 0.0
        self._told_at = float("-inf")

    async def train(self) -> JobRecord:
        """Train to the end, and keep the voice.

        Raises:
            Lost: somebody else has the job, or nobody.
            Hopeless: it can never be done.
            ProviderError: the backend failed.
            StoreUnavailable: MongoDB does not answer.
        """
        await self._tell(words("preparing"))
        dataset = await self._dataset()
        await self._tell(words("preparing"), percent=PREPARED)
        async with aclosing(self._steps(dataset)) as steps:
            async for step in steps:
                if step.voice is not None:
                    return await self._keep_voice(step.voice)
                await self._note(step)
        raise ProviderError(ErrorCategory.INTERNAL, f"{self._guard.name} ended without a voice")

    async def _dataset(self) -> tuple[TrainingSample, ...]:
        """Decode the samples that the job was queued with, one after the other, into files.

        Some may have been deleted in the moment in which it was queued; from then on none can be.
        """
        found = [await self._store.samples.get(sample_id) for sample_id in self._job.sample_ids]
        samples = [sample for sample in found if sample is not None]
        least = max(self._settings.min_sample_count, self._guard.capabilities.minimum_samples)
        needed = min(least, len(found))
        if len(samples) < needed:
            raise Hopeless(words("too_few", missing=needed - len(samples)))
        dataset = []
        for sample in samples:
            uploaded = self._samples / "uploaded"
            async with aclosing(self._store.files.read(sample.file_id)) as pieces:
                async for piece in pieces:
                    await asyncio.to_thread(_append, uploaded, piece)
            audio = await asyncio.to_thread(self._decoded, uploaded, self._samples / sample.id)
            dataset.append(TrainingSample(sample.id, audio))
        return tuple(dataset)

    def _decoded(self, uploaded: Path, path: Path) -> StoredAudio:
        """Put what was uploaded in its place as samples of the backend's rate; blocks."""
        rate_hz, max_s = self._guard.capabilities.rate_hz, self._settings.sample_max_s
        stored = StoredAudio.write(path, decode_file(uploaded, rate_hz=rate_hz, max_s=max_s))
        uploaded.unlink()
        return stored

    async def _steps(self, dataset: tuple[TrainingSample, ...]) -> AsyncGenerator[Progress, None]:
        """Have the backend train, within its wall; it may not be silent for too long."""
        job = self._job
        given = TrainingJob(job.id, job.project, job.language, self._folder, self._tools, job.attempt)
        async with (
            self._guard.attending(timeout_s=None) as backend,
            aclosing(backend.train(dataset, given)) as steps,
        ):
            while True:
                async with asyncio.timeout(self._settings.training_stall_s):
                    step = await anext(steps, None)
                if step is None:
                    return
                yield progress_of(step)

    async def _note(self, step: Progress) -> None:
        order = list(JobStatus)
        stage = JobStatus(step.stage)
        is_new = order.index(stage) > order.index(self._status)
        if is_new:
            self._status = stage
        percent = PREPARED + step.percent * (TRAINED - PREPARED) / 100
        self._percent = max(self._percent, percent)
        if step.is_checkpoint:
            await self._save()
        if is_new or step.is_checkpoint or time.monotonic() - self._told_at >= _TOLD_EVERY_S:
            said = given_words(step.message) if step.message else words(str(self._status))
            await self._tell(said, percent=percent)

    async def _save(self) -> None:
        file_id = await save(self._folder, self._job, self._store.files)
        if not await self._store.jobs.keep(self._job, checkpoint=file_id, progress=self._percent):
            await self._store.files.discard(file_id)
            raise Lost

    async def _tell(self, said: Words, *, percent: float = 0.0) -> None:
        self._told_at = time.monotonic()
        told = await self._store.jobs.report(self._job, status=self._status, progress=percent, message=said)
        if told is None:
            raise Lost
        await self._feed.tell(told)

    async def _keep_voice(self, voice: TrainedVoice) -> JobRecord:
        artefact = await self._artefact(voice)
        job = self._job
        record = VoiceRecord(
            id=job.id,
            project=job.project,
            name=job.name,
            provider=self._guard.name,
            voice_id=voice.voice_id,
            languages=tuple(voice.languages) or (job.language,),
            artefact=artefact,
            metrics=dict(voice.metrics),
            created_at=datetime.now(UTC),
        )
        result = {"voice_id": record.id, "provider": record.provider, "metrics": record.metrics}
        try:
            done = await self._store.jobs.complete(job, record, result=result, message=words("completed"))
        except RecordInvalid as error:
            raise ProviderError(ErrorCategory.INVALID_REQUEST, f"its metrics are wrong: {error}") from None
        if done is None:
            await self._abandon(voice, artefact)
            raise Lost
        return done

    async def _artefact(self, voice: TrainedVoice) -> str | None:
        if voice.artefact is None:
            return None
        path = await asyncio.to_thread(voice.artefact.resolve)
        root = await asyncio.to_thread(self._folder.resolve)
        if not path.is_relative_to(root) or not await asyncio.to_thread(path.is_file):
            raise ProviderError(
                ErrorCategory.INTERNAL, f"{self._guard.name} gave an artefact that is no file in its folder"
            )
        return await save_file(path, f"voice {self._job.id}", self._store.files)

    async def _abandon(self, voice: TrainedVoice, artefact: str | None) -> None:
        """Undo a voice that came too late.

        One that its backend keeps may be the very voice that another attempt has found there and kept, or is
        about to: it goes only once the job is over without it.
        """
        if artefact is not None:
            await self._store.files.discard(artefact)
            return
        jobs, whose = self._store.jobs, self._guard.name
        if not await jobs.has_done_without(self._job, provider=whose, voice_id=voice.voice_id):
            return
        try:
            await self._guard.call(lambda backend: backend.delete(TrainedVoice(voice.voice_id)))
        except ProviderError as error:
            told = {"provider": self._guard.name, "category": str(error.category)}
            log.warning("voice of a lost job not deleted", extra=told)


def _append(path: Path, piece: bytes) -> None:
    """Write to the end of a file, which is closed again whatever becomes of whoever asked for it."""
    with path.open("ab") as file:
        file.write(piece)
