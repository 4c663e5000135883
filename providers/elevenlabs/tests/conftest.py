"""A stand-in for api.elevenlabs.io in its published shapes, and providers that talk to it."""

import asyncio
import io
import json
import logging
import math
import wave
from array import array
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from email.message import Message
from email.parser import BytesParser
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import pytest
import respx
from glottis.plugins import (
    ProviderContext,
    RecognizerCapabilities,
    SynthesizerCapabilities,
    TrainingCapabilities,
)
from glottis_elevenlabs.config import ElevenLabsConfig
from glottis_elevenlabs.recognizer import ElevenLabsRecognizer
from glottis_elevenlabs.synthesizer import ElevenLabsSynthesizer
from glottis_elevenlabs.trainer import ElevenLabsTrainer

BASE_URL = "https://api.elevenlabs.io"
KEY = "sk_never_show_0123456789"
RATE_HZ = 22_050


class Chunks(httpx.AsyncByteStream):
    """A body that comes in pieces; an exception among them is raised in its place."""

    def __init__(self, *pieces: bytes | Exception) -> None:
        self.pieces = pieces
        self.is_closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self.pieces:
            await asyncio.sleep(0)
            if isinstance(piece, Exception):
                raise piece
            yield piece

    async def aclose(self) -> None:
        self.is_closed = True


@dataclass
class Vendor:
    """What was asked of ElevenLabs and what it answers, in turn; the last answer is repeated."""

    router: respx.MockRouter
    requests: list[httpx.Request] = field(default_factory=list)
    answers: list[httpx.Response | Exception] = field(default_factory=list)

    def answer(self, *answers: httpx.Response | Exception) -> None:
        self.answers = list(answers)

    def refuse(self, status: int, detail: Any = None, headers: dict[str, str] | None = None) -> None:
        self.answer(httpx.Response(status, json={"detail": detail}, headers=headers))

    def handle(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    @property
    def bodies(self) -> list[dict[str, Any]]:
        return [json.loads(request.content) for request in self.requests]


@pytest.fixture
def key() -> str:
    return KEY


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    with respx.mock(base_url=BASE_URL, assert_all_called=False) as router:
        found = Vendor(router)
        router.route().mock(side_effect=found.handle)
        yield found


@pytest.fixture
def audio() -> Callable[..., httpx.Response]:
    """Make a 200 answer with the given pieces as its body."""

    def make(*pieces: bytes | Exception, request_id: str | None = None) -> httpx.Response:
        headers = {"content-type": "audio/pcm"} | ({"request-id": request_id} if request_id else {})
        return httpx.Response(200, headers=headers, stream=Chunks(*pieces))

    return make


def _context(tmp_path: Path, capabilities: Any) -> ProviderContext:
    return ProviderContext("eleven", tmp_path, capabilities, logging.getLogger("glottis.provider.eleven"))


@pytest.fixture
async def speaker(tmp_path: Path) -> AsyncIterator[Callable[..., Any]]:
    """Make warm synthesizers; they are closed at the end."""
    made: list[ElevenLabsSynthesizer] = []

    async def make(**options: Any) -> ElevenLabsSynthesizer:
        config = ElevenLabsConfig.model_validate({"api_key": KEY, **options})
        provider = ElevenLabsSynthesizer(_context(tmp_path, SynthesizerCapabilities()), config)
        await provider.warmup()
        made.append(provider)
        return provider

    yield make
    for provider in made:
        await provider.aclose()


@pytest.fixture
async def listener(tmp_path: Path) -> AsyncIterator[Callable[..., Any]]:
    """Make warm recognizers; they are closed at the end."""
    made: list[ElevenLabsRecognizer] = []

    async def make(**options: Any) -> ElevenLabsRecognizer:
        config = ElevenLabsConfig.model_validate({"api_key": KEY, **options})
        provider = ElevenLabsRecognizer(_context(tmp_path, RecognizerCapabilities()), config)
        await provider.warmup()
        made.append(provider)
        return provider

    yield make
    for provider in made:
        await provider.aclose()


@pytest.fixture
async def trainer(tmp_path: Path) -> AsyncIterator[Callable[..., Any]]:
    """Make warm training backends; they are closed at the end."""
    made: list[ElevenLabsTrainer] = []

    async def make(**options: Any) -> ElevenLabsTrainer:
        config = ElevenLabsConfig.model_validate({"api_key": KEY, **options})
        provider = ElevenLabsTrainer(_context(tmp_path, TrainingCapabilities()), config)
        await provider.warmup()
        made.append(provider)
        return provider

    yield make
    for provider in made:
        await provider.aclose()


@cache
def _second(rate_hz: int) -> bytes:
    wave_form = (round(8_000 * math.sin(2 * math.pi * 220 * n / rate_hz)) for n in range(rate_hz))
    return array("h", wave_form).tobytes()


def _tone(seconds: float, rate_hz: int) -> bytes:
    return (_second(rate_hz) * math.ceil(seconds))[: 2 * round(seconds * rate_hz)]


def _form(request: httpx.Request) -> dict[str, Message]:
    head = f"Content-Type: {request.headers['content-type']}\r\n\r\n".encode()
    message = BytesParser().parsebytes(head + request.content)
    parts = [part for part in message.walk() if not part.is_multipart()]
    return {str(part.get_param("name", header="content-disposition")): part for part in parts}


@pytest.fixture
def form() -> Callable[[httpx.Request], dict[str, Message]]:
    """Read a multipart body: its parts by name."""
    return _form


VOICES: list[dict[str, Any]] = [
    {"voice_id": "JBFqnCBsd6RMkjVDRZzb", "name": "George", "labels": {"gender": "male", "language": "en"}},
    {"voice_id": "nPczCjzI2devNBz1zQrb", "name": "Anya", "verified_languages": [
        {"language": "ru", "model_id": "eleven_flash_v2_5", "locale": "ru-RU"},
        {"language": "en", "model_id": "eleven_flash_v2_5", "locale": None},
    ]},
    {"voice_id": "cgSgspJ2msm6clMCkdW9", "name": None},
]  # fmt: skip


def _fields(request: httpx.Request) -> dict[str, str]:
    parts = _form(request)
    return {name: str(part.get_payload()) for name, part in parts.items() if part.get_filename() is None}


@dataclass
class Account:
    """The cloned voices of an account, as ElevenLabs keeps them."""

    clones: dict[str, dict[str, Any]] = field(default_factory=dict)
    made: int = 0

    def add(self, request: httpx.Request) -> httpx.Response:
        self.made += 1
        voice_id = f"clone{self.made}"
        fields = _fields(request)
        self.clones[voice_id] = {"voice_id": voice_id, "name": fields["name"], "category": "cloned"}
        return httpx.Response(200, json={"voice_id": voice_id, "requires_verification": False})

    def handle(self, request: httpx.Request) -> httpx.Response:
        path, method = request.url.path, request.method
        if path == "/v1/voices/add":
            return self.add(request)
        if path == "/v2/voices":
            only_clones = request.url.params.get("category") == "cloned"
            listed = [*([] if only_clones else VOICES), *self.clones.values()]
            return httpx.Response(200, json={"voices": listed, "has_more": False, "total_count": len(listed)})
        if path.startswith("/v1/voices/"):
            voice = self.clones.get(path.split("/")[3])
            if voice is None:
                return _no_such_voice()
            if method == "DELETE":
                del self.clones[voice["voice_id"]]
                return httpx.Response(200, json={"status": "ok"})
            return httpx.Response(200, json=voice)
        return _imitate(request, known={voice["voice_id"] for voice in VOICES} | self.clones.keys())


def _no_such_voice() -> httpx.Response:
    detail = {"status": "voice_not_found", "message": "A voice with that id was not found."}
    return httpx.Response(404, json={"detail": detail})


def _imitate(request: httpx.Request, *, known: set[str]) -> httpx.Response:
    """Answer as ElevenLabs would: a tone as long as the text, and the text of the only speech there is."""
    path = request.url.path
    if path == "/v1/user/subscription":
        return httpx.Response(200, json={"tier": "creator", "character_count": 5, "character_limit": 10})
    if path == "/v1/speech-to-text":
        return _hear(request)
    body = json.loads(request.content)
    if path.split("/")[3] not in known:
        return _no_such_voice()
    speed = body.get("voice_settings", {}).get("speed", 1.0)
    pcm = _tone(0.05 * len(body["text"]) / speed, RATE_HZ)
    pieces = [pcm[start : start + 4_001] for start in range(0, len(pcm), 4_001)]
    return httpx.Response(200, headers={"request-id": "r1"}, stream=Chunks(*pieces))


SPOKEN = "hello big world"


def _hear(request: httpx.Request) -> httpx.Response:
    upload = _form(request)["file"].get_payload(decode=True)
    assert isinstance(upload, bytes)
    with wave.open(io.BytesIO(upload)) as file:
        assert (file.getnchannels(), file.getsampwidth(), file.getframerate()) == (1, 2, 16_000)
        seconds = file.getnframes() / 16_000
    step = seconds / 3
    words: list[dict[str, Any]] = []
    for number, text in enumerate(SPOKEN.split()):
        start = number * step
        words += [
            {"text": text, "type": "word", "start": start, "end": start + step, "logprob": -0.1},
            {"text": " ", "type": "spacing", "start": start + step, "end": start + step, "logprob": 0.0},
        ]
    answer = {"language_code": "eng", "language_probability": 0.98, "text": SPOKEN, "words": words[:-1]}
    return httpx.Response(200, json=answer)


@pytest.fixture
def account() -> Account:
    return Account()


@pytest.fixture
def imitation(account: Account) -> Iterator[respx.MockRouter]:
    """Let all requests meet an imitation of ElevenLabs."""
    with respx.mock(base_url=BASE_URL, assert_all_called=False) as router:
        router.route().mock(side_effect=account.handle)
        yield router


@pytest.fixture
def spoken_clip() -> tuple[bytes, str]:
    """Give a second and a half of sound at 16 kHz, and what the imitation hears in it."""
    return _tone(1.5, 16_000), SPOKEN
