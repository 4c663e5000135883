"""Trainings whose processes are killed, hang or are stopped, on whichever machine they go on."""

import asyncio
import os
import signal
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.program import VOICE, Running, Serving, end_of, until

from .fleet import (
    Fleet,
    assert_trained_once,
    attempts_at,
    begin,
    followed,
    job_of,
    until_it_is_at,
    until_it_is_over,
)

pytestmark = pytest.mark.slow


@pytest.fixture(params=["embedded", "nats"])
def fleet(request: pytest.FixtureRequest, tmp_path: Path, mongo_url: str, mongo_database: str) -> Fleet:
    """Machines that share a database; with NATS, they have workers."""
    where = {"GLOTTIS_MONGO_URL": mongo_url, "GLOTTIS_MONGO_DATABASE": mongo_database}
    has_broker = request.param == "nats"
    if has_broker:
        where["GLOTTIS_NATS_URL"] = request.getfixturevalue("nats_url")
        where["GLOTTIS_NATS_PREFIX"] = request.getfixturevalue("nats_prefix")
    return Fleet(tmp_path, has_broker=has_broker, **where)


async def started(stack: AsyncExitStack, fleet: Fleet) -> tuple[Serving, Running, Running]:
    """Start a server and two processes that train."""
    server, one, two = await asyncio.gather(
        stack.enter_async_context(fleet.asking()),
        stack.enter_async_context(fleet.training("one")),
        stack.enter_async_context(fleet.training("two")),
    )
    return server, one, two


def in_order(job_id: str, *trainers: Running) -> tuple[Running, Running]:
    """Tell who has a job, and who has not."""
    one, two = trainers
    return (one, two) if attempts_at(one, job_id) else (two, one)


async def test_a_training_goes_on_elsewhere_when_its_process_is_killed(fleet: Fleet) -> None:
    async with AsyncExitStack() as stack:
        server, *trainers = await started(stack, fleet)
        job_id = await begin(server)
        before = await until_it_is_at(server, job_id, 30)
        killed, other = in_order(job_id, *trainers)
        await killed.end(signal.SIGKILL)
        job = await until_it_is_over(server, job_id)
        assert job["attempt"] == 2
        assert job["progress"] >= before["progress"]
        await assert_trained_once(server, job_id)
        assert (attempts_at(killed, job_id), attempts_at(other, job_id)) == ([1], [2])


async def test_a_training_is_cancelled_from_elsewhere_and_handed_on_when_its_process_is_stopped(
    fleet: Fleet,
) -> None:
    async with AsyncExitStack() as stack:
        server, *trainers = await started(stack, fleet)
        job_id = await begin(server)
        await until_it_is_at(server, job_id, 10)
        his, _ = in_order(job_id, *trainers)
        await server.client.post(f"{VOICE}/jobs/{job_id}/cancel")

        async def has_stopped() -> bool:
            return any(line["event"] == "job is not ours any more" for line in his.log())

        await until(has_stopped, within_s=2)
        again = await begin(server)
        await until_it_is_at(server, again, 30)
        stopped, other = in_order(again, *trainers)
        ending = asyncio.create_task(stopped.end())

        async def goes_on() -> bool:
            return attempts_at(other, again) == [2]

        await until(goes_on, within_s=2)
        assert await ending == 0
        assert (await until_it_is_over(server, again))["status"] == "completed"
        steps = (await job_of(server, again))["result"]["metrics"]["steps"]
        assert steps == sorted(set(steps))


async def test_a_training_survives_the_death_of_the_database(fleet: Fleet) -> None:
    fleet.choose(GLOTTIS_MONGO_URL="")
    machine = fleet.machine("server")
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(machine.serving())
        if fleet.has_broker:
            await stack.enter_async_context(fleet.training("server"))
        job_id = await begin(server)
        following = asyncio.create_task(followed(server, job_id))
        await until_it_is_at(server, job_id, 20)
        mongod = machine.mongod()
        os.kill(mongod, signal.SIGKILL)
        await end_of(mongod)
        await until_it_is_over(server, job_id)
        await assert_trained_once(server, job_id)
        states = await following
        assert [state.status for state in states].count("completed") == 1
        assert states == sorted(states, key=lambda state: state.progress)


async def test_a_job_that_kills_its_processes_has_failed_after_its_attempts(fleet: Fleet) -> None:
    fleet.sabotage(signal.SIGKILL, at_steps=[3] * 99)
    fleet.choose(GLOTTIS_TRAINING_ATTEMPTS="2")
    async with AsyncExitStack() as stack:
        server, trainers = await asyncio.gather(
            stack.enter_async_context(fleet.asking()),
            asyncio.gather(
                *(stack.enter_async_context(fleet.training(name)) for name in ("one", "two", "three"))
            ),
        )
        job_id = await begin(server)
        job = await until_it_is_over(server, job_id)
        killed = [trainer for trainer in trainers if trainer.process.returncode == -signal.SIGKILL]
        assert len(killed) == 2
        assert sorted(attempt for trainer in trainers for attempt in attempts_at(trainer, job_id)) == [
            1,
            2,
            3,
        ]
        reason = "Training failed: it broke off 2 times in a row without getting further"
        assert (job["status"], job["message"], job["attempt"]) == ("failed", reason, 3)
        voices = (await server.client.get(f"{VOICE}/voices", params={"project": "demo"})).json()["voices"]
        assert not any(voice["trained"] for voice in voices)
