"""Servers that hold no model: what they hear and say, workers hear and say for them."""

import asyncio
import base64
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from glottis.api.client import AudioData, Metrics, Wishes, connect

from tests.journeys.fleet import begin, until_it_is_over
from tests.program import VOICE, Program, Serving, Working, until

pytestmark = pytest.mark.slow

DEPLOYMENT = """
enable = ["mock", "witness"]
[routes]
recognize = [{ provider = "witness", runs_on = "workers" }, "mock"]
synthesize = [{ provider = "mock", runs_on = "workers" }]
intents = ["mock"]
train = "mock"
"""
WITNESS = '''
import asyncio
import os
from pathlib import Path

from glottis.plugins import *

GLOTTIS_API_VERSION = 1


class Witness(Recognizer):
    """Hears nothing but the process in which it is; where a file says so, it never comes to an end."""

    async def recognize(self, clip, options):
        notes = Path(os.environ["WITNESS"])
        with notes.open("a") as file:
            file.write(f"{os.getpid()}\\n")
        if (notes.parent / f"{os.getpid()}.hangs").exists():
            await asyncio.Event().wait()
        return Transcript(f"heard in {os.getpid()}", 1.0, options.language)


@hookimpl
def glottis_register_recognizers(register):
    register(RecognizerSpec(name="witness", create=Witness))
'''


class Machines:
    """A server and as many workers as are wanted, with one database and one broker."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self._folder = folder
        self.notes = folder / "heard"
        elsewhere = folder / "elsewhere"
        info = elsewhere / "acme_witness-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-witness\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text("[glottis.plugins]\nwitness = acme_witness\n")
        (elsewhere / "acme_witness.py").write_text(WITNESS)
        self._environment = {"PYTHONPATH": str(elsewhere), "WITNESS": str(self.notes), **environment}

    def _machine(self, name: str) -> Program:
        program = Program(self._folder / name, **self._environment)
        program.deploy(DEPLOYMENT)
        return program

    @asynccontextmanager
    async def server(self) -> AsyncIterator[Serving]:
        async with self._machine("server").serving() as server:
            yield server

    @asynccontextmanager
    async def worker(self, name: str, *options: str) -> AsyncIterator[Working]:
        async with self._machine(name).working(*options) as worker:
            yield worker

    def heard_in(self) -> list[int]:
        """Tell in which processes something was heard, in order."""
        return [int(line) for line in self.notes.read_text().split()] if self.notes.exists() else []

    def let_hang(self, worker: Working) -> None:
        (self.notes.parent / f"{worker.pid}.hangs").touch()


@pytest.fixture
def machines(
    tmp_path: Path, mongo_url: str, mongo_database: str, nats_url: str, nats_prefix: str
) -> Machines:
    return Machines(
        tmp_path,
        GLOTTIS_MONGO_URL=mongo_url,
        GLOTTIS_MONGO_DATABASE=mongo_database,
        GLOTTIS_NATS_URL=nats_url,
        GLOTTIS_NATS_PREFIX=nats_prefix,
    )


async def synthesize(server: Serving, text: str, **fields: str) -> bytes:
    """Have a text spoken; give the audio."""
    answer = await server.client.post(f"{VOICE}/synthesize", json={"text": text, **fields})
    assert answer.status_code == 202, answer.text
    audio = await server.client.get(answer.json()["audio_url"])
    return audio.raise_for_status().content


async def recognize(server: Serving, audio: bytes) -> httpx.Response:
    body = {"audio_base64": base64.b64encode(audio).decode(), "language": "en-US"}
    return await server.client.post(f"{VOICE}/recognize", json=body)


async def heard(server: Serving, audio: bytes) -> dict[str, Any]:
    answer = await recognize(server, audio)
    assert answer.status_code == 200, answer.text
    heard: dict[str, Any] = answer.json()
    return heard


async def test_a_worker_hears_and_speaks_for_a_server_and_what_is_there_answers_without_one(
    machines: Machines,
) -> None:
    async with machines.server() as server:
        refused = await server.client.post(f"{VOICE}/synthesize", json={"text": "hello"})
        assert refused.status_code == 503, refused.text
        async with machines.worker("one", "--port", "0") as worker:
            assert worker.said == "train by mock; recognize by witness; synthesize by mock"
            audio = await synthesize(server, "hello there")
            found = await heard(server, audio)
            assert (found["text"], found["provider"]) == (f"heard in {worker.pid}", "witness")
            assert await is_answered(server)
            await assert_tells_how_it_is(worker)
            await worker.end()
        found = await heard(server, audio)
        assert (found["text"], found["provider"]) == ("hello there", "mock")


async def is_answered(server: Serving) -> bool:
    """Hold a conversation of one turn; tell whether its answer could be heard."""
    wishes = Wishes(reply="stream")
    async with connect(server.address, project="demo", language="en-US", wishes=wishes) as conversation:
        await conversation.say("hello")
        size = 0
        async for message in conversation:
            if isinstance(message, AudioData):
                size += len(message.data)
            if isinstance(message, Metrics):
                break
    return size > 10_000


async def assert_tells_how_it_is(worker: Working) -> None:
    (address,) = (line["address"] for line in worker.log() if line["event"] == "watched")
    async with httpx.AsyncClient(base_url=address) as client:
        for path in ("/healthz", "/readyz"):
            assert (await client.get(path)).status_code == 200
        figures = (await client.get("/metrics")).text
    assert 'glottis_worker_calls_total{instance="witness",kind="recognizer",outcome="done"} 1.0' in figures


async def test_workers_share_what_there_is_to_hear_and_answer_what_a_killed_one_was_asked(
    machines: Machines,
) -> None:
    async with (
        machines.server() as server,
        machines.worker("one", "--kinds", "recognize", "--slots", "1") as one,
        machines.worker("two", "--kinds", "recognize,synthesize", "--slots", "1") as two,
    ):
        assert (one.said, two.said) == (
            "recognize by witness",
            "recognize by witness; synthesize by mock",
        )
        audio = await synthesize(server, "hello")
        await asyncio.gather(*(heard(server, audio) for _ in range(20)))
        assert set(machines.heard_in()) == {one.pid, two.pid}
        machines.let_hang(one)
        asked = [asyncio.create_task(heard(server, audio)) for _ in range(4)]

        async def hangs() -> bool:
            return machines.heard_in()[20:].count(one.pid) == 1 and sum(task.done() for task in asked) == 3

        await until(hangs)
        one.process.send_signal(signal.SIGKILL)
        answers = await asyncio.gather(*asked)
        assert {answer["text"] for answer in answers} == {f"heard in {two.pid}"}


async def test_a_trained_voice_speaks_on_a_worker_that_did_not_train_it(machines: Machines) -> None:
    async with machines.server() as server, machines.worker("voice", "--kinds", "synthesize"):
        async with machines.worker("trainer", "--kinds", "train"):
            job = await until_it_is_over(server, await begin(server))
            assert job["status"] == "completed", job
        voice = job["result"]["voice_id"]
        said = {"language": "en-US", "project": "demo"}
        assert await synthesize(server, "hello", voice=voice, **said)
        deleted = await server.client.delete(f"{VOICE}/voices/{voice}")
        assert deleted.status_code == 204, deleted.text
        gone = await server.client.post(
            f"{VOICE}/synthesize", json={"text": "something else", "voice": voice, **said}
        )
        assert gone.status_code == 422, gone.text
