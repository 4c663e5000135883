"""A process that is killed in mid-transaction leaves a job locked for a while, and no other one."""

import asyncio
from collections.abc import Sequence

from glottis.core.jobs import Claim, EmbeddedJobs
from glottis.core.store import JobRecord, Store

WORDS = {"en": "said"}


class Ending:
    """Work that is over as soon as it is taken."""

    kind = "training"
    lease_s = 60.0

    def __init__(self, store: Store) -> None:
        self._jobs = store.jobs
        self._taken: dict[str, JobRecord] = {}
        self.ended: asyncio.Queue[str] = asyncio.Queue()

    def lanes(self) -> Sequence[str]:
        return ["mock"]

    async def due(self) -> Sequence[tuple[str, str]]:
        return await self._jobs.due()

    async def due_in_s(self, job_id: str) -> float | None:
        return await self._jobs.due_in_s(job_id)

    async def claim(self, job_id: str) -> Claim | None:
        job = await self._jobs.claim(node="n", backends=["mock"], lease_s=self.lease_s, job_id=job_id)
        if job is None:
            return None
        self._taken[job.id] = job
        return Claim(job.id, job.attempt)

    async def renew(self, claim: Claim) -> bool:
        return await self._jobs.renew(self._taken[claim.job_id], lease_s=self.lease_s)

    async def run(self, claim: Claim) -> None:
        await self._jobs.fail(self._taken[claim.job_id], error=WORDS)
        self.ended.put_nowait(claim.job_id)

    async def put_back(self, claim: Claim) -> None:
        await self._jobs.put_back(self._taken[claim.job_id], message=WORDS)


async def queued(store: Store, project: str) -> str:
    job, _ = await store.jobs.queue(
        project=project, name="Anna", language="en", backend="mock", sample_ids=[], message=WORDS
    )
    return job.id


async def test_a_job_that_is_locked_keeps_no_other_waiting(store: Store) -> None:
    locked = await queued(store, "locked")
    others = [await queued(store, project) for project in ("one", "two", "three")]
    work = Ending(store)
    async with store.jobs._client.start_session() as killed, asyncio.timeout(30):
        await killed.start_transaction()
        await store.jobs._jobs.update_one({"_id": locked}, {"$set": {"progress": 1.0}}, session=killed)
        async with EmbeddedJobs(work, store.events).working(slots=1):
            async with asyncio.timeout(10):
                assert [await work.ended.get() for _ in others] == others
            await killed.abort_transaction()
            assert await work.ended.get() == locked
