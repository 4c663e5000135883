"""GET /audio/{id} while the audio is still being made."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from glottis.core.access import ANYONE
from glottis.core.audio import decode
from glottis.core.speech import LiveSpeech, SpeechRequest
from glottis.plugins import ErrorCategory, ProviderError
from glottis.plugins.conformance import ScriptedSynthesizer, tone

from .conftest import VOICE, Serve, Server

TOML = """
enable = ["test"]
[providers.only]
use = "scripted"
limits = { retries = 0 }
[routes]
synthesize = ["only"]
[projects.demo]
"""
DOWN = ProviderError(ErrorCategory.UNAVAILABLE, "gone")
REQUEST = SpeechRequest(
    text="Hello there.", scope=ANYONE.audio_scope("demo"), project="demo", language="en-US", format="wav"
)


@dataclass(frozen=True, slots=True)
class Speaking:
    """A server that has begun to speak, and goes on when the gate opens; `url` is where that is heard."""

    server: Server
    gate: asyncio.Event
    speech: LiveSpeech

    @property
    def url(self) -> str:
        return f"{VOICE}/audio/{self.speech.id}"


Speak = Callable[..., AbstractAsyncContextManager[Speaking]]


@pytest.fixture
def speaking(serve: Serve) -> Speak:
    @asynccontextmanager
    async def begun(*rest: Any, **options: Any) -> AsyncIterator[Speaking]:
        gate = asyncio.Event()
        synthesizer = ScriptedSynthesizer((tone(1.0), gate, *(rest or (tone(1.0),))))
        async with serve(TOML, synthesizer.spec(), **options) as server:
            yield Speaking(server, gate, await server.platform.speaker.begin(REQUEST))

    return begun


async def test_audio_is_heard_before_it_is_whole(speaking: Speak) -> None:
    async with speaking() as now:
        async with now.server.client.stream("GET", now.url) as response:
            assert response.status_code == 200
            assert response.headers["Content-Type"] == "audio/wav"
            assert response.headers["Cache-Control"] == "no-store"
            for later in ("Content-Length", "ETag", "Accept-Ranges"):
                assert later not in response.headers
            pieces = response.aiter_raw()
            early = await anext(pieces)
            now.gate.set()
            whole = early + b"".join([piece async for piece in pieces])
        assert decode(whole, max_s=10).duration_s == pytest.approx(2.0)
        await now.speech.finished()
        record = await now.server.client.get(now.url, headers={"Range": "bytes=0-9"})
        assert (record.status_code, "ETag" in record.headers) == (206, True)


async def test_a_range_of_what_grows_is_all_of_it(speaking: Speak) -> None:
    async with speaking() as now:
        now.gate.set()
        response = await now.server.client.get(now.url, headers={"Range": "bytes=0-9"})
        assert response.status_code in {200, 206}
        assert response.headers.get("Content-Range", "").startswith("bytes 0-9/") == (
            response.status_code == 206
        )


async def test_the_head_of_what_grows_does_not_wait_for_the_end(speaking: Speak) -> None:
    async with speaking() as now:
        head = await now.server.client.head(now.url)
        assert (head.status_code, head.headers["Content-Type"], head.content) == (200, "audio/wav", b"")
        assert "Content-Length" not in head.headers
        assert not now.gate.is_set()


async def test_audio_that_breaks_off_is_seen_to_break_off(
    speaking: Speak, caplog: pytest.LogCaptureFixture
) -> None:
    async with speaking(DOWN) as now:
        async with now.server.client.stream("GET", now.url) as response:
            pieces = response.aiter_raw()
            assert len(await anext(pieces)) > 1_000
            now.gate.set()
            with pytest.raises(httpx.RemoteProtocolError, match="incomplete"):
                _ = [piece async for piece in pieces]
        assert (await now.server.client.get(now.url)).status_code == 404
        assert (await now.server.client.get("/healthz")).status_code == 200
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]


async def test_a_client_that_goes_away_harms_nobody(speaking: Speak) -> None:
    async with speaking() as now:
        async with (
            httpx.AsyncClient(base_url=now.server.address) as leaving,
            leaving.stream("GET", now.url) as response,
        ):
            await anext(response.aiter_raw())
        now.gate.set()
        response = await now.server.client.get(now.url)
        assert decode(response.content, max_s=10).duration_s == pytest.approx(2.0)
        assert (await now.speech.finished()).duration_s == pytest.approx(2.0)


async def test_a_client_that_does_not_read_harms_nobody(speaking: Speak) -> None:
    async with (
        speaking(*([tone(1.0)] * 60), send_buffer=4_096) as now,
        httpx.AsyncClient(base_url=now.server.address) as idle,
        idle.stream("GET", now.url),
    ):
        now.gate.set()
        assert (await now.speech.finished()).duration_s == pytest.approx(61.0)
        response = await now.server.client.get(now.url)
        assert decode(response.content, max_s=100).duration_s == pytest.approx(61.0)


async def test_a_reply_is_heard_by_a_signed_link_while_it_is_thought_of(serve: Serve) -> None:
    async with serve(TOML, ScriptedSynthesizer().spec()) as server:
        reply = server.platform.speaker.open_reply(REQUEST)
        async with server.client.stream("GET", f"{VOICE}/audio/{reply.id}") as response:
            pieces = response.aiter_raw()
            reply.write(tone(0.5))
            early = await anext(pieces)
            reply.write(tone(0.5))
            await reply.finish(provider="only")
            whole = early + b"".join([piece async for piece in pieces])
    assert decode(whole, max_s=10).duration_s == pytest.approx(1.0)


async def test_what_is_being_made_is_only_for_those_who_may_hear_it(speaking: Speak) -> None:
    users = {"alice": None, "bob": ("other",)}
    async with speaking(users=users) as now:
        assert (await now.server.client.get(now.url)).status_code == 401
        for name, status in (("alice", 200), ("bob", 404)):
            head = await now.server.client.head(now.url, auth=(name, "correct horse"))
            assert head.status_code == status


async def test_another_node_answers_when_the_audio_is_whole(serve: Serve) -> None:
    gate = asyncio.Event()
    synthesizer = ScriptedSynthesizer((tone(1.0), gate, tone(1.0)))
    async with serve(TOML, synthesizer.spec()) as here, serve(TOML, synthesizer.spec()) as there:
        speech = await here.platform.speaker.begin(REQUEST)
        fetching = asyncio.create_task(there.client.get(f"{VOICE}/audio/{speech.id}"))
        gate.set()
        response = await fetching
        assert "Content-Length" in response.headers
        assert decode(response.content, max_s=10).duration_s == pytest.approx(2.0)
    assert len(synthesizer.calls) == 1
