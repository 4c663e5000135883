"""How far jobs are, told to whoever wants to know on any node."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

from glottis.core.store import GAP, JobRecord, JobStatus, Store, StoredEvent

_KIND = "training.progress"

Heard = Callable[[JobRecord], None]


class JobFeed:
    """News of jobs, by way of the events that cross nodes."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def tell(self, job: JobRecord) -> None:
        """Tell all nodes how a job now is.

        Raises:
            StoreUnavailable: MongoDB does not answer.
        """
        told = {**asdict(job), "sample_ids": [], "status": str(job.status)}
        await self._store.events.publish(_KIND, job.id, told)

    @contextmanager
    def heard(self, heard: Heard) -> Iterator[None]:
        """Have `heard` called with each job that changes, without its samples, while the context lasts."""

        def hear(event: StoredEvent) -> None:
            if event.kind != GAP:
                heard(_job_of(event))

        with self._store.events.subscribe(_KIND, hear):
            yield

    async def follow(self, job: JobRecord) -> AsyncGenerator[JobRecord, None]:
        """Give a job as it is, and again whenever that has changed, until it is over.

        Who is slow misses what was in between, and never the last.
        """
        changed = asyncio.Event()
        newest: JobRecord | None = job

        def hear(event: StoredEvent) -> None:
            nonlocal newest
            if event.kind == GAP:
                newest = None
            elif event.key == job.id:
                newest = _job_of(event)
            else:
                return
            changed.set()

        with self._store.events.subscribe(_KIND, hear):
            # What changed before anybody listened here is seen by looking.
            newest = await self._store.jobs.get(job.id)
            while newest is not None:
                current = newest
                yield current
                if current.status.is_final:
                    return
                await changed.wait()
                changed.clear()
                if newest is None:
                    newest = await self._store.jobs.get(job.id)


def _job_of(event: StoredEvent) -> JobRecord:
    told: dict[str, Any] = {**event.data, "status": JobStatus(event.data["status"]), "sample_ids": ()}
    return JobRecord(**told)
