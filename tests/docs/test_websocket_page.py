"""Every message on the page of the WebSocket is one, and its programs work."""

import asyncio
import json
import wave
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from glottis.api.websocket.messages import TYPES, Start, parse
from glottis.core.conversation.chunk_order import Disorder
from glottis.plugins import ErrorCategory, ProviderError, ReplyAction, ReplySource
from glottis.plugins.conformance import ScriptedIntentHandler, ScriptedRecognizer, ScriptedSynthesizer, tone
from glottis.plugins.conformance.scripts import Script
from websockets.asyncio.client import ClientConnection

from tests.api.conftest import VOICE, Serve, Server
from tests.docs.blocks import DOCS, titled
from tests.docs.shell import examples, run
from tests.listening.conftest import Say
from tests.recordings import recordings

PAGE = DOCS / "websocket.md"
CLIENT = [json.loads(line) for line in titled(PAGE, "client").splitlines()]
SERVER = [json.loads(line) for line in titled(PAGE, "server").splitlines()]
SCRIPTED = """
enable = ["test"]
[providers.piper-joe]
use = "broken"
limits = { retries = 0 }
[providers.espeak]
use = "whole"
[routes]
recognize = ["ear"]
synthesize = ["piper-joe", "espeak"]
intents = ["scripted"]
[projects.demo]
"""
TRAINED = """
enable = ["mock"]
[routes]
synthesize = ["mock"]
train = "mock"
[projects.demo]
"""
MEANT = {"type", "status", "reason", "code", "is_final", "format", "is_complete"}
GONE = ProviderError(ErrorCategory.UNAVAILABLE, "gone")
PRICES = ReplySource("Prices", "/pricing")
NAVIGATE = ReplyAction("navigate", {"url": "/pricing", "section": "pricing"})
STREAM = {"audio": "stream", "format": "pcm16", "sample_rate": 24_000}
ENDPOINTING = {"interrupt_ms": 5_000, "speculation": False}
QUESTION = "Good morning. I would like to know what it costs, so please show me the pricing page."
SPOKEN = "Where can I find the prices?"


@pytest.mark.parametrize("shown", CLIENT, ids=lambda shown: shown["type"])
def test_every_message_of_a_client_is_accepted(shown: dict[str, Any]) -> None:
    message = parse(json.dumps(shown))
    understood = message.model_dump(exclude_none=True)
    assert shown.items() <= understood.items() or isinstance(message, Start)


def test_the_wishes_of_a_client_are_shown_as_they_are_understood() -> None:
    (shown,) = [message for message in CLIENT if message["type"] == "start"]
    message = parse(json.dumps(shown))
    assert isinstance(message, Start)
    assert message.model_dump(exclude_none=True) == {**shown, "audio_received": 0}


def test_every_type_of_message_of_a_client_is_shown_once() -> None:
    assert [message["type"] for message in CLIENT] == list(TYPES)


def test_the_way_to_come_back_is_accepted() -> None:
    assert parse(titled(PAGE, "resume")).type == "start"


def test_every_disorder_of_chunks_is_told() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert [code for code in Disorder if f"`{code.value}`" not in text] == []


class Conversation:
    """A connection that keeps what it has received."""

    def __init__(self, socket: ClientConnection, received: list[dict[str, Any]]) -> None:
        self._socket = socket
        self._received = received

    async def send(self, kind: str, **fields: Any) -> None:
        await self._socket.send(json.dumps({"type": kind, **fields}))

    async def until(self, kind: str, **fields: Any) -> dict[str, Any]:
        while True:
            data = await self._socket.recv()
            if isinstance(data, str):
                self._received.append(json.loads(data))
                message = self._received[-1]
                if message["type"] == kind and fields.items() <= message.items():
                    return message

    async def say(self, *audio: bytes) -> None:
        for part in audio:
            for start in range(0, len(part), 3_200):
                await self._socket.send(part[start : start + 3_200])


@pytest.mark.slow
async def test_every_message_of_the_server_is_as_shown(serve: Serve, say: Say) -> None:
    ear = ScriptedRecognizer("Show me the prices")
    handler = ScriptedIntentHandler(replies=[("Opening pricing. It is open.",)])
    broken = ScriptedSynthesizer((tone(0.3),), GONE)
    specs = (ear.spec("ear"), handler.spec(), broken.spec("broken"), ScriptedSynthesizer().spec("whole"))
    received: list[dict[str, Any]] = []
    async with serve(SCRIPTED, *specs) as server:
        session_id = (await server.start_session(language="en-US"))["session_id"]
        async with server.websocket(session_id) as socket:
            conversation = Conversation(socket, received)
            await conversation.until("status", status="listening")
            await spoken_turn(conversation, say(SPOKEN))
            broken.script = Script(((tone(0.3),),))
            await turn_with_sources(conversation, handler)
            await interrupted_turn(conversation, handler, ear, say(SPOKEN))
            await failed_turn(conversation, socket)
        async with server.websocket(session_id) as socket:
            conversation = Conversation(socket, received)
            await conversation.send("start", resume_from=received[-1]["seq"])
            await conversation.until("resumed")
    assert {message["type"] for message in SERVER} == {message["type"] for message in received}
    for message in SERVER:
        assert any(is_alike(real, message) for real in received), message


async def spoken_turn(conversation: Conversation, speech: bytes) -> None:
    audio = {"encoding": "pcm16", "sample_rate": 16_000, "channels": 1}
    await conversation.send("start", audio=audio, reply=STREAM, endpointing=ENDPOINTING)
    await conversation.say(speech[:40_000])
    await conversation.until("transcription", is_final=False)
    await conversation.say(speech[40_000:], bytes(32_000))
    await conversation.until("metrics")


async def turn_with_sources(conversation: Conversation, handler: ScriptedIntentHandler) -> None:
    handler.replies = Script((("Opening pricing.", PRICES, NAVIGATE),))
    audio = {"encoding": "pcm16", "sample_rate": 16_000}
    await conversation.send("start", audio=audio, endpointing=ENDPOINTING)
    await conversation.send("text_input", text="Show me the prices")
    await conversation.until("metrics")


async def interrupted_turn(
    conversation: Conversation, handler: ScriptedIntentHandler, ear: ScriptedRecognizer, speech: bytes
) -> None:
    never = asyncio.Event()
    handler.replies = Script((("There are three plans. The first", never, "is free."),))
    await conversation.send("text_input", text="What does it cost?")
    await conversation.until("audio")
    ear.script = Script(("",))
    await conversation.say(speech, bytes(32_000))
    await conversation.until("resumed_speaking")
    ear.script = Script(("Show me the prices",))
    handler.matches = Script((GONE,))
    await conversation.say(speech, bytes(32_000))
    await conversation.until("interrupted")


async def failed_turn(conversation: Conversation, socket: ClientConnection) -> None:
    await conversation.until("status", status="error")
    await socket.send("{")
    await conversation.until("error", code="bad_json")
    await conversation.send("ping")
    await conversation.until("pong")


@pytest.mark.slow
async def test_the_message_of_a_training_is_as_shown(serve: Serve) -> None:
    shown = json.loads(titled(PAGE, "training"))
    async with serve(TRAINED) as server:
        session_id = (await server.start_session(language="en-US"))["session_id"]
        async with server.websocket(session_id) as socket:
            conversation = Conversation(socket, [])
            await conversation.until("status", status="listening")
            files = [("files", (f"{number}.wav", each)) for number, each in enumerate(recordings()[:3])]
            form = {"project": "demo", "name": "Anna", "language": "en-US"}
            await server.client.post(f"{VOICE}/samples", data=form, files=files)
            await server.client.post(f"{VOICE}/train", data=form)
            told = await conversation.until("training")
            while told["job"]["status"] != shown["job"]["status"]:
                told = await conversation.until("training")
            assert is_alike(told, shown)


def is_alike(real: Any, shown: Any) -> bool:
    """Compare what a program goes by: keys in their order, kinds of values, words that mean something."""
    if isinstance(shown, dict) and isinstance(real, dict):
        return list(real) == list(shown) and all(
            real[key] == value if key in MEANT else is_alike(real[key], value) for key, value in shown.items()
        )
    if isinstance(shown, list) and isinstance(real, list):
        return bool(real) == bool(shown) and all(is_alike(*pair) for pair in zip(real, shown, strict=False))
    if isinstance(shown, bool) or shown is None:
        return isinstance(real, bool) == isinstance(shown, bool)
    return isinstance(real, int | float) if isinstance(shown, int | float) else isinstance(real, type(shown))


@pytest.fixture
async def server(serve: Serve) -> AsyncIterator[Server]:
    """The server that the page talks to."""
    async with serve(titled(PAGE, "plugins.toml")) as running:
        yield running


@pytest.mark.slow
async def test_the_programs_of_the_page_do_what_they_show(server: Server, tmp_path: Path) -> None:
    for name in ("talk.py", "client.py"):
        (tmp_path / name).write_text(titled(PAGE, name), encoding="utf-8")
    body = {"text": QUESTION, "language": "en-US", "options": {"format": "wav"}}
    question = (await server.client.post(f"{VOICE}/synthesize", json=body)).json()
    audio = (await server.client.get(question["audio_url"])).content
    (tmp_path / "question.wav").write_bytes(audio)
    here = {"127.0.0.1:8080": urlsplit(server.address).netloc}
    await run(examples(PAGE), folder=tmp_path, instead=here)
    with wave.open(str(tmp_path / "answer.wav")) as answer:
        assert answer.getnframes() > 0.5 * answer.getframerate()


@pytest.mark.slow
async def test_a_message_that_is_much_too_large_closes_with_1009(serve: Serve) -> None:
    async with serve(ws_max_message_bytes=1024) as server:
        session_id = (await server.start_session())["session_id"]
        async with server.websocket(session_id) as socket:
            await socket.send(bytes(10_000))
            await socket.wait_closed()
            assert socket.close_code == 1009
