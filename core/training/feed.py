"""How far jobs are, told to whoever wants to know on any node."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from typing import Any

from glottis.core.store import GAP, JobRecord, JobStatus, Store, StoredEvent

_KIND = "training.progress"
_LOOK_AGAIN_S = 5.0
"""Whoever should have told how a job has ended may have been killed just before."""

Heard = Callable[[JobRecord], None]


class JobFeed:
    """News of jobs, by way of the events that cross nodes."""

    def __init__(self, store: Store, *, look_again_s: float = _LOOK_AGAIN_S) -> None:
        self._store = store
        self._look_again_s = look_again_s

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
            current: JobRecord | None = None
            while newest is not None:
                if current is None or _is_news(newest, current):
                    current = newest
                    yield current
                if current.status.is_final:
                    return
                try:
                    async with asyncio.timeout(self._look_again_s):
                        await changed.wait()
                except TimeoutError:
                    newest = None
                changed.clear()
                if newest is None:
                    looked = await self._store.jobs.get(job.id)
                    newest = newest or looked  # an event may have come meanwhile


def _is_news(job: JobRecord, last: JobRecord) -> bool:
    """Tell whether anything has changed; an event leaves out the samples."""
    return replace(job, sample_ids=last.sample_ids) != last


def _job_of(event: StoredEvent) -> JobRecord:
    told: dict[str, Any] = {**event.data, "status": JobStatus(event.data["status"]), "sample_ids": ()}
    return JobRecord(**told)
