"""A deployment that trains, by either engine, in processes of its own: some that ask, some that train."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pymongo
from glottis.api.client import TrainingJob, open_training

from tests.program import VOICE, Program, Running, Serving, until
from tests.recordings import recordings

STEPS = 30
TRAINING = f"""
enable = ["mock"]
[providers.mock]
use = "mock"
training_steps = {STEPS}
training_step_s = 0.05
[routes]
recognize = ["mock"]
synthesize = ["mock"]
intents = ["mock"]
train = "mock"
"""
SABOTAGE = """
enable = ["mock", "sabotage"]
[providers.sabotage]
use = "sabotage"
number = {number}
at_steps = {at_steps}
[routes]
recognize = ["mock"]
synthesize = ["sabotage", "mock"]
intents = ["mock"]
train = "sabotage"
"""
MODULE = '''
import asyncio
import json
import os

from glottis.plugins import *
from pydantic import BaseModel, ConfigDict

GLOTTIS_API_VERSION = 1


class Options(BaseModel):
    model_config = ConfigDict(extra="forbid")
    number: int
    at_steps: list[int]


class Voice(Synthesizer):
    async def synthesize(self, text, options):
        yield AudioFrame(bytes(1600), 16_000)


class Backend(TrainingBackend):
    """Takes ten steps, before one of which, another at each attempt, it sends a signal to its own process."""

    async def validate(self, sample):
        return Verdict(usable=True)

    async def train(self, dataset, job):
        notes = job.work_dir / "steps.json"
        steps = json.loads(notes.read_text()) if notes.exists() else []
        for step in range(len(steps) + 1, 11):
            self.strike(step, job)
            await asyncio.sleep(0.02)
            notes.write_text(json.dumps(steps := [*steps, step]))
            yield Progress(9.0 * step, is_checkpoint=True)
        self.strike(11, job)
        yield Progress(100.0, voice=TrainedVoice(job.id, notes, {"steps": steps}))

    def strike(self, step, job):
        if self.config.at_steps[job.attempt - 1 : job.attempt] == [step]:
            os.kill(os.getpid(), self.config.number)


@hookimpl
def glottis_register_synthesizers(register):
    register(SynthesizerSpec(name="sabotage", create=Voice, config=Options))


@hookimpl
def glottis_register_training_backends(register):
    register(TrainingBackendSpec(name="sabotage", create=Backend, config=Options))
'''


class Fleet:
    """Machines that share a broker and a database, each a folder; without a broker, servers train."""

    def __init__(self, folder: Path, *, has_broker: bool, **environment: str) -> None:
        self.has_broker = has_broker
        self._folder = folder
        self._environment = {"GLOTTIS_JOB_LEASE_S": "1", **environment}
        self._toml = TRAINING

    def sabotage(self, number: int, *, at_steps: list[int]) -> None:
        """Let a backend train that somebody wrote elsewhere, and that sends its own process a signal.

        It does so before a step of each attempt, the first of `at_steps` being for the first attempt.
        """
        target = self._folder / "elsewhere"
        info = target / "acme_sabotage-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-sabotage\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text("[glottis.plugins]\nsabotage = acme_sabotage\n")
        (target / "acme_sabotage.py").write_text(MODULE)
        self.choose(PYTHONPATH=str(target))
        self._toml = SABOTAGE.format(number=int(number), at_steps=at_steps)

    def choose(self, **environment: str) -> None:
        """Have every process started with further settings from now on; an empty one is none."""
        merged = self._environment | environment
        self._environment = {name: value for name, value in merged.items() if value}

    def machine(self, name: str) -> Program:
        """Prepare a machine, or find the one of this name."""
        program = Program(self._folder / name, **self._environment)
        program.deploy(self._toml)
        return program

    @asynccontextmanager
    async def asking(self, name: str = "server") -> AsyncIterator[Serving]:
        """Run a server that leaves all training to others."""
        idle = {} if self.has_broker else {"GLOTTIS_TRAINING_SLOTS": "0"}
        async with self.machine(name).serving(**idle) as server:
            yield server

    @asynccontextmanager
    async def training(self, name: str, *options: str) -> AsyncIterator[Running]:
        """Run a process that trains: a worker, or a server where there is no broker."""
        machine = self.machine(name)
        async with machine.working(*options) if self.has_broker else machine.serving(*options) as running:
            yield running


async def begin(server: Serving, project: str = "demo") -> str:
    """Upload recordings and have a voice trained; give the id of the job."""
    files = [("files", (f"{number}.wav", data, "audio/wav")) for number, data in enumerate(recordings()[:3])]
    uploaded = await server.client.post(f"{VOICE}/samples", data={"project": project}, files=files)
    assert uploaded.status_code == 200, uploaded.text
    started = await server.client.post(f"{VOICE}/train", data={"project": project})
    return str(started.raise_for_status().json()["job"]["id"])


async def job_of(server: Serving, job_id: str) -> dict[str, Any]:
    answer = await server.client.get(f"{VOICE}/jobs/{job_id}")
    job: dict[str, Any] = answer.raise_for_status().json()["job"]
    return job


async def followed(server: Serving, job_id: str) -> list[TrainingJob]:
    """Follow a job to its end by its events, over as many connections as it takes; give what was told."""
    async with open_training(server.address, project="demo") as training:
        return [job async for job in training.follow(job_id)]


async def until_it_is_at(server: Serving, job_id: str, percent: float) -> dict[str, Any]:
    """Wait until a job has come so far; give it as it is then."""
    return await _until(server, job_id, lambda job: job["progress"] > percent)


async def until_it_is_over(server: Serving, job_id: str) -> dict[str, Any]:
    """Wait for the end of a job; give it."""
    return await _until(server, job_id, lambda job: job["finished_at"] is not None)


async def _until(server: Serving, job_id: str, condition: Any) -> dict[str, Any]:
    seen: dict[str, Any] = {}

    async def is_so() -> bool:
        try:
            seen.update(await job_of(server, job_id))
        except httpx.HTTPStatusError as error:
            assert error.response.status_code == 503  # noqa: PT017 - the database has been killed
            return False
        return bool(condition(seen))

    await until(is_so)
    return seen


def attempts_at(running: Running, job_id: str) -> list[int]:
    """Tell which attempts at a job a process has begun."""
    log = running.log()
    return [line["attempt"] for line in log if line["event"] == "training begins" and line["job"] == job_id]


async def assert_trained_once(server: Serving, job_id: str, *, steps: int = STEPS) -> dict[str, Any]:
    """See to it that a job has ended well, with each step counted once, and with one voice; give it."""
    job = await job_of(server, job_id)
    assert job["status"] == "completed", job
    assert job["result"]["metrics"]["steps"] == list(range(1, steps + 1))
    where = {"project": job["project"]}
    voices = (await server.client.get(f"{VOICE}/voices", params=where)).json()["voices"]
    assert [voice["id"] for voice in voices if voice["trained"]] == [job_id]
    jobs = (await server.client.get(f"{VOICE}/jobs", params=where)).json()["jobs"]
    assert [each["id"] for each in jobs] == [job_id]
    return job


def files_in(mongo_url: str, database: str) -> Mapping[str, int]:
    """Count the files in the database: those that a document names, those that none does, and fragments."""
    with pymongo.MongoClient[dict[str, Any]](mongo_url) as client:
        files, chunks = (client[database][f"voice_files.{part}"] for part in ("files", "chunks"))
        whole = files.distinct("_id")
        return {
            "named": files.count_documents({"metadata.pending": None}),
            "pending": files.count_documents({"metadata.pending": True}),
            "fragments": chunks.count_documents({"files_id": {"$nin": whole}}),
        }
