"""Cloning a voice: what is sent, what is remembered, and what becomes of a training that was left."""

import asyncio
import io
import json
import logging
import shutil
import wave
from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any

import httpx
import pytest
from glottis.plugins import (
    AudioFrame,
    ErrorCategory,
    Progress,
    ProviderError,
    SynthesisOptions,
    TrainedVoice,
    TrainingJob,
    TrainingSample,
    TrainingStage,
)
from glottis.plugins.conformance.scripted import ScriptedTools

C = ErrorCategory
RATE_HZ = 44_100
JOB = "0f" * 16
NAME = f"Glottis demo {JOB}"
EMPTY = {"voices": [], "has_more": False, "total_count": 0}
MADE = {"voice_id": "c38kUX8pkfYO2kHyqfFy", "requires_verification": False}


def sample(seconds: float, number: int = 1) -> TrainingSample:
    pcm = number.to_bytes(2, "little") * round(seconds * RATE_HZ)
    return TrainingSample(f"sample-{number}", AudioFrame(pcm, RATE_HZ))


SAMPLES = (sample(2.0, 1), sample(3.0, 2), sample(2.5, 3))


@pytest.fixture
def job(tmp_path: Path) -> TrainingJob:
    work_dir = tmp_path / "work"
    work_dir.mkdir()
    return TrainingJob(JOB, "demo", "ru-RU", work_dir, ScriptedTools())


async def train(provider: Any, job: TrainingJob, samples: Any = SAMPLES) -> list[Progress]:
    async with aclosing(provider.train(samples, job)) as steps:
        return [step async for step in steps]


async def failure_of(provider: Any, job: TrainingJob, samples: Any = SAMPLES) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        await train(provider, job, samples)
    return caught.value


def paths(vendor: Any) -> list[str]:
    return [f"{request.method} {request.url.path}" for request in vendor.requests]


def uploaded(request: httpx.Request) -> list[bytes]:
    """Give the files of a multipart body, in their order."""
    boundary = request.headers["content-type"].partition("boundary=")[2].encode()
    parts = request.content.split(b"--" + boundary)
    return [part.partition(b"\r\n\r\n")[2][:-2] for part in parts if b'name="files"; filename=' in part]


def seconds_of(file: bytes) -> float:
    with wave.open(io.BytesIO(file)) as reader:
        assert (reader.getnchannels(), reader.getsampwidth(), reader.getframerate()) == (1, 2, RATE_HZ)
        frames: int = reader.getnframes()
        return frames / RATE_HZ


def answers(*more: httpx.Response | Exception) -> list[httpx.Response | Exception]:
    return [httpx.Response(200, json=EMPTY), *more]


async def test_a_training_is_one_upload_in_the_published_shape(
    trainer: Any, vendor: Any, form: Any, job: TrainingJob, key: str
) -> None:
    vendor.answer(*answers(httpx.Response(200, json=MADE)))
    steps = await train(await trainer(), job)
    assert paths(vendor) == ["GET /v2/voices", "POST /v1/voices/add"]
    request = vendor.requests[1]
    assert request.headers["xi-api-key"] == key
    fields = {name: part.get_payload() for name, part in form(request).items() if name != "files"}
    assert json.loads(fields.pop("labels")) == {"language": "ru"}
    assert "Glottis" in fields.pop("description")
    assert fields == {"name": NAME, "remove_background_noise": "false"}
    assert [seconds_of(file) for file in uploaded(request)] == [3.0, 2.5, 2.0]
    assert steps[-1].voice == TrainedVoice(
        "c38kUX8pkfYO2kHyqfFy",
        None,
        {"samples": 3, "samples_left_out": 0, "speech_s": 7.5, "requires_verification": False},
        steps[-1].voice.languages if steps[-1].voice else (),
    )
    assert [step.percent for step in steps] == [5.0, 5.0, 90.0, 100.0]


async def test_a_clone_speaks_the_job_s_language_and_the_others_of_the_model(
    trainer: Any, vendor: Any, job: TrainingJob
) -> None:
    vendor.answer(*answers(httpx.Response(200, json=MADE)))
    provider = await trainer(model_id="eleven_flash_v2_5")
    voice = (await train(provider, job))[-1].voice
    assert voice is not None
    assert voice.languages[0] == "ru-RU"
    assert {"en", "zh"} <= set(voice.languages)
    assert "ru" not in voice.languages
    assert provider.capabilities.languages >= {"ru", "en"}


async def test_noise_is_removed_where_that_is_asked_for(
    trainer: Any, vendor: Any, form: Any, job: TrainingJob
) -> None:
    vendor.answer(*answers(httpx.Response(200, json=MADE)))
    await train(await trainer(remove_background_noise=True), job)
    assert form(vendor.requests[1])["remove_background_noise"].get_payload() == "true"


async def test_three_minutes_are_enough_and_the_longest_are_sent(
    trainer: Any, vendor: Any, job: TrainingJob
) -> None:
    samples = tuple(sample(seconds, number) for number, seconds in enumerate((20, 100, 90, 60), 1))
    vendor.answer(*answers(httpx.Response(200, json=MADE)))
    voice = (await train(await trainer(), job, samples))[-1].voice
    assert [seconds_of(file) for file in uploaded(vendor.requests[1])] == [100, 90]
    assert voice is not None
    assert voice.metrics["samples_left_out"] == 2


async def test_no_more_files_are_sent_than_a_voice_may_have(
    trainer: Any, vendor: Any, job: TrainingJob
) -> None:
    samples = tuple(sample(1.0 + number / 100, number) for number in range(1, 31))
    vendor.answer(*answers(httpx.Response(200, json=MADE)))
    await train(await trainer(), job, samples)
    assert len(uploaded(vendor.requests[1])) == 25


async def test_a_recording_that_comes_twice_is_sent_once(trainer: Any, vendor: Any, job: TrainingJob) -> None:
    vendor.answer(*answers(httpx.Response(200, json=MADE)))
    await train(await trainer(), job, (SAMPLES[0], TrainingSample("again", SAMPLES[0].audio)))
    assert len(uploaded(vendor.requests[1])) == 1


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (sample(0.9), "Too short"),
        (sample(5.0, 0), "no sound"),
        (sample(113.5), "Longer than 113 seconds"),
        (sample(113.0), ""),
        (sample(1.0), ""),
    ],
)
async def test_a_verdict_is_by_what_elevenlabs_takes(
    trainer: Any, given: TrainingSample, reason: str
) -> None:
    verdict = await (await trainer()).validate(given)
    assert verdict.usable is not bool(reason)
    assert reason in verdict.reason


async def test_samples_of_which_none_can_be_sent_ask_nothing_of_elevenlabs(
    trainer: Any, vendor: Any, job: TrainingJob
) -> None:
    assert (await failure_of(await trainer(), job, (sample(0.5),))).category is C.INVALID_REQUEST
    assert vendor.requests == []


async def test_a_voice_that_was_made_before_a_kill_is_not_made_again(
    trainer: Any, vendor: Any, job: TrainingJob, tmp_path: Path
) -> None:
    vendor.answer(*answers(httpx.Response(200, json=MADE)))
    provider, saved = await trainer(), tmp_path / "saved"
    async with aclosing(provider.train(SAMPLES, job)) as steps:
        async for step in steps:
            if step.is_checkpoint:
                shutil.copytree(job.work_dir, saved)
                break
    vendor.answer(httpx.Response(200, json={"voice_id": MADE["voice_id"], "name": NAME}))
    vendor.requests.clear()
    again = await train(provider, TrainingJob(JOB, "demo", "ru-RU", saved, ScriptedTools(), 2))
    assert paths(vendor) == ["GET /v1/voices/c38kUX8pkfYO2kHyqfFy"]
    assert again[0].percent == 90.0
    assert again[-1].voice is not None
    assert again[-1].voice.voice_id == MADE["voice_id"]


@pytest.mark.usefixtures("imitation")
async def test_a_process_that_died_before_it_knew_the_voice_leaves_it_to_be_found_by_its_name(
    trainer: Any, account: Any, job: TrainingJob
) -> None:
    account.clones["other"] = {"voice_id": "other", "name": f"Glottis demo {'1e' * 16}"}
    account.clones["lost"] = {"voice_id": "lost", "name": NAME}
    voice = (await train(await trainer(), job))[-1].voice
    assert voice is not None
    assert voice.voice_id == "lost"
    assert account.made == 0


@pytest.mark.parametrize(
    "broken",
    [httpx.ReadTimeout("late"), httpx.RemoteProtocolError("cut"), httpx.Response(500, json={"detail": None})],
)
async def test_a_voice_whose_answer_never_came_is_found_in_the_next_attempt(
    trainer: Any, vendor: Any, job: TrainingJob, broken: httpx.Response | Exception
) -> None:
    listed = {"voices": [{"voice_id": "made", "name": NAME}], "has_more": False, "total_count": 1}
    vendor.answer(*answers(broken, httpx.Response(200, json=listed)))
    provider = await trainer()
    assert (await failure_of(provider, job)).category in {C.TIMEOUT, C.UNAVAILABLE}
    voice = (await train(provider, job))[-1].voice
    assert voice is not None
    assert voice.voice_id == "made"
    assert paths(vendor).count("POST /v1/voices/add") == 1


@pytest.mark.usefixtures("imitation")
async def test_a_voice_that_was_deleted_meanwhile_is_made_anew_without_falling_back(
    trainer: Any, account: Any, job: TrainingJob
) -> None:
    provider = await trainer()
    await train(provider, job)
    account.clones.clear()
    steps = await train(provider, job)
    assert account.made == 2
    assert {step.percent for step in steps} == {90.0, 100.0}
    stages = [list(TrainingStage).index(step.stage) for step in steps]
    assert stages == sorted(stages)


@pytest.mark.usefixtures("imitation")
@pytest.mark.parametrize("note", ["", "[]", '{"voice_id": 7}', '{"voice_id": "../user"}', '{"voice'])
async def test_a_note_that_cannot_be_read_counts_for_nothing(
    trainer: Any, account: Any, job: TrainingJob, note: str
) -> None:
    (job.work_dir / "voice.json").write_text(note)
    assert (await train(await trainer(), job))[-1].voice is not None
    assert account.made == 1


@pytest.mark.parametrize(
    ("status", "code", "category", "said"),
    [
        (401, "invalid_api_key", C.AUTHENTICATION, "credentials"),
        (401, "missing_permissions", C.AUTHORIZATION, "not allowed"),
        (401, "quota_exceeded", C.QUOTA, "credits"),
        (400, "can_not_use_instant_voice_cloning", C.QUOTA, "plan"),
        (402, "paid_plan_required", C.QUOTA, "plan"),
        (400, "voice_limit_reached", C.QUOTA, "no room for another voice"),
        (400, "voice_add_edit_limit_reached", C.QUOTA, "this month"),
        (400, "invalid_audio", C.INVALID_REQUEST, "invalid_audio"),
        (413, "", C.INVALID_REQUEST, "refused"),
        (429, "too_many_concurrent_requests", C.RATE_LIMITED, "too often"),
        (500, "", C.UNAVAILABLE, "out of order"),
        (503, "", C.UNAVAILABLE, "out of order"),
        (504, "", C.TIMEOUT, "in time"),
    ],
)
async def test_a_refused_upload_has_its_category_and_says_why(
    trainer: Any, vendor: Any, job: TrainingJob, status: int, code: str, category: C, said: str
) -> None:
    refusal = httpx.Response(status, json={"detail": {"status": code, "message": "In the vendor's words."}})
    vendor.answer(*answers(refusal))
    error = await failure_of(await trainer(), job)
    assert error.category is category
    assert said in error.public_message
    assert not (job.work_dir / "voice.json").exists()


async def test_findings_of_a_422_are_an_invalid_request(trainer: Any, vendor: Any, job: TrainingJob) -> None:
    finding = {"loc": ["body", "files"], "msg": "Field required", "type": "missing", "input": "secret"}
    vendor.answer(*answers(httpx.Response(422, json={"detail": [finding]})))
    error = await failure_of(await trainer(), job)
    assert error.category is C.INVALID_REQUEST
    assert "secret" not in str(error)


async def test_the_wait_that_is_asked_for_is_passed_on(trainer: Any, vendor: Any, job: TrainingJob) -> None:
    busy = httpx.Response(429, json={"detail": {"status": "system_busy"}}, headers={"Retry-After": "7"})
    vendor.answer(*answers(busy))
    assert (await failure_of(await trainer(), job)).retry_after_s == 7.0


@pytest.mark.parametrize("body", [b"", b"no json", b"{}", b'{"voice_id": "a/../b"}'])
async def test_an_answer_that_names_no_voice_is_an_internal_error(
    trainer: Any, vendor: Any, job: TrainingJob, body: bytes
) -> None:
    vendor.answer(*answers(httpx.Response(200, content=body)))
    assert (await failure_of(await trainer(), job)).category is C.INTERNAL


async def test_the_upload_has_a_time_limit_of_its_own(trainer: Any, vendor: Any, job: TrainingJob) -> None:
    vendor.answer(*answers(httpx.Response(200, json=MADE)))
    await train(await trainer(training_timeout_s=77, connect_timeout_s=3, read_timeout_s=9), job)
    limits = [request.extensions["timeout"]["read"] for request in vendor.requests]
    assert limits == [9, 77]
    assert vendor.requests[1].extensions["timeout"]["connect"] == 3


async def test_a_voice_to_be_verified_is_told(
    trainer: Any, vendor: Any, job: TrainingJob, caplog: pytest.LogCaptureFixture
) -> None:
    vendor.answer(*answers(httpx.Response(200, json={**MADE, "requires_verification": True})))
    with caplog.at_level(logging.WARNING):
        voice = (await train(await trainer(), job))[-1].voice
    assert voice is not None
    assert voice.metrics["requires_verification"] is True
    assert "verified" in caplog.text


async def test_a_voice_that_is_found_says_whether_it_was_verified(
    trainer: Any, vendor: Any, job: TrainingJob
) -> None:
    asked = {"requires_verification": True, "is_verified": False}
    voices = [{"voice_id": "made", "name": NAME, "voice_verification": asked}]
    vendor.answer(httpx.Response(200, json={"voices": voices, "has_more": False}))
    voice = (await train(await trainer(), job))[-1].voice
    assert voice is not None
    assert voice.metrics["requires_verification"] is True


async def test_the_key_is_in_no_log_and_no_error_of_a_training(
    trainer: Any, vendor: Any, job: TrainingJob, key: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    request = httpx.Request("POST", "https://api.elevenlabs.io/", headers={"xi-api-key": key})
    vendor.answer(*answers(httpx.WriteTimeout(f"late {key}", request=request)))
    error = await failure_of(await trainer(), job)
    assert error.__cause__ is None
    assert error.__context__ is None
    logged = "".join(f"{record.getMessage()} {vars(record)}" for record in caplog.records)
    assert key not in logged + repr(error)


async def test_cancelling_an_upload_lets_go_of_it_at_once(
    trainer: Any, job: TrainingJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    is_asked, is_gone = asyncio.Event(), asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        if head.startswith(b"GET"):
            body = json.dumps(EMPTY).encode()
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
            await reader.readuntil(b"\r\n\r\n")
        is_asked.set()
        while await reader.read(65_536):
            pass
        is_gone.set()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server, asyncio.timeout(10):
        port = server.sockets[0].getsockname()[1]
        task = asyncio.create_task(train(await trainer(base_url=f"http://127.0.0.1:{port}"), job))
        await is_asked.wait()
        task.cancel()
        await asyncio.wait({task})
        await is_gone.wait()
    assert task.cancelled()
    assert not (job.work_dir / "voice.json").exists()


@pytest.mark.usefixtures("imitation")
async def test_a_trained_voice_is_spoken_but_listed_for_nobody_and_gone_once_it_is_deleted(
    trainer: Any, speaker: Callable[..., Any], account: Any, job: TrainingJob
) -> None:
    backend, synthesizer = await trainer(), await speaker()
    voice = (await train(backend, job))[-1].voice
    assert voice is not None
    await synthesizer.install(voice)
    options = SynthesisOptions(voice=voice.voice_id, language="ru-RU")
    assert [frame async for frame in synthesizer.synthesize("Привет.", options)]
    assert voice.voice_id not in {each.id for each in await synthesizer.voices()}
    await backend.delete(TrainedVoice(voice.voice_id))
    await synthesizer.remove(voice.voice_id)
    assert account.clones == {}
    with pytest.raises(ProviderError) as caught:
        await anext(synthesizer.synthesize("Привет.", options))
    assert caught.value.category is C.INVALID_REQUEST
