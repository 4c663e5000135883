"""A server with real engines, and a site of a project of it, to be visited with a browser."""

import asyncio
import io
import wave
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from tests.api.conftest import serve
from tests.browser.chromium import ANSWER_S, Page, browsing
from tests.docs.blocks import DOCS, titled
from tests.listening.conftest import say
from tests.program import VOICE, Program

__all__ = ["say", "serve"]

HERE = Path(__file__).parent
DEPLOYMENT = """
enable = ["whisper", "piper", "rules"]
[routes]
recognize = ["whisper"]
synthesize = ["piper"]
intents = ["rules"]
[projects.demo]
origins = ["{origin}"]
[projects.demo.sections.pricing]
url = "/pricing"
names = {{ en = ["pricing", "prices"] }}
"""
RATE_HZ = 22_050


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Say nothing."""


@pytest.fixture(scope="session")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The origin of a site that serves the page, the client of the documentation and another one."""
    folder = tmp_path_factory.mktemp("site")
    for file in (HERE / "page.html", HERE / "first_version.js"):
        (folder / file.name).write_bytes(file.read_bytes())
    (folder / "client.js").write_text(titled(DOCS / "websocket.md", "client.js"), encoding="utf-8")
    (folder / "favicon.ico").touch()
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder))) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="session")
def address(origin: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server of Whisper, Piper and the rules, which the site may use."""
    program = Program(tmp_path_factory.mktemp("server"))
    program.deploy(DEPLOYMENT.format(origin=origin))
    with asyncio.Runner() as runner:
        serving = program.serving()
        server = runner.run(serving.__aenter__())
        yield server.address
        runner.run(serving.__aexit__(None, None, None))
        assert [entry["event"] for entry in server.log() if entry["level"] == "error"] == []
    assert program.processes() == {}


@pytest.fixture
async def caller(address: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client of that server."""
    async with httpx.AsyncClient(base_url=address, timeout=60) as client:
        yield client


@dataclass(frozen=True, slots=True)
class Visit:
    """A browser on the page, which talks with a session; `seen` is what went over the socket so far."""

    page: Page
    session_id: str
    seen: list[dict[str, Any]]

    async def until(self, kind: str, **fields: Any) -> dict[str, Any]:
        """Wait for a message of the server."""
        async with asyncio.timeout(ANSWER_S):
            while True:
                self.seen.append(await self.page.told())
                message: dict[str, Any] = self.seen[-1].get("received", {})
                assert message.get("type") != "error", message
                if message.get("type") == kind and fields.items() <= message.items():
                    return message

    def received(self, kind: str) -> list[dict[str, Any]]:
        messages = [said["received"] for said in self.seen if "received" in said]
        return [message for message in messages if message["type"] == kind]


@dataclass(frozen=True, slots=True)
class Site:
    """The site, as a browser finds it that keeps its profile in `folder`."""

    origin: str
    folder: Path

    @asynccontextmanager
    async def visiting(
        self, client: str, session: dict[str, Any], speech: bytes, *, rate_hz: int, chunk_ms: int = 100
    ) -> AsyncIterator[Visit]:
        """Talk with a session; the microphone hears `speech`, and nothing after it."""
        microphone = self.folder / "microphone.wav"
        with wave.open(str(microphone), "wb") as wav:
            wav.setparams((1, 2, rate_hz, 0, "NONE", "not compressed"))
            wav.writeframes(speech)
        query = urlencode({"client": client, "url": session["websocket_url"], "chunk_ms": chunk_ms})
        async with browsing(self.folder / "profile", microphone=microphone) as page:
            await page.open(f"{self.origin}/page.html?{query}")
            yield Visit(page, session["session_id"], [])


@pytest.fixture
def site(origin: str, tmp_path: Path) -> Site:
    return Site(origin, tmp_path)


Visiting = Callable[..., AbstractAsyncContextManager[Visit]]


@pytest.fixture
def visiting(caller: httpx.AsyncClient, site: Site) -> Visiting:
    """Visit the page: `visiting("client.js", 0.5, "Good morning")` says so after half a second."""

    async def spoken(text: str) -> bytes:
        body = {"text": text, "language": "en-US", "options": {"format": "wav"}}
        answer = (await caller.post(f"{VOICE}/synthesize", json=body)).raise_for_status().json()
        audio = (await caller.get(answer["audio_url"])).raise_for_status().content
        with wave.open(io.BytesIO(audio)) as wav:
            assert (wav.getframerate(), wav.getnchannels()) == (RATE_HZ, 1)
            samples: bytes = wav.readframes(wav.getnframes())
        return samples

    @asynccontextmanager
    async def visited(client: str, *said: str | float, chunk_ms: int = 100) -> AsyncIterator[Visit]:
        parts = [
            bytes(2 * round(part * RATE_HZ)) if isinstance(part, float) else await spoken(part)
            for part in said
        ]
        body = {"project": "demo", "language": "en-US"}
        session = (await caller.post(f"{VOICE}/session/start", json=body)).raise_for_status().json()
        visit = site.visiting(client, session, b"".join(parts), rate_hz=RATE_HZ, chunk_ms=chunk_ms)
        async with visit as begun:
            yield begun

    return visited
