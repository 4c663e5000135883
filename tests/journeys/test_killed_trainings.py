"""Trainings whose servers are killed, on whichever node they go on."""

import signal
from pathlib import Path
from typing import Any

import pytest

from tests.program import VOICE, Program, Serving, end_of, until
from tests.recordings import recordings

TRAINING = """
enable = ["mock"]
[providers.mock]
use = "mock"
training_steps = 40
training_step_s = 0.05
[routes]
recognize = ["mock"]
synthesize = ["mock"]
intents = ["mock"]
train = "mock"
"""


async def job_of(server: Serving, job_id: str) -> dict[str, Any]:
    job: dict[str, Any] = (await server.client.get(f"{VOICE}/jobs/{job_id}")).json()["job"]
    return job


async def begin(server: Serving) -> str:
    files = [("files", (f"{number}.wav", data, "audio/wav")) for number, data in enumerate(recordings()[:3])]
    uploaded = await server.client.post(f"{VOICE}/samples", data={"project": "demo"}, files=files)
    assert uploaded.status_code == 200, uploaded.text
    return str((await server.client.post(f"{VOICE}/train", data={"project": "demo"})).json()["job"]["id"])


@pytest.fixture
def nodes(tmp_path: Path, mongo_url: str, mongo_database: str) -> tuple[Program, Program]:
    """Two machines with one database."""
    where = {"GLOTTIS_MONGO_URL": mongo_url, "GLOTTIS_MONGO_DATABASE": mongo_database}
    made = [Program(tmp_path / name, **where, GLOTTIS_JOB_LEASE_S="1") for name in ("a", "b")]
    for program in made:
        program.deploy(TRAINING)
    return made[0], made[1]


@pytest.mark.slow
async def test_a_training_goes_on_elsewhere_when_its_server_is_killed(
    nodes: tuple[Program, Program],
) -> None:
    one, two = nodes
    async with one.serving() as first:
        job_id = await begin(first)

        async def is_in_the_middle() -> bool:
            return bool((await job_of(first, job_id))["progress"] > 30)

        await until(is_in_the_middle)
        before = await job_of(first, job_id)
        pids = list(one.processes())
        first.process.send_signal(signal.SIGKILL)
        await end_of(first.pid)
        async with two.serving() as second:
            seen = [before["progress"]]

            async def is_over() -> bool:
                job = await job_of(second, job_id)
                seen.append(job["progress"])
                return job["status"] in {"completed", "failed"}

            await until(is_over)
            job = await job_of(second, job_id)
            assert (job["status"], job["attempt"]) == ("completed", 2), job
            assert job["result"]["metrics"]["steps"] == list(range(1, 41))
            assert seen == sorted(seen)
            voices = (await second.client.get(f"{VOICE}/voices", params={"project": "demo"})).json()["voices"]
            assert [voice["id"] for voice in voices if voice["trained"]] == [job_id]
            assert len((await second.client.get(f"{VOICE}/jobs")).json()["jobs"]) == 1
        await end_of(*pids)


@pytest.mark.slow
async def test_a_training_is_cancelled_from_another_node_and_goes_on_when_its_own_is_stopped(
    nodes: tuple[Program, Program],
) -> None:
    one, two = nodes
    async with one.serving() as first, two.serving(GLOTTIS_TRAINING_SLOTS="0") as second:
        job_id = await begin(first)

        async def is_running() -> bool:
            return bool((await job_of(second, job_id))["progress"] > 10)

        await until(is_running)
        await second.client.post(f"{VOICE}/jobs/{job_id}/cancel")

        async def has_stopped() -> bool:
            return any(line["event"] == "job is not ours any more" for line in first.log())

        await until(has_stopped, within_s=2)
        again = await begin(second)

        async def is_further() -> bool:
            return bool((await job_of(second, again))["progress"] > 10)

        await until(is_further)
        assert await first.end() == 0
        handed = await job_of(second, again)
        assert (handed["status"], handed["message"]) == ("queued", "Going on elsewhere")
        async with two.serving() as third:

            async def is_done() -> bool:
                return bool((await job_of(third, again))["status"] == "completed")

            await until(is_done)
            assert (await job_of(third, again))["result"]["metrics"]["steps"] == list(range(1, 41))
