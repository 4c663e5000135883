"""Following a job: what is told of it, and what nobody lived to tell."""

import asyncio

from glottis.core.store import JobRecord, JobStatus, Store
from glottis.core.training.feed import JobFeed

WORDS = {"en": "said"}


async def taken(store: Store) -> JobRecord:
    await store.jobs.queue(
        project="demo", name="Anna", language="en", backend="mock", sample_ids=["a"], message=WORDS
    )
    job = await store.jobs.claim(node="n", backends=["mock"], lease_s=60.0)
    assert job is not None
    return job


async def test_who_follows_hears_of_an_end_that_nobody_told_and_of_nothing_twice(store: Store) -> None:
    job = await taken(store)
    feed = JobFeed(store, look_again_s=0.05)
    states: list[JobRecord] = []

    async def follow() -> None:
        async for state in feed.follow(job):
            states.append(state)  # noqa: PERF401 - they are looked at meanwhile

    following = asyncio.create_task(follow())
    reported = await store.jobs.report(job, status=JobStatus.TRAINING, progress=50.0, message=WORDS)
    assert reported is not None
    await feed.tell(reported)
    while not any(state.progress == 50.0 for state in states):
        await asyncio.wait({following}, timeout=0.01)
    await asyncio.wait({following}, timeout=0.3)  # it looks again several times, and sees nothing new
    await store.jobs.fail(job, error=WORDS)
    await following
    assert [str(state.status) for state in states][-2:] == ["training", "failed"]
    assert len({(state.status, state.progress) for state in states}) == len(states)
