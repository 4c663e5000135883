"""The jobs that this process works on."""

import asyncio
import logging
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from glottis.core.jobs.attendance import Attendance
from glottis.core.jobs.contract import Claim, Work
from glottis.core.store import Events, StoredEvent, StoreError

log = logging.getLogger(__name__)


class Workbench:
    """Up to `slots` jobs of one kind at once; who withdraws one, on whichever node, is heard."""

    def __init__(self, work: Work, events: Events, *, slots: int) -> None:
        self._work = work
        self._events = events
        self._slots = slots
        self._tasks: set[asyncio.Task[None]] = set()
        self._attended: dict[str, Attendance] = {}
        self._has_changed = asyncio.Event()

    @property
    def has_room(self) -> bool:
        return len(self._tasks) < self._slots

    async def room(self) -> None:
        """Wait until there is room."""
        while not self.has_room:
            self._has_changed.clear()
            await self._has_changed.wait()

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Take jobs while the context lasts; in the end put back what is not done."""
        with self._events.subscribe(withdrawn(self._work), self._hear_withdrawal):
            try:
                yield
            finally:
                tasks = set(self._tasks)
                for task in tasks:
                    task.cancel()
                if tasks:
                    await asyncio.wait(tasks)

    async def attend(self, claim: Claim) -> None:
        """Do one job for as long as it is ours; `room` is for the caller to see to."""
        attendance = Attendance(self._work, claim)
        self._attended[claim.job_id] = attendance
        try:
            await attendance.attend()
        finally:
            if self._attended.get(claim.job_id) is attendance:
                del self._attended[claim.job_id]

    def start(self, doing: Coroutine[Any, Any, None]) -> None:
        """Give a place to a coroutine that is to `attend`."""
        task = asyncio.create_task(doing, name=f"work of {self._work.kind}")
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _hear_withdrawal(self, event: StoredEvent) -> None:
        # A gap has no key: then each may have been withdrawn.
        for job_id, attendance in self._attended.items():
            if event.key in {job_id, ""}:
                attendance.look()

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        self._has_changed.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            log.error("attending to a job failed", exc_info=error)


def withdrawn(work: Work) -> str:
    """Name the event that tells of a job that is over before its worker knows."""
    return f"{work.kind}.withdrawn"


async def publish(events: Events, kind: str, job_id: str) -> None:
    """Tell all nodes of a job. Who cannot be told finds it later by looking."""
    try:
        await events.publish(kind, job_id)
    except StoreError as error:
        log.warning("nobody is told of a job", extra={"job": job_id, "reason": str(error)})
