"""The training half of the API reference, row by row."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from typing import Any

import httpx
import pytest

from tests.api.conftest import VOICE, Serve, Server
from tests.recordings import recordings

TRAINING = """
enable = ["mock", "espeak"]
[providers.mock]
use = "mock"
{options}
[routes]
recognize = ["mock"]
synthesize = ["mock", "espeak"]
intents = ["mock"]
train = "mock"
[projects.demo]
origins = ["https://shop.example"]
"""
FORM = "multipart/form-data"
WAITED_S = 30.0


def deployment(options: str = "") -> str:
    return TRAINING.replace("{options}", options)


@pytest.fixture
async def server(serve: Serve) -> AsyncIterator[Server]:
    async with serve(deployment()) as running:
        yield running


def files(*contents: bytes, name: str = "sample.wav") -> list[tuple[str, tuple[str, bytes, str]]]:
    return [("files", (f"{number}-{name}", data, "audio/wav")) for number, data in enumerate(contents, 1)]


async def upload(
    client: httpx.AsyncClient, contents: Sequence[bytes], project: str = "demo", **options: Any
) -> httpx.Response:
    return await client.post(f"{VOICE}/samples", data={"project": project}, files=files(*contents), **options)


async def train(client: httpx.AsyncClient, project: str = "demo", **fields: str) -> dict[str, Any]:
    response = await client.post(f"{VOICE}/train", data={"project": project, **fields})
    assert response.status_code == 200, response.text
    job: dict[str, Any] = response.json()["job"]
    return job


async def ended(client: httpx.AsyncClient, job: dict[str, Any], **options: Any) -> list[dict[str, Any]]:
    """Follow a job by its events to its end, and give each state of it."""
    async with (
        asyncio.timeout(WAITED_S),
        client.stream("GET", f"{VOICE}/jobs/{job['id']}/events", **options) as response,
    ):
        assert response.headers["Content-Type"].startswith("text/event-stream")
        lines = [line async for line in response.aiter_lines()]
    return [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: ")]


async def test_samples_are_uploaded_listed_and_deleted(server: Server) -> None:
    uploaded = await upload(server.client, recordings()[:2])
    assert uploaded.status_code == 200, uploaded.text
    first, second = uploaded.json()["samples"]
    assert {key: first[key] for key in ("project", "filename", "content_type", "size_bytes", "usable")} == {
        "project": "demo",
        "filename": "1-sample.wav",
        "content_type": "audio/wav",
        "size_bytes": len(recordings()[0]),
        "usable": True,
    }
    assert first["file_id"] != second["file_id"]
    assert first["duration_seconds"] > 2
    assert first["uploaded_at"] > 1_700_000_000.0
    listed = await server.client.get(f"{VOICE}/samples", params={"project": "demo"})
    assert listed.json() == uploaded.json()
    deleted = await server.client.delete(f"{VOICE}/samples/{first['id']}")
    assert deleted.status_code == 200
    assert deleted.json() == {"samples": [second]}
    assert (await server.client.delete(f"{VOICE}/samples/{first['id']}")).status_code == 404


async def test_a_voice_is_trained_and_speaks(server: Server) -> None:
    await upload(server.client, recordings()[:3])
    job = await train(server.client, name="Anna", language="en-US")
    assert (job["status"], job["progress"], job["message"]) == ("queued", 0.0, "Job queued")
    states = await ended(server.client, job)
    progress = [state["progress"] for state in states]
    assert progress == sorted(progress)
    last = states[-1]
    assert (last["status"], last["progress"], last["message"]) == ("completed", 100.0, "Training completed")
    assert last["created_at"] <= last["started_at"] <= last["finished_at"]
    assert last["result"]["metrics"]["steps"] == list(range(1, 11))
    listed = (await server.client.get(f"{VOICE}/voices", params={"project": "demo"})).json()["voices"]
    (voice,) = [voice for voice in listed if voice["trained"]]
    assert (voice["id"], voice["name"], voice["provider"]) == (last["result"]["voice_id"], "Anna", "mock")
    said = {"text": "hello", "voice": voice["id"], "language": "en-US"}
    for body in (said, {**said, "project": "demo"}):
        spoken = await server.client.post(f"{VOICE}/synthesize", json=body)
        assert (spoken.status_code, spoken.json().get("provider")) == (202, "mock"), spoken.text
        audio = await server.client.get(spoken.json()["audio_url"])
        assert audio.status_code == 200
