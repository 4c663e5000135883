"""A real server of the shipped deployment, in a process of its own, with real engines and real speech."""

import asyncio
import base64
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.program import VOICE, Program

ROOT = Path(__file__).parents[2]
SHIPPED = (ROOT / "plugins.toml").read_text(encoding="utf-8")


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Program]:
    """`glottis` in an empty folder; at the end none of its processes is left."""
    made = Program(tmp_path / "here")
    yield made
    assert made.processes() == {}


@pytest.fixture(scope="session")
def shipped_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server of the shipped plugins.toml: whisper, piper, festival, espeak and rules."""
    program = Program(tmp_path_factory.mktemp("shipped"))
    program.deploy(SHIPPED)
    with asyncio.Runner() as runner:
        serving = program.serving()
        server = runner.run(serving.__aenter__())
        yield server.address
        runner.run(serving.__aexit__(None, None, None))
    assert program.processes() == {}


@pytest.fixture
async def caller(shipped_server: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client of that server."""
    async with httpx.AsyncClient(base_url=shipped_server, timeout=60) as client:
        yield client


Speech = Callable[..., Coroutine[Any, Any, bytes]]


@pytest.fixture
def speech(caller: httpx.AsyncClient) -> Speech:
    """Have a text spoken: `await speech("Good morning", "en-US", format="wav")`."""

    async def spoken(text: str, language: str, **options: Any) -> bytes:
        body = {"text": text, "language": language, "options": options}
        answer = (await caller.post(f"{VOICE}/synthesize", json=body)).raise_for_status().json()
        return (await caller.get(answer["audio_url"])).raise_for_status().content

    return spoken


Hear = Callable[..., Coroutine[Any, Any, dict[str, Any]]]


@pytest.fixture
def hear(caller: httpx.AsyncClient) -> Hear:
    """Have audio heard: `await hear(audio, "en-US")`."""

    async def heard(audio: bytes, language: str) -> dict[str, Any]:
        body = {"audio_base64": base64.b64encode(audio).decode(), "language": language}
        answer: dict[str, Any] = (
            (await caller.post(f"{VOICE}/recognize", json=body)).raise_for_status().json()
        )
        return answer

    return heard


def words(text: str) -> list[str]:
    """Take a text for its words, whatever its punctuation and capitals."""
    return "".join(letter if letter.isalnum() else " " for letter in text.lower()).split()


def alike(heard: str, said: str) -> bool:
    """Tell whether a recognizer heard what was said, give or take the spelling of a word or two."""
    return SequenceMatcher(None, "".join(words(heard)), "".join(words(said))).ratio() > 0.75
