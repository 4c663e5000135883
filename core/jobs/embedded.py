"""The engine without a broker: each server process looks into the store, and hears of jobs by events."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from glottis.core.jobs.contract import JobEngine, Work
from glottis.core.jobs.workbench import Workbench, publish, withdrawn
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
        self._is_wanted = asyncio.Event()

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
        try:
            claim = await self._work.claim()
        except StoreError as error:
            log.warning("jobs cannot be looked for", extra={"reason": str(error)})
            return False
        if claim is None:
            return False
        bench.start(bench.attend(claim))
        return True
