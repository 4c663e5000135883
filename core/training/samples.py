"""The recordings of a project: examined as they come, and kept together or not at all."""

import asyncio
import logging
import secrets
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from glottis.config import Settings
from glottis.core.access import Principal
from glottis.core.audio import AudioTooLong, UndecodableAudio, resample
from glottis.core.errors import InvalidInput, NotFound, TooLarge, UnsupportedAudio
from glottis.core.listening import VoiceActivity
from glottis.core.opening import opened
from glottis.core.routing import Guard, Routing
from glottis.core.routing.answers import verdict_of
from glottis.core.sessions import require_project
from glottis.core.store import SampleRecord, Store, Words
from glottis.core.training.phrases import given_words
from glottis.core.training.verdicts import Examined, examine
from glottis.plugins import Kind, ProviderError, TrainingBackend, TrainingSample, Verdict

_PIECE_BYTES = 256 * 1024
_EXAMINED_AT_ONCE = 2
"""Each holds its samples in memory, up to `sample_max_s` of them."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that has arrived; `sha256` is of its bytes, in hexadecimal."""

    filename: str
    path: Path
    size_bytes: int
    sha256: str


class Samples:
    """What voices are trained with, as one principal sees it."""

    def __init__(
        self, store: Store, routing: Routing, voice_activity: VoiceActivity, settings: Settings
    ) -> None:
        self._store = store
        self._routing = routing
        self._voice_activity = voice_activity
        self._max_s = settings.sample_max_s
        self._places = asyncio.Semaphore(_EXAMINED_AT_ONCE)

    async def add(self, principal: Principal, project: str, uploads: Sequence[Upload]) -> None:
        """Keep files as samples, all or none; one whose content the project has already is that sample.

        Raises:
            NotFound: the principal may not see the project.
            InvalidInput: a file is empty, or there is none.
            UnsupportedAudio: one is no audio.
            TooLarge: one lasts too long.
        """
        require_project(principal, project)
        if not uploads:
            raise InvalidInput("files: at least one is required")
        for upload in uploads:
            if not upload.size_bytes:
                raise InvalidInput(f"files: {upload.filename} is empty")
        distinct = {upload.sha256: upload for upload in uploads}
        is_kept = False
        while not is_kept:
            there = {sample.sha256 for sample in await self._store.samples.find(project, distinct.keys())}
            is_kept = await self._add([new for key, new in distinct.items() if key not in there], project)

    async def list(self, principal: Principal, project: str | None) -> tuple[SampleRecord, ...]:
        """List the samples of a project, or of all that the principal may see.

        Raises:
            NotFound: the principal may not see the project.
        """
        if project is not None:
            require_project(principal, project)
            return await self._store.samples.list([project])
        return await self._store.samples.list(principal.projects)

    async def known(self, principal: Principal, sample_id: str) -> SampleRecord:
        """Return a sample.

        Raises:
            NotFound: there is none for this principal.
        """
        sample = await self._store.samples.get(sample_id)
        if sample is None or not principal.may_see(sample.project):
            raise NotFound("no such sample")
        return sample

    async def delete(self, principal: Principal, sample_id: str) -> None:
        """Delete a sample and its file.

        Raises:
            NotFound: there is none for this principal.
            InvalidInput: a running job trains with it.
        """
        sample = await self.known(principal, sample_id)
        if not await self._store.samples.delete(sample.id):
            raise InvalidInput("this sample is being trained with; cancel the job first")

    async def _add(self, uploads: Sequence[Upload], project: str) -> bool:
        """Keep new samples; False if one of them has come another way meanwhile, and none was kept."""
        if not uploads:
            return True
        examined = [await self._examine(upload, project) for upload in uploads]
        records: list[SampleRecord] = []
        is_kept = False
        try:
            for record, upload in zip(examined, uploads, strict=True):
                file_id = await self._store.files.write(upload.filename, _pieces(upload.path))
                records.append(replace(record, file_id=file_id))
            is_kept = await self._store.samples.add(records)
        finally:
            if not is_kept:
                for record in records:
                    await self._store.files.discard(record.file_id)
        return is_kept

    async def _examine(self, upload: Upload, project: str) -> SampleRecord:
        """Describe a file as a sample, which is not kept yet."""
        async with self._places:
            try:
                examined = await examine(upload.path, self._voice_activity, max_s=self._max_s)
            except UndecodableAudio as error:
                raise UnsupportedAudio(f"files: {upload.filename}: {error}") from None
            except AudioTooLong as error:
                raise TooLarge(f"files: {upload.filename}: {error}") from None
            problems = examined.problems or await self._refusal(upload, examined, project)
        return _record(project, upload, examined, problems)

    async def _refusal(self, upload: Upload, examined: Examined, project: str) -> tuple[Words, ...]:
        """Ask the backends that may train with it what they think of a sample; one that fails has no say."""
        for guard in self._routing.routed(Kind.TRAINING_BACKEND, project):
            try:
                reason = await _reason_against(guard, upload, examined)
            except ProviderError as error:
                log.warning(
                    "sample not validated",
                    extra={"provider": guard.name, "category": str(error.category)},
                )
                continue
            if reason:
                return (given_words(reason),)
        return ()


async def _reason_against(guard: Guard[TrainingBackend], upload: Upload, examined: Examined) -> str:
    clip = await asyncio.to_thread(resample, examined.clip, rate_hz=guard.capabilities.rate_hz)

    async def validate(backend: TrainingBackend) -> Verdict:
        return verdict_of(await backend.validate(TrainingSample(upload.sha256, clip)))

    verdict = await guard.call(validate)
    return "" if verdict.usable else verdict.reason or f"{guard.name} cannot use it"


async def _pieces(path: Path) -> AsyncGenerator[bytes, None]:
    file = await opened(path, "rb")
    try:
        while piece := await asyncio.to_thread(file.read, _PIECE_BYTES):
            yield piece
    finally:
        file.close()


def _record(project: str, upload: Upload, examined: Examined, problems: tuple[Words, ...]) -> SampleRecord:
    return SampleRecord(
        id=secrets.token_hex(16),
        project=project,
        sha256=upload.sha256,
        file_id="",
        filename=upload.filename,
        content_type=examined.content_type,
        size_bytes=upload.size_bytes,
        duration_s=examined.clip.duration_s,
        speech_share=examined.speech_share,
        clipped_share=examined.clipped_share,
        noise_db=examined.noise_db,
        problems=problems,
        uploaded_at=datetime.now(UTC),
    )
