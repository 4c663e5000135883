"""Trainings as an engine of jobs sees them: taken, renewed, done, put back."""

import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from pathlib import Path

from glottis.config import Settings
from glottis.core.audio import AudioError
from glottis.core.jobs import Claim
from glottis.core.routing import Guard, Routing
from glottis.core.store import JobRecord, Store, StoreError, StoreUnavailable, Words
from glottis.core.training.feed import JobFeed
from glottis.core.training.phrases import words
from glottis.core.training.trainer import Hopeless, Lost, Trainer
from glottis.core.training.work_dir import work_dir
from glottis.plugins import ErrorCategory, Kind, ProviderError, TrainingBackend

_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 60.0
_FINAL = frozenset(
    {
        ErrorCategory.INVALID_REQUEST,
        ErrorCategory.UNSUPPORTED,
        ErrorCategory.AUTHENTICATION,
        ErrorCategory.AUTHORIZATION,
        ErrorCategory.QUOTA,
    }
)
"""Failures that another attempt would only repeat."""

log = logging.getLogger(__name__)


class TrainingWork:
    """What this process does of the trainings; `ended` is told of each that came to an end here."""

    kind = "training"

    def __init__(
        self,
        store: Store,
        routing: Routing,
        settings: Settings,
        feed: JobFeed,
        *,
        node: str,
        ended: Callable[[JobRecord], Awaitable[None]],
    ) -> None:
        self._store = store
        self._routing = routing
        self._settings = settings
        self._feed = feed
        self._node = node
        self._ended = ended
        self._taken: dict[Claim, JobRecord] = {}

    @property
    def lease_s(self) -> float:
        return self._settings.job_lease_s

    @property
    def folder(self) -> Path:
        """Where jobs are done."""
        return self._settings.data_dir / "jobs"

    def lanes(self) -> Sequence[str]:
        return [
            guard.name
            for guard in self._routing.guards
            if guard.kind is Kind.TRAINING_BACKEND and guard.is_started and guard.has_room
        ]

    async def due(self) -> Sequence[tuple[str, str]]:
        return await self._store.jobs.due()

    async def due_in_s(self, job_id: str) -> float | None:
        return await self._store.jobs.due_in_s(job_id)

    async def claim(self, job_id: str) -> Claim | None:
        backends = self.lanes()
        if not backends:
            return None
        job = await self._store.jobs.claim(
            node=self._node, backends=backends, lease_s=self.lease_s, job_id=job_id
        )
        if job is None:
            return None
        claim = Claim(job.id, job.attempt)
        self._taken[claim] = job
        return claim

    async def renew(self, claim: Claim) -> bool:
        job = self._taken.get(claim)
        return job is not None and await self._store.jobs.renew(job, lease_s=self.lease_s)

    async def run(self, claim: Claim) -> None:
        job = self._taken[claim]
        told = {"job": job.id, "attempt": job.attempt, "project": job.project}
        log.info("training begins", extra=told)
        try:
            if job.failures >= self._settings.training_attempts:
                await self._end(job, words("workers_died", attempts=job.failures))
            else:
                await self._train(job)
        except Lost:
            log.info("training is somebody else's", extra=told)
        except StoreUnavailable:
            # The lease ends without anybody's doing, and whoever finds the job goes on with it.
            log.warning("training interrupted: the database does not answer", extra=told)
        finally:
            self._taken.pop(claim, None)

    async def put_back(self, claim: Claim) -> None:
        job = await self._store.jobs.get(claim.job_id)
        if job is not None and job.attempt == claim.attempt:
            await self._tell(await self._store.jobs.put_back(job, message=words("elsewhere")))

    async def _train(self, job: JobRecord) -> None:
        guard: Guard[TrainingBackend] | None = self._routing.instance(Kind.TRAINING_BACKEND, job.backend)
        if guard is None:
            raise Lost
        try:
            async with work_dir(self.folder, job, self._store.files) as folder:
                trainer = Trainer(
                    job,
                    guard,
                    folder,
                    store=self._store,
                    routing=self._routing,
                    settings=self._settings,
                    feed=self._feed,
                )
                done = await trainer.train()
        except Hopeless as error:
            await self._end(job, error.said)
        except AudioError as error:
            await self._end(job, words("failed", reason=error))
        except ProviderError as error:
            await self._failed(job, error)
        except OSError as error:
            log.exception("training failed", extra={"job": job.id})
            await self._failed(job, ProviderError(ErrorCategory.INTERNAL, error.strerror or "a file failed"))
        else:
            await self._close(done)

    async def _failed(self, job: JobRecord, error: ProviderError) -> None:
        told = {"job": job.id, "category": str(error.category), "reason": error.public_message}
        log.warning("training failed", extra=told)
        # What it was taken with may be out of date: a checkpoint gives a job all of its attempts again.
        now = await self._store.jobs.get(job.id)
        failures = (job if now is None else now).failures + 1
        if error.category in _FINAL or failures >= self._settings.training_attempts:
            await self._end(job, words("failed", reason=error.public_message))
            return
        pause_s = min(error.retry_after_s or _FIRST_PAUSE_S * 2 ** (failures - 1), _LONGEST_PAUSE_S)
        await self._tell(
            await self._store.jobs.put_back(job, message=words("again"), after_s=pause_s, has_failed=True)
        )

    async def _end(self, job: JobRecord, said: Words) -> None:
        await self._close(await self._store.jobs.fail(job, error=said))

    async def _close(self, job: JobRecord | None) -> None:
        if job is not None:
            await self._ended(job)
        await self._tell(job)

    async def _tell(self, job: JobRecord | None) -> None:
        if job is None:
            raise Lost
        with suppress(StoreError):  # it is written down; who listens will see it when looking
            await self._feed.tell(job)
