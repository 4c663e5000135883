"""Trainings by workers whose broker, server or neighbours are killed, forget everything, or hang."""

import asyncio
import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.nats_server import NatsServer, nats_server
from tests.program import Running, until

from .fleet import (
    Fleet,
    assert_trained_once,
    attempts_at,
    begin,
    files_in,
    job_of,
    until_it_is_at,
    until_it_is_over,
)

pytestmark = pytest.mark.slow


@pytest.fixture
def nats(tmp_path: Path) -> Iterator[NatsServer]:
    """A broker of the test's own, which it may kill."""
    with nats_server(tmp_path / "nats") as server:
        yield server


@pytest.fixture
def fleet(tmp_path: Path, mongo_url: str, mongo_database: str, nats: NatsServer) -> Fleet:
    """Machines that share a database and that broker."""
    where = {"GLOTTIS_MONGO_URL": mongo_url, "GLOTTIS_MONGO_DATABASE": mongo_database}
    return Fleet(tmp_path, has_broker=True, **where, GLOTTIS_NATS_URL=nats.url)


def folders_of_jobs(root: Path) -> list[Path]:
    return list(root.glob("*/data/jobs/*"))


async def test_two_jobs_on_two_slots_survive_the_death_of_the_server_that_was_asked(fleet: Fleet) -> None:
    async with AsyncExitStack() as stack:
        asked, other, worker = await asyncio.gather(
            stack.enter_async_context(fleet.asking("asked")),
            stack.enter_async_context(fleet.asking("other")),
            stack.enter_async_context(fleet.training("worker", "--kinds", "train", "--slots", "2")),
        )
        jobs = [await begin(asked, project) for project in ("demo", "second")]
        await asyncio.gather(*(until_it_is_at(asked, job_id, 10) for job_id in jobs))
        await asked.end(signal.SIGKILL)
        assert not any([(await job_of(other, job_id))["finished_at"] for job_id in jobs])
        for job_id in jobs:
            await until_it_is_over(other, job_id)
            await assert_trained_once(other, job_id)
            assert attempts_at(worker, job_id) == [1]


@pytest.mark.parametrize("forgotten", [[], ["store"]])
async def test_a_job_that_runs_and_one_that_waits_survive_the_death_of_the_broker(
    fleet: Fleet, nats: NatsServer, tmp_path: Path, forgotten: list[str]
) -> None:
    async with AsyncExitStack() as stack:
        server, worker = await asyncio.gather(
            stack.enter_async_context(fleet.asking()), stack.enter_async_context(fleet.training("worker"))
        )
        running = await begin(server)
        await until_it_is_at(server, running, 10)
        waiting = await begin(server, "second")
        nats.kill()
        unheard = await begin(server, "third")
        for name in forgotten:
            shutil.rmtree(tmp_path / "nats" / name)
        nats.start()
        for job_id in (running, waiting, unheard):
            await until_it_is_over(server, job_id)
            await assert_trained_once(server, job_id)
            assert attempts_at(worker, job_id) == [1]


async def test_workers_that_hang_lose_a_job_and_write_nothing_when_they_wake(
    fleet: Fleet, mongo_url: str, mongo_database: str, tmp_path: Path
) -> None:
    fleet.sabotage(signal.SIGSTOP, at_steps=[5, 11])  # in the midst, and with the voice in its hands
    async with AsyncExitStack() as stack:
        server, workers = await asyncio.gather(
            stack.enter_async_context(fleet.asking()),
            asyncio.gather(
                *(stack.enter_async_context(fleet.training(name)) for name in ("one", "two", "three"))
            ),
        )
        job_id = await begin(server)
        await until_it_is_over(server, job_id)
        hung = [worker for worker in workers if attempts_at(worker, job_id) != [3]]
        assert sorted(attempts_at(hung[0], job_id) + attempts_at(hung[1], job_id)) == [1, 2]
        for worker in hung:
            os.kill(worker.pid, signal.SIGCONT)

        async def has_noticed(worker: Running) -> bool:
            told = {line["event"] for line in worker.log()}
            return bool(told & {"job is not ours any more", "training is somebody else's"})

        for worker in hung:
            await until(lambda worker=worker: has_noticed(worker))  # type: ignore[misc]
            assert await worker.end() == 0
        await assert_trained_once(server, job_id, steps=10)
        assert files_in(mongo_url, mongo_database) == {"named": 4, "pending": 0, "fragments": 0}
        assert folders_of_jobs(tmp_path) == []
