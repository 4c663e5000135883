"""The engine without a broker: each server process looks into the store, and hears of jobs by events."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from glottis.core.jobs.contract import Claim, JobEngine, Work
from glottis.core.jobs.workbench import Workbench, publish, withdrawn
from glottis.core.store import Events, StoredEvent, StoreError, StoreUnavailable

_LOOK_AGAIN_S = 2.0
"""Nobody tells of a lease that has ended, or of a pause that is over."""

log = logging.getLogger(__name__)


class EmbeddedJobs(JobEngine):
    """Works in the server's own process."""

    def __init__(self, work: Work, events: Events) -> None:
        self._work = work
        self._events = events
        self._offered = f"{work.kind}.offered"
        self._is_wanted = asyncio.Event()
        self._locked: set[str] = set()

    async def offer(self, job_id: str, *, lane: str) -> None:
        await publish(self._events, self._offered, job_id)

    async def withdraw(self, job_id: str) -> None:
        await publish(self._events, withdrawn(self._work), job_id)

    @asynccontextmanager
    async def working(self, *, slots: int) -> AsyncIterator[None]:
        if slots == 0:
            yield
            return
        bench = Workbench(self._work, self._events, slots=slots)
        with self._events.subscribe(self._offered, self._hear_offer):
            async with bench.open():
                looking = asyncio.create_task(self._look_for_jobs(bench), name=f"jobs of {self._work.kind}")
                try:
                    yield
                finally:
                    looking.cancel()
                    await asyncio.wait({looking})

    def _hear_offer(self, _event: StoredEvent) -> None:
        self._is_wanted.set()

    async def _look_for_jobs(self, bench: Workbench) -> None:
        while True:
            await bench.room()
            self._is_wanted.clear()
            while bench.has_room and await self._take_one(bench):
                pass
            if bench.has_room:
                try:
                    async with asyncio.timeout(min(_LOOK_AGAIN_S, self._work.lease_s / 2)):
                        await self._is_wanted.wait()
                except TimeoutError:
                    continue

    async def _take_one(self, bench: Workbench) -> bool:
        """Begin the oldest job that can be had here; False if there is none, or nobody knows."""
        try:
            lanes = self._work.lanes()
            due = [job_id for job_id, lane in await self._work.due() if lane in lanes]
            self._locked.intersection_update(due)
            for job_id in sorted(due, key=self._locked.__contains__):
                claim = await self._claimed(job_id)
                if claim is not None:
                    bench.start(bench.attend(claim))
                    return True
        except StoreError as error:
            log.warning("jobs cannot be looked for", extra={"reason": str(error)})
        return False

    async def _claimed(self, job_id: str) -> Claim | None:
        """Claim a job, unless a process that was killed in mid-transaction has it locked, for some seconds.

        Raises:
            StoreUnavailable: it is still locked, or it is not the job but the database.
        """
        try:
            return await self._work.claim(job_id)
        except StoreUnavailable:
            if job_id in self._locked:
                raise
            self._locked.add(job_id)
            return None
