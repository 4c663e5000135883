"""Jobs: one at a time for a project, and written by nobody but the worker whose they are."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

from glottis.core.store import JobRecord, JobStatus, Store, VoiceRecord

WORDS = {"en": "said"}
LEASE_S = 60.0


async def queue(store: Store, project: str = "demo") -> JobRecord:
    job, _ = await store.jobs.queue(
        project=project, name="Anna", language="en", backend="mock", sample_ids=["a"], message=WORDS
    )
    return job


async def claim(store: Store, *, lease_s: float = LEASE_S, node: str = "n") -> JobRecord:
    job = await store.jobs.claim(node=node, backends=["mock"], lease_s=lease_s)
    assert job is not None
    return job


async def report(store: Store, job: JobRecord, progress: float) -> JobRecord | None:
    return await store.jobs.report(job, status=JobStatus.TRAINING, progress=progress, message=WORDS)


async def written(store: Store, data: bytes) -> str:
    async def pieces() -> AsyncIterator[bytes]:
        yield data

    return await store.files.write("file", pieces())


async def read(store: Store, file_id: str) -> bytes:
    return b"".join([piece async for piece in store.files.read(file_id)])


def voice_of(job: JobRecord, artefact: str | None = None) -> VoiceRecord:
    return VoiceRecord(
        id=job.id,
        project=job.project,
        name=job.name,
        provider="mock",
        voice_id=job.id,
        languages=("en",),
        artefact=artefact,
        metrics={},
        created_at=datetime.now(UTC),
    )


async def complete(store: Store, job: JobRecord, artefact: str | None = None) -> JobRecord | None:
    return await store.jobs.complete(job, voice_of(job, artefact), result={}, message=WORDS)


async def files_left(store: Store) -> int:
    return int(await store.files._files.count_documents({}))


async def test_a_hundred_at_once_queue_one_job(store: Store) -> None:
    queued = await asyncio.gather(
        *(
            store.jobs.queue(
                project="demo", name="", language="en", backend="mock", sample_ids=[], message=WORDS
            )
            for _ in range(100)
        )
    )
    assert sum(is_new for _, is_new in queued) == 1
    assert len({job.id for job, _ in queued}) == 1
    assert (await queue(store, "other")).id != queued[0][0].id


async def test_a_job_that_is_over_makes_room_for_the_next(store: Store) -> None:
    first = await queue(store)
    assert await store.jobs.cancel(first.id, message=WORDS) is not None
    assert (await queue(store)).id != first.id
    assert await store.jobs.cancel(first.id, message=WORDS) is None


async def test_many_workers_take_a_job_once(store: Store) -> None:
    job = await queue(store)
    taken = await asyncio.gather(
        *(store.jobs.claim(node=str(number), backends=["mock"], lease_s=LEASE_S) for number in range(20))
    )
    assert [claimed.id for claimed in taken if claimed is not None] == [job.id]


async def test_only_who_has_the_backend_takes_a_job(store: Store) -> None:
    await queue(store)
    assert await store.jobs.claim(node="n", backends=["other"], lease_s=LEASE_S) is None


async def test_a_worker_that_lost_its_lease_writes_nothing(store: Store) -> None:
    await queue(store)
    lost = await claim(store, lease_s=0.0)
    checkpoint, artefact = await written(store, b"checkpoint"), await written(store, b"voice")
    ours = await claim(store)
    assert (ours.id, ours.attempt, ours.failures) == (lost.id, 2, 1)
    assert not await store.jobs.renew(lost, lease_s=LEASE_S)
    assert await report(store, lost, 50.0) is None
    assert not await store.jobs.keep(lost, checkpoint=checkpoint, progress=50.0)
    assert await complete(store, lost, artefact) is None
    assert await store.jobs.fail(lost, error=WORDS) is None
    assert await store.jobs.put_back(lost, message=WORDS) is None
    assert await store.voices.all() == ()
    assert await store.jobs.get(ours.id) == ours


async def test_a_lease_that_is_renewed_lasts(store: Store) -> None:
    await queue(store)
    job = await claim(store, lease_s=0.0)
    assert await store.jobs.renew(job, lease_s=LEASE_S)
    assert await store.jobs.claim(node="m", backends=["mock"], lease_s=LEASE_S) is None


async def test_progress_never_falls(store: Store) -> None:
    await queue(store)
    job = await claim(store)
    told = [await report(store, job, progress) for progress in (10.0, 40.0, 20.0)]
    assert [each.progress for each in told if each] == [10.0, 40.0, 40.0]
    assert await store.jobs.put_back(job, message=WORDS) is not None
    assert (await claim(store)).progress == 40.0


async def test_a_checkpoint_replaces_the_one_before_and_goes_with_the_job(store: Store) -> None:
    await queue(store)
    job = await claim(store)
    first, second = await written(store, b"first"), await written(store, b"second")
    assert await store.jobs.keep(job, checkpoint=first, progress=10.0)
    assert await store.jobs.keep(job, checkpoint=second, progress=20.0)
    assert await files_left(store) == 1
    assert await store.jobs.put_back(job, message=WORDS) is not None
    again = await claim(store)
    assert again.checkpoint == second
    assert await read(store, second) == b"second"
    assert await complete(store, again) is not None
    assert await files_left(store) == 0


async def test_a_job_that_gets_further_is_given_its_attempts_again(store: Store) -> None:
    await queue(store)
    job = await claim(store)
    for progress, failures in ((10.0, 0), (10.0, 1), (20.0, 0)):
        assert await store.jobs.keep(job, checkpoint=await written(store, b"x"), progress=progress)
        kept = await store.jobs.get(job.id)
        assert kept is not None
        assert kept.failures == failures
        assert await store.jobs.put_back(job, message=WORDS, has_failed=True) is not None
        job = await claim(store)


async def test_a_job_that_was_put_back_waits_its_time(store: Store) -> None:
    await queue(store)
    assert await store.jobs.put_back(await claim(store), message=WORDS, after_s=60.0, has_failed=True)
    assert await store.jobs.claim(node="n", backends=["mock"], lease_s=LEASE_S) is None


async def test_a_completed_job_and_its_voice_come_together_once(store: Store) -> None:
    await queue(store)
    job = await claim(store)
    artefact = await written(store, b"voice")
    outcomes: list[Any] = await asyncio.gather(*(complete(store, job, artefact) for _ in range(5)))
    done = [outcome for outcome in outcomes if outcome is not None]
    assert [(each.status, each.progress) for each in done] == [(JobStatus.COMPLETED, 100.0)]
    (voice,) = await store.voices.all()
    assert (voice.id, voice.artefact) == (job.id, artefact)
    assert await read(store, artefact) == b"voice"
    await store.voices.delete(voice.id)
    assert await files_left(store) == 0


async def test_a_job_that_was_cancelled_is_nobodys(store: Store) -> None:
    await queue(store)
    job = await claim(store)
    assert await store.jobs.cancel(job.id, message=WORDS) is not None
    assert not await store.jobs.renew(job, lease_s=LEASE_S)
    assert await complete(store, job) is None
    assert await store.voices.all() == ()
