"""Recognition, synthesis and audio, through HTTP."""

import asyncio
import base64
from typing import Any

import numpy as np
import pytest
from glottis.core.audio import decode, encode_clip, level_dbfs
from glottis.plugins import AudioFrame, ErrorCategory, ProviderError, VoiceInfo, silence
from glottis.plugins.conformance import ScriptedSynthesizer, tone

from .conftest import MOCK, VOICE, Serve, Server

PNG = b"\x89PNG\r\n\x1a\n" + bytes(100)


def as_base64(audio: bytes) -> str:
    return base64.b64encode(audio).decode()


async def synthesize(server: Server, **body: Any) -> dict[str, Any]:
    response = await server.client.post(f"{VOICE}/synthesize", json={"language": "en-US", **body})
    assert response.status_code == 202, response.text
    answer: dict[str, Any] = response.json()
    return answer


async def test_what_is_spoken_is_heard_back(server: Server) -> None:
    spoken = await synthesize(server, text="Hello world")
    audio = (await server.client.get(spoken["audio_url"])).content
    body = {"audio_base64": as_base64(audio), "language": "en-US"}
    heard = (await server.client.post(f"{VOICE}/recognize", json=body)).json()
    assert (heard["text"], heard["language"], heard["provider"]) == ("Hello world", "en-US", "mock")
    assert 0 < heard["confidence"] <= 1
    assert heard["processing_time_ms"] > 0
    assert heard["alternatives"] is None


async def test_a_hint_is_taken_as_what_was_said(server: Server) -> None:
    body = {"text_hint": "Привет", "audio_base64": "!!!"}
    heard = await server.client.post(f"{VOICE}/recognize", json=body)
    assert heard.status_code == 200
    assert (heard.json()["text"], heard.json()["language"]) == ("Привет", "ru-RU")


@pytest.mark.parametrize(
    ("body", "status", "detail"),
    [
        ({}, 422, "audio_base64 or text_hint is required"),
        ({"audio_base64": "", "text_hint": ""}, 422, "is required"),
        ({"audio_base64": "not base64!"}, 400, "base64"),
        ({"audio_base64": as_base64(PNG)}, 415, "PNG"),
        ({"audio_base64": as_base64(b"just some text, no audio at all")}, 415, ""),
        ({"audio_base64": as_base64(b"RIFF\x00\x00")}, 415, ""),
        ({"text_hint": "x", "language": "??"}, 422, "language"),
        ({"audio_base64": as_base64(encode_clip(tone(1), "wav")), "provider": "none"}, 422, "provider"),
    ],
)
async def test_what_cannot_be_recognized_is_refused(
    server: Server, body: dict[str, Any], status: int, detail: str
) -> None:
    response = await server.client.post(f"{VOICE}/recognize", json=body)
    assert response.status_code == status, response.text
    assert detail in response.json()["detail"]


async def test_silence_is_heard_as_nothing(server: Server) -> None:
    wav = encode_clip(silence(1.0, rate_hz=16_000), "wav")
    heard = await server.client.post(f"{VOICE}/recognize", json={"audio_base64": as_base64(wav)})
    assert (heard.status_code, heard.json()["text"]) == (200, "")


async def test_too_much_audio_is_refused(serve: Serve) -> None:
    async with serve(audio_max_bytes=2_048, max_body_bytes=20_000) as server:
        body = {"audio_base64": as_base64(bytes(4_096))}
        refused = await server.client.post(f"{VOICE}/recognize", json=body)
        assert refused.status_code == 413
        body = {"audio_base64": as_base64(bytes(40_000))}
        refused = await server.client.post(f"{VOICE}/recognize", json=body)
        assert (refused.status_code, refused.json()["detail"]) == (413, "the request is too large")


async def test_only_audio_may_make_a_body_large(server: Server) -> None:
    # Reading it would keep every other request waiting for seconds.
    body = {"text": "hello", "project": "demo", "options": {"numbers": [1] * 600_000}}
    for path in ("synthesize", "dialog/intent", "dialog/respond", "session/start"):
        refused = await server.client.post(f"{VOICE}/{path}", json=body)
        assert refused.status_code == 413, path


async def test_raw_pcm_may_be_declared(server: Server) -> None:
    spoken = await synthesize(server, text="Raw", options={"format": "wav"})
    clip = decode((await server.client.get(spoken["audio_url"])).content, max_s=60)
    body = {
        "audio_base64": as_base64(clip.pcm),
        "audio": {"encoding": "pcm16", "sample_rate": clip.rate_hz, "channels": 1},
    }
    assert (await server.client.post(f"{VOICE}/recognize", json=body)).json()["text"] == "Raw"


@pytest.mark.parametrize(
    ("audio_format", "content_type", "magic"),
    [("mp3", "audio/mpeg", b""), ("wav", "audio/wav", b"RIFF"), ("opus", "audio/ogg", b"OggS")],
)
async def test_audio_comes_in_the_format_asked_for_and_as_long_as_it_says(
    server: Server, audio_format: str, content_type: str, magic: bytes
) -> None:
    spoken = await synthesize(server, text="How long is this?", options={"format": audio_format})
    audio = await server.client.get(spoken["audio_url"])
    assert audio.headers["Content-Type"] == content_type
    assert audio.content.startswith(magic)
    assert decode(audio.content, max_s=60).duration_s == pytest.approx(spoken["duration_seconds"], abs=0.15)


async def test_the_second_of_two_equal_requests_is_cached(server: Server) -> None:
    first = await synthesize(server, text="Again")
    second = await synthesize(server, text="Again")
    assert (first["cached"], second["cached"]) == (False, True)
    assert first["audio_url"] == second["audio_url"]


@pytest.mark.parametrize(
    "change",
    [
        {"text": "Other"},
        {"voice": "low"},
        {"language": "ru-RU"},
        {"emotion": "cheerful"},
        {"options": {"speed": 1.5}},
        {"options": {"format": "wav"}},
        {"options": {"pitch": 3}},
        {"project": "demo"},
    ],
)
async def test_whatever_changes_the_sound_or_its_owner_is_another_audio(
    server: Server, change: dict[str, Any]
) -> None:
    plain = await synthesize(server, text="Same")
    changed = await synthesize(server, **{"text": "Same", **change})
    assert changed["cached"] is False
    assert changed["audio_url"] != plain["audio_url"]


async def test_200_parallel_equal_requests_ask_the_provider_once(serve: Serve) -> None:
    gate = asyncio.Event()
    synthesizer = ScriptedSynthesizer((gate, tone(0.3)))
    toml = 'enable = ["test"]\n[routes]\nsynthesize = ["scripted"]'
    async with serve(toml, synthesizer.spec()) as server:
        called = asyncio.create_task(synthesizer.log.wait_for(1))
        called.add_done_callback(lambda _: gate.set())
        answers = await asyncio.gather(*(synthesize(server, text="Once") for _ in range(200)))
    assert len(synthesizer.calls) == 1
    assert sum(not answer["cached"] for answer in answers) == 1
    assert len({answer["audio_url"] for answer in answers}) == 1


async def test_two_nodes_ask_the_provider_once(serve: Serve) -> None:
    synthesizer = ScriptedSynthesizer(tone(0.3))
    toml = 'enable = ["test"]\n[routes]\nsynthesize = ["scripted"]'
    async with (
        serve(toml, synthesizer.spec()) as one,
        serve(toml, synthesizer.spec()) as two,
    ):
        answers = await asyncio.gather(
            *(synthesize(node, text="Across nodes") for node in (one, two) for _ in range(20))
        )
        assert len(synthesizer.calls) == 1
        audio = [await node.client.get(answers[0]["audio_url"]) for node in (one, two)]
        assert audio[0].content == audio[1].content


async def test_a_caller_who_goes_away_does_not_take_the_audio_with_them(serve: Serve) -> None:
    gate = asyncio.Event()
    synthesizer = ScriptedSynthesizer((gate, tone(0.3)))
    toml = 'enable = ["test"]\n[routes]\nsynthesize = ["scripted"]'
    async with serve(toml, synthesizer.spec()) as server:
        leaving = asyncio.create_task(synthesize(server, text="Wait"))
        await synthesizer.log.wait_for(1)
        staying = asyncio.create_task(synthesize(server, text="Wait"))
        leaving.cancel()
        await asyncio.wait({leaving})
        gate.set()
        assert (await staying)["duration_seconds"] == pytest.approx(0.3, abs=0.01)
    assert len(synthesizer.calls) == 1


async def test_the_answer_says_who_spoke_when_the_first_provider_is_down(serve: Serve) -> None:
    down = ScriptedSynthesizer(ProviderError(ErrorCategory.UNAVAILABLE, "down"))
    toml = """
enable = ["test"]
[providers.cloud]
use = "down"
[providers.local]
use = "up"
[routes]
synthesize = ["cloud", "local"]
"""
    async with serve(toml, down.spec("down"), ScriptedSynthesizer().spec("up")) as server:
        assert (await synthesize(server, text="Hello"))["provider"] == "local"


async def test_a_voice_of_the_second_provider_is_cached_too(serve: Serve) -> None:
    one = ScriptedSynthesizer(voices=[VoiceInfo("hers", "Hers", ("en",))])
    two = ScriptedSynthesizer(voices=[VoiceInfo("his", "His", ("en",))])
    toml = 'enable = ["test"]\n[routes]\nsynthesize = ["one", "two"]'
    async with serve(toml, one.spec("one"), two.spec("two")) as server:
        answers = [await synthesize(server, text="Again", voice="his") for _ in range(3)]
    assert [answer["provider"] for answer in answers] == ["two"] * 3
    assert [answer["cached"] for answer in answers] == [False, True, True]


async def test_when_nobody_can_speak_the_caller_is_told_to_come_back(serve: Serve) -> None:
    down = ScriptedSynthesizer(ProviderError(ErrorCategory.RATE_LIMITED, "slow", retry_after_s=7))
    toml = 'enable = ["test"]\n[routes]\nsynthesize = ["scripted"]'
    async with serve(toml, down.spec()) as server:
        response = await server.client.post(f"{VOICE}/synthesize", json={"text": "Hello"})
        assert (response.status_code, response.headers["Retry-After"]) == (503, "7")
        again = await server.client.post(f"{VOICE}/synthesize", json={"text": "Hello"})
        assert again.status_code == 503, "a failure must not be cached"


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "text"),
        ({"text": ""}, "text"),
        ({"text": "?!"}, "text"),
        ({"text": "x" * 3_001}, "3000"),
        ({"text": "x", "options": {"format": "flac"}}, "options.format"),
        ({"text": "x", "options": {"speed": 99}}, "options.speed"),
        ({"text": "x", "options": {"provider": "nobody"}}, "nobody"),
        ({"text": "x", "voice": "nobody"}, "nobody"),
    ],
)
async def test_what_cannot_be_spoken_is_refused(server: Server, body: dict[str, Any], field: str) -> None:
    response = await server.client.post(f"{VOICE}/synthesize", json=body)
    assert response.status_code == 422, response.text
    assert field in response.json()["detail"]


async def test_a_part_of_an_audio_can_be_asked_for(server: Server) -> None:
    url = (await synthesize(server, text="Ranges"))["audio_url"]
    whole = await server.client.get(url)
    assert whole.headers["Accept-Ranges"] == "bytes"
    size = len(whole.content)

    async def ranged(value: str, **headers: str) -> Any:
        return await server.client.get(url, headers={"Range": value, **headers})

    for value, first, last in (
        ("bytes=0-99", 0, 99),
        ("bytes=100-", 100, size - 1),
        ("bytes=-50", size - 50, size - 1),
        (f"bytes=-{size * 2}", 0, size - 1),
        (f"bytes=10-{size * 2}", 10, size - 1),
    ):
        part = await ranged(value)
        assert part.status_code == 206
        assert part.headers["Content-Range"] == f"bytes {first}-{last}/{size}"
        assert part.content == whole.content[first : last + 1]
    outside = await ranged(f"bytes={size}-")
    assert (outside.status_code, outside.headers["Content-Range"]) == (416, f"bytes */{size}")
    assert outside.json()["detail"]
    for ignored in ("bytes=5-2", "lines=1-2", "bytes=0-1,5-6", "nonsense"):
        assert (await ranged(ignored)).status_code == 200
    changed = await ranged("bytes=0-9", **{"If-Range": '"something else"'})
    assert changed.status_code == 200


async def test_audio_that_the_client_has_is_not_sent_again(server: Server) -> None:
    url = (await synthesize(server, text="Once is enough"))["audio_url"]
    etag = (await server.client.get(url)).headers["ETag"]
    again = await server.client.get(url, headers={"If-None-Match": etag})
    assert (again.status_code, again.content, again.headers["ETag"]) == (304, b"", etag)
    head = await server.client.head(url)
    assert (head.status_code, head.content) == (200, b"")
    assert int(head.headers["Content-Length"]) > 1_000


async def test_unknown_audio_is_not_found(server: Server) -> None:
    response = await server.client.get(f"{VOICE}/audio/{'0' * 32}")
    assert (response.status_code, list(response.json())) == (404, ["detail"])


async def test_audio_is_as_loud_whoever_speaks_it(serve: Serve) -> None:
    samples = np.frombuffer(tone(1.0).pcm, np.int16) // 16
    quiet = AudioFrame(samples.astype(np.int16).tobytes(), 16_000)
    toml = MOCK.replace('["mock"]', '["test"]', 1).replace('synthesize = ["mock"]', 'synthesize = ["a", "b"]')
    toml = toml.replace('recognize = ["mock"]\n', "").replace('intents = ["mock"]\n', "")
    loud_spec, quiet_spec = ScriptedSynthesizer(tone(1.0)).spec("a"), ScriptedSynthesizer(quiet).spec("b")
    async with serve(toml, loud_spec, quiet_spec) as server:
        levels = []
        for provider in ("a", "b"):
            spoken = await synthesize(server, text="Level", options={"format": "wav", "provider": provider})
            audio = (await server.client.get(spoken["audio_url"])).content
            levels.append(level_dbfs(decode(audio, max_s=10)))
    assert abs(levels[0] - levels[1]) <= 3.0
