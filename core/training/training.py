"""Training voices, as one principal sees it."""

import asyncio
import logging
import secrets
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress

from glottis.config import Settings
from glottis.core.access import Principal
from glottis.core.broker import Broker
from glottis.core.errors import InvalidInput, NotFound
from glottis.core.jobs import BrokeredJobs, EmbeddedJobs, JobEngine
from glottis.core.routing import Routing
from glottis.core.sessions import require_project
from glottis.core.store import JobRecord, JobStatus, Store, StoreError
from glottis.core.training.feed import JobFeed
from glottis.core.training.phrases import words
from glottis.core.training.voices import TrainedVoices
from glottis.core.training.work import TrainingWork
from glottis.core.training.work_dir import remove_leftovers
from glottis.plugins import Event, JobFinished, Kind

_SWEEP_EVERY_S = 3_600.0

log = logging.getLogger(__name__)


class Training:
    """The jobs of all projects."""

    def __init__(
        self,
        store: Store,
        routing: Routing,
        settings: Settings,
        voices: TrainedVoices,
        emit: Callable[[Event], None],
        broker: Broker | None = None,
    ) -> None:
        self._store = store
        self._routing = routing
        self._settings = settings
        self._voices = voices
        self._emit = emit
        self.feed = JobFeed(store)
        self._work = TrainingWork(
            store, routing, settings, self.feed, node=secrets.token_hex(8), ended=self._ended
        )
        self._engine: JobEngine = (
            EmbeddedJobs(self._work, store.events)
            if broker is None
            else BrokeredJobs(self._work, store.events, broker)
        )

    @asynccontextmanager
    async def running(self, *, slots: int) -> AsyncIterator[None]:
        """Run up to `slots` trainings at once while the context lasts; with 0, leave them to others."""
        async with AsyncExitStack() as stack:
            sweeping = asyncio.create_task(self._sweep(), name="files that nobody keeps")
            stack.push_async_callback(asyncio.wait, {sweeping})
            stack.callback(sweeping.cancel)
            await stack.enter_async_context(self._engine.working(slots=slots))
            yield

    async def start(self, principal: Principal, *, project: str, name: str, language: str) -> JobRecord:
        """Queue a training with all usable samples of a project, or return the one that it has running.

        Raises:
            NotFound: the principal may not see the project.
            InvalidInput: there are too few usable samples; says how many more it takes.
            Unprocessable: nothing trains for this project, or in this language.
            Unavailable: what does is not running.
        """
        require_project(principal, project)
        (guard,) = self._routing.chain(Kind.TRAINING_BACKEND, language=language, project=project)
        samples = await self._store.samples.list([project])
        usable = [sample.id for sample in samples if sample.is_usable]
        needed = max(self._settings.min_sample_count, guard.capabilities.minimum_samples)
        if len(usable) < needed:
            running = await self.status(principal, project)
            if running is not None and not running.status.is_final:
                return running
            more = needed - len(usable)
            raise InvalidInput(
                f"project: {more} more usable samples are needed: it has {len(usable)} of at least {needed}"
            )
        job, is_new = await self._store.jobs.queue(
            project=project,
            name=name or project,
            language=language,
            backend=guard.name,
            sample_ids=usable,
            message=words("queued"),
        )
        if is_new:
            await self._engine.offer(job.id, lane=job.backend)
            with suppress(StoreError):
                await self.feed.tell(job)
        return job

    async def jobs(self, principal: Principal, project: str | None, *, limit: int) -> tuple[JobRecord, ...]:
        """List the jobs of a project, or of all that the principal may see, the newest first.

        Raises:
            NotFound: the principal may not see the project.
        """
        if project is not None:
            require_project(principal, project)
            return await self._store.jobs.newest([project], limit=limit)
        return await self._store.jobs.newest(principal.projects, limit=limit)

    async def status(self, principal: Principal, project: str | None) -> JobRecord | None:
        """Return the newest job; None where there has been none. Raises as `jobs`."""
        newest = await self.jobs(principal, project, limit=1)
        return newest[0] if newest else None

    async def known(self, principal: Principal, job_id: str) -> JobRecord:
        """Return a job.

        Raises:
            NotFound: there is none for this principal.
        """
        job = await self._store.jobs.get(job_id)
        if job is None or not principal.may_see(job.project):
            raise NotFound("no such job")
        return job

    async def cancel(self, principal: Principal, job_id: str) -> JobRecord:
        """End a job, on whichever node it runs; one that is over stays as it is.

        Raises:
            NotFound: there is none for this principal.
        """
        job = await self.known(principal, job_id)
        cancelled = await self._store.jobs.cancel(job.id, message=words("cancelled"))
        if cancelled is None:
            return await self.known(principal, job_id)
        await self._engine.withdraw(job.id)
        with suppress(StoreError):
            await self.feed.tell(cancelled)
        await self._ended(cancelled)
        return cancelled

    async def _ended(self, job: JobRecord) -> None:
        if job.status is JobStatus.COMPLETED:
            with suppress(StoreError):  # a node that does not know a voice looks for it
                await self._voices.announce(job.id)
        self._emit(JobFinished(at=time.time(), job_id=job.id, project=job.project, status=str(job.status)))

    async def _sweep(self) -> None:
        while True:
            try:
                await remove_leftovers(self._work.folder, self._store.jobs)
                if count := await self._store.files.sweep():
                    log.info("files that nobody kept were deleted", extra={"count": count})
            except StoreError as error:
                log.warning("files cannot be swept", extra={"reason": str(error)})
            await asyncio.sleep(_SWEEP_EVERY_S)
