"""The engine without a broker: each server process looks into the store, and hears of jobs by events."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from glottis.core.jobs.attendance import Attendance
from glottis.core.jobs.contract import JobEngine, Work
from glottis.core.store import Events, StoredEvent, StoreError

_LOOK_AGAIN_S = 2.0
"""Nobody tells of a lease that has ended, or of a pause that is over."""

log = logging.getLogger(__name__)


class EmbeddedJobs(JobEngine):
    """Works in the server's own process."""

    def __init__(self, work: Work, events: Events) -> None:
        self._work = work
        self._events = events
        self._offered = f"{work.kind}.offered"
        self._withdrawn = f"{work.kind}.withdrawn"
        self._is_wanted = asyncio.Event()
        self._attended: dict[asyncio.Task[None], Attendance] = {}

    async def offer(self, job_id: str) -> None:
        await self._events.publish(self._offered, job_id)

    async def withdraw(self, job_id: str) -> None:
        await self._events.publish(self._withdrawn, job_id)

    @asynccontextmanager
    async def working(self, *, slots: int) -> AsyncIterator[None]:
        if slots == 0:
            yield
            return
        with (
            self._events.subscribe(self._offered, self._hear_offer),
            self._events.subscribe(self._withdrawn, self._hear_withdrawal),
        ):
            looking = asyncio.create_task(self._look_for_jobs(slots), name=f"jobs of {self._work.kind}")
            try:
                yield
            finally:
                looking.cancel()
                await asyncio.wait({looking})
                for task in self._attended:
                    task.cancel()
                if self._attended:
                    await asyncio.wait(set(self._attended))

    def _hear_offer(self, _event: StoredEvent) -> None:
        self._is_wanted.set()

    def _hear_withdrawal(self, event: StoredEvent) -> None:
        # A gap has no key: then each may have been withdrawn.
        for attendance in self._attended.values():
            if event.key in {attendance.claim.job_id, ""}:
                attendance.look()

    async def _look_for_jobs(self, slots: int) -> None:
        while True:
            self._is_wanted.clear()
            while len(self._attended) < slots and await self._take_one():
                pass
            try:
                async with asyncio.timeout(min(_LOOK_AGAIN_S, self._work.lease_s / 2)):
                    await self._is_wanted.wait()
            except TimeoutError:
                continue

    async def _take_one(self) -> bool:
        try:
            claim = await self._work.claim()
        except StoreError as error:
            log.warning("jobs cannot be looked for", extra={"reason": str(error)})
            return False
        if claim is None:
            return False
        attendance = Attendance(self._work, claim)
        task = asyncio.create_task(attendance.attend(), name=f"attendance of job {claim.job_id}")
        self._attended[task] = attendance
        task.add_done_callback(self._attended_to)
        return True

    def _attended_to(self, task: "asyncio.Task[None]") -> None:
        del self._attended[task]
        self._is_wanted.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("attending to a job failed", exc_info=error)
