"""The training half of the API reference, row by row."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from typing import Any

import httpx
import pytest
from glottis.core.audio import encode_clip
from glottis.plugins import AudioFrame

from tests.recordings import clips, recordings

from .both_engines import serve_by_either_engine
from .conftest import PASSWORD, VOICE, Serve, Server

__all__ = ["serve_by_either_engine"]  # pytest finds it here

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


@pytest.mark.parametrize(
    ("contents", "status", "detail"),
    [
        ([b""], 400, "files: 1-sample.wav is empty"),
        ([b"\x89PNG\r\n\x1a\n" + bytes(100)], 415, "files: 1-sample.wav: this is a PNG image, not audio"),
        ([b"RIFF????WAVEfmt " + bytes(10)], 415, "files: 1-sample.wav: "),
        ([bytes(3_000)], 413, "files: 1-sample.wav has more than 2000 bytes"),
        ([], 400, "files: at least one is required"),
    ],
)
async def test_what_is_no_sample_is_refused(
    serve: Serve, contents: list[bytes], status: int, detail: str
) -> None:
    async with serve(deployment(), sample_max_bytes=2_000) as server:
        form = {"files": files(*contents)} if contents else {"files": {"other": ("x", b"x")}}
        response = await server.client.post(f"{VOICE}/samples", data={"project": "demo"}, **form)
        assert response.status_code == status, response.text
        assert response.json()["detail"].startswith(detail)


async def test_one_bad_file_keeps_all_others_out(server: Server) -> None:
    refused = await upload(server.client, [recordings()[0], b"this is text", recordings()[1]])
    assert refused.status_code == 415
    assert refused.json()["detail"].startswith("files: 2-sample.wav: this is text, not audio")
    assert (await server.client.get(f"{VOICE}/samples")).json() == {"samples": []}


async def test_the_same_file_twice_is_one_sample(server: Server) -> None:
    both = await upload(server.client, [recordings()[0], recordings()[0]])
    again = await upload(server.client, [recordings()[0], recordings()[1]])
    assert len(both.json()["samples"]) == 1
    assert [sample["id"] for sample in again.json()["samples"]][:1] == [both.json()["samples"][0]["id"]]
    assert len(again.json()["samples"]) == 2


async def test_a_sample_without_speech_says_what_is_wrong_with_it(server: Server) -> None:
    silent = encode_clip(AudioFrame(bytes(16_000), 16_000), "wav")
    russian = {"Accept-Language": "ru-RU,ru;q=0.9"}
    (sample,) = (await upload(server.client, [silent], headers=russian)).json()["samples"]
    assert not sample["usable"]
    assert sample["problems"] == ["Запись короче 1 с", "Речь занимает лишь 0 % записи"]
    refused = await server.client.post(f"{VOICE}/train", data={"project": "demo"})
    assert refused.status_code == 400
    assert refused.json() == {"detail": "project: 3 more usable samples are needed: it has 0 of at least 3"}


async def test_a_project_is_required_where_something_is_changed(server: Server) -> None:
    for answer in (
        await server.client.post(f"{VOICE}/samples", files=files(recordings()[0])),
        await server.client.post(f"{VOICE}/train", data={"name": "Anna"}),
    ):
        assert (answer.status_code, answer.json()) == (400, {"detail": "project_required"})


async def test_a_form_that_is_none_is_refused(server: Server) -> None:
    as_json = await server.client.post(f"{VOICE}/samples", json={"project": "demo"})
    assert as_json.status_code == 400
    headers = {"Content-Type": f"{FORM}; boundary=x"}
    broken = await server.client.post(f"{VOICE}/samples", content=b"--x\r\nno header", headers=headers)
    assert broken.status_code == 400
    wrong = await server.client.post(f"{VOICE}/train", data={"project": "demo", "language": "?"})
    assert (wrong.status_code, wrong.json()["detail"].partition(":")[0]) == (422, "language")


@pytest.mark.parametrize("begun", [b"", b"--x\r\nX: ", b'--x\r\nContent-Disposition: form-data; name="'])
async def test_what_is_before_the_content_of_a_form_is_not_kept_in_memory_for_ever(
    server: Server, begun: bytes
) -> None:
    headers = {"Content-Type": f"{FORM}; boundary=x"}
    endless = begun + bytes(2_000_000) + b'"\r\n\r\nabc\r\n--x--\r\n'
    refused = await server.client.post(f"{VOICE}/samples", content=endless, headers=headers)
    assert (refused.status_code, refused.json()["detail"]) == (413, "the request is too large")


async def test_a_project_trains_one_voice_at_a_time_and_it_can_be_cancelled(serve: Serve) -> None:
    async with serve(deployment("training_hangs_at = 50")) as server:
        await upload(server.client, recordings()[:3])
        job = await train(server.client)
        assert (await train(server.client))["id"] == job["id"]
        await upload(server.client, recordings()[:3], project="other")
        assert (await train(server.client, "other"))["id"] != job["id"]
        used = (await server.client.get(f"{VOICE}/samples", params={"project": "demo"})).json()["samples"]
        kept = await server.client.delete(f"{VOICE}/samples/{used[0]['id']}")
        assert kept.status_code == 400
        following = asyncio.create_task(ended(server.client, job))
        russian = {"Accept-Language": "ru"}
        cancelled = await server.client.post(f"{VOICE}/jobs/{job['id']}/cancel", headers=russian)
        assert (cancelled.json()["job"]["status"], cancelled.json()["job"]["message"]) == (
            "cancelled",
            "Обучение отменено",
        )
        async with asyncio.timeout(2):
            assert (await following)[-1]["status"] == "cancelled"
        again = await server.client.post(f"{VOICE}/jobs/{job['id']}/cancel")
        assert again.json()["job"]["status"] == "cancelled"
        assert (await train(server.client))["id"] != job["id"]


async def test_jobs_are_listed_newest_first_and_the_newest_is_the_status(server: Server) -> None:
    none = await server.client.get(f"{VOICE}/status", params={"project": "demo"})
    assert none.json() == {"job": None}
    await upload(server.client, recordings()[:3])
    made = []
    for _ in range(3):
        job = await train(server.client)
        await ended(server.client, job)
        made.append(job["id"])
    listed = (await server.client.get(f"{VOICE}/jobs", params={"project": "demo"})).json()["jobs"]
    assert [job["id"] for job in listed] == made[::-1]
    two = (await server.client.get(f"{VOICE}/jobs", params={"limit": 2})).json()["jobs"]
    assert two == listed[:2]
    status = await server.client.get(f"{VOICE}/status", params={"project": "demo"})
    assert status.json() == {"job": listed[0]}
    assert (await server.client.get(f"{VOICE}/jobs/{made[0]}")).json() == {"job": listed[2]}
    for limit in ("0", "26", "x"):
        assert (await server.client.get(f"{VOICE}/jobs", params={"limit": limit})).status_code == 422


async def test_a_failed_training_says_why(serve: Serve) -> None:
    async with serve(deployment("training_fails_at = 30"), training_attempts=2) as server:
        await upload(server.client, recordings()[:3])
        states = await ended(server.client, await train(server.client))
        last = states[-1]
        reason = "Training failed: this mock is set up to fail at 30 %"
        assert (last["status"], last["message"]) == ("failed", reason)
        assert last["attempt"] == 2
        assert last["progress"] > 20


async def test_projects_are_walls_for_samples_jobs_and_voices(serve: Serve) -> None:
    users = {"anna": ("demo",), "boris": ("other",)}
    async with serve(deployment(), users=users) as server:
        anna: dict[str, Any] = {"auth": ("anna", PASSWORD)}
        boris: dict[str, Any] = {"auth": ("boris", PASSWORD)}
        client = server.client
        uploaded = await upload(client, recordings()[:3], **anna)
        sample = uploaded.json()["samples"][0]["id"]
        job = (await client.post(f"{VOICE}/train", data={"project": "demo"}, **anna)).json()["job"]
        voice = (await ended(client, job, **anna))[-1]["result"]["voice_id"]
        said = {"text": "hello", "voice": voice, "project": "other"}
        refused = [
            await upload(client, recordings()[:1], **boris),
            await client.get(f"{VOICE}/samples", params={"project": "demo"}, **boris),
            await client.delete(f"{VOICE}/samples/{sample}", **boris),
            await client.post(f"{VOICE}/train", data={"project": "demo"}, **boris),
            await client.get(f"{VOICE}/status", params={"project": "demo"}, **boris),
            await client.get(f"{VOICE}/jobs/{job['id']}", **boris),
            await client.get(f"{VOICE}/jobs/{job['id']}/events", **boris),
            await client.post(f"{VOICE}/jobs/{job['id']}/cancel", **boris),
            await client.delete(f"{VOICE}/voices/{voice}", **boris),
        ]
        assert [answer.status_code for answer in refused] == [404] * len(refused)
        assert (await client.get(f"{VOICE}/jobs", **boris)).json() == {"jobs": []}
        assert (await client.get(f"{VOICE}/samples", **boris)).json() == {"samples": []}
        assert (await client.post(f"{VOICE}/synthesize", json=said, **boris)).status_code == 422
        listed = (await client.get(f"{VOICE}/voices", params={"project": "other"}, **boris)).json()["voices"]
        assert not any(each["trained"] for each in listed)
        assert (await client.get(f"{VOICE}/samples")).status_code == 401
        foreign = {"Origin": "https://elsewhere.example"}
        crossed = await client.get(f"{VOICE}/samples", params={"project": "demo"}, headers=foreign, **anna)
        assert crossed.status_code == 403


async def test_a_deleted_voice_is_gone(server: Server) -> None:
    await upload(server.client, recordings()[:3])
    voice = (await ended(server.client, await train(server.client)))[-1]["result"]["voice_id"]
    said = {"text": "hello again", "voice": voice, "project": "demo"}
    assert (await server.client.post(f"{VOICE}/synthesize", json=said)).status_code == 202
    assert (await server.client.delete(f"{VOICE}/voices/{voice}")).status_code == 204
    assert (await server.client.delete(f"{VOICE}/voices/{voice}")).status_code == 404
    said["text"] = "and again"
    assert (await server.client.post(f"{VOICE}/synthesize", json=said)).status_code == 422
    listed = (await server.client.get(f"{VOICE}/voices", params={"project": "demo"})).json()["voices"]
    assert not any(each["trained"] for each in listed)


async def test_conversations_of_a_project_hear_of_its_training_in_their_language(server: Server) -> None:
    await upload(server.client, recordings()[:3])
    session = await server.start_session(language="ru-RU")
    other = await server.start_session(project="other")
    async with (
        server.websocket(session["session_id"]) as websocket,
        server.websocket(other["session_id"]) as elsewhere,
    ):
        await websocket.recv()
        job = await train(server.client)
        told: list[dict[str, Any]] = []
        async with asyncio.timeout(WAITED_S):
            while not told or told[-1]["job"]["status"] != "completed":
                message = json.loads(await websocket.recv())
                if message["type"] == "training":
                    told.append(message)
        assert {message["job"]["id"] for message in told} == {job["id"]}
        assert told[-1]["job"]["message"] == "Обучение завершено"
        await elsewhere.send(json.dumps({"type": "ping"}))
        kinds = []
        while "pong" not in kinds:
            kinds.append(json.loads(await elsewhere.recv())["type"])
        assert "training" not in kinds


async def test_a_session_and_a_project_may_speak_with_a_trained_voice(serve: Serve) -> None:
    async with serve(deployment()) as server:
        await upload(server.client, recordings()[:3])
        voice = (await ended(server.client, await train(server.client)))[-1]["result"]["voice_id"]
        session = await server.start_session(voice_preference={"voice_id": voice})
        body = {"session_id": session["session_id"], "project": "demo", "text": "Привет!"}
        answer = await server.client.post(f"{VOICE}/dialog/respond", json=body)
        assert answer.json()["audio_url"] is not None
    chosen = f'{deployment()}\n[projects.demo.voices.en]\nvoice = "{voice}"\n'
    async with serve(chosen) as server:
        said = {"text": "hello", "project": "demo", "language": "en-US"}
        spoken = await server.client.post(f"{VOICE}/synthesize", json=said)
        assert (spoken.status_code, spoken.json()["provider"]) == (202, "mock")


async def test_an_upload_streams_to_disk_and_a_file_may_be_as_large_as_is_allowed(server: Server) -> None:
    clip = clips()[0]
    large = encode_clip(AudioFrame(clip.pcm * 60, clip.rate_hz), "wav")
    assert len(large) > 8 * 1024 * 1024
    (sample,) = (await upload(server.client, [large])).json()["samples"]
    assert sample["size_bytes"] == len(large)
    assert sample["duration_seconds"] == pytest.approx(60 * clip.duration_s, abs=0.01)


async def test_without_a_backend_nothing_is_trained(serve: Serve) -> None:
    async with serve() as server:
        await upload(server.client, recordings()[:3])
        refused = await server.client.post(f"{VOICE}/train", data={"project": "demo"})
        assert refused.status_code == 422


async def test_a_job_whose_workers_die_again_and_again_has_failed(serve: Serve) -> None:
    async with serve(deployment(), training_slots=0) as server:
        await upload(server.client, recordings()[:3])
        job = await train(server.client)
        for _ in range(4):
            dead = await server.platform.store.jobs.claim(node="dead", backends=["mock"], lease_s=0.0)
            assert dead is not None
    async with serve(deployment(), training_attempts=4) as server:
        last = (await ended(server.client, job))[-1]
        reason = "Training failed: it broke off 4 times in a row without getting further"
        assert (last["status"], last["message"]) == ("failed", reason)


async def test_a_backend_that_hangs_has_failed(serve: Serve) -> None:
    options = "training_hangs_at = 50"
    async with serve(deployment(options), training_stall_s=0.5, training_attempts=1) as server:
        await upload(server.client, recordings()[:3])
        last = (await ended(server.client, await train(server.client)))[-1]
        assert (last["status"], last["message"]) == ("failed", "Training failed: mock took too long")
