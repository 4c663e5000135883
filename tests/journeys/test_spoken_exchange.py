"""A spoken exchange through a whole server, in both languages, with the shipped deployment."""

import base64
import json
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from websockets.asyncio.client import connect

from tests.program import VOICE, Program

from .conftest import SHIPPED, Hear, Speech, alike


@dataclass(frozen=True, slots=True)
class Exchange:
    """A question, who speaks it, and where it leads."""

    language: str
    greeting: str
    question: str
    speaker: str
    section: str

    def __str__(self) -> str:
        return self.language


EXCHANGES = [
    Exchange(
        "ru-RU",
        "Голосовой ассистент готов. Чем могу помочь?",
        "Открой страницу доставки",
        "festival",
        "delivery",
    ),
    Exchange(
        "en-US",
        "Voice assistant ready. How can I help you?",
        "Please show me the pricing page",
        "piper-joe",
        "pricing",
    ),
]


@pytest.mark.timeout(300)
async def test_the_demo_holds_a_conversation_in_both_languages(program: Program) -> None:
    program.deploy(SHIPPED)
    shown = await program.run("demo", "--out", "audio")
    assert shown.status == 0, shown.printed
    assert "FAILED" not in shown.out
    for exchange in EXCHANGES:
        steps = [line for line in shown.out.splitlines() if f" {exchange.language} " in line]
        assert len(steps) == 8
        assert all(line.startswith("ok ") for line in steps)
        told = "\n".join(steps)
        for what in (exchange.greeting, exchange.speaker, "whisper-base", "rules", "from the cache"):
            assert what in told
        for name in ("question", "answer"):
            assert is_mp3(program.folder / "audio" / f"{name}-{exchange.language}.mp3")
    assert str(program.folder / "audio") in shown.out


def is_mp3(path: Path) -> bool:
    data = path.read_bytes()
    return len(data) > 5_000 and (data.startswith(b"ID3") or data[0] == 0xFF)


@pytest.mark.parametrize("exchange", EXCHANGES, ids=str)
async def test_a_question_is_spoken_heard_understood_and_answered_aloud(
    exchange: Exchange, caller: httpx.AsyncClient, speech: Speech, hear: Hear
) -> None:
    body = {"project": "demo", "language": exchange.language, "user_id": "u1"}
    session = (await caller.post(f"{VOICE}/session/start", json=body)).json()
    assert session["initial_greeting"] == exchange.greeting
    heard = await hear(await speech(exchange.question, exchange.language), exchange.language)
    assert alike(heard["text"], exchange.question)
    assert heard["provider"] == "whisper-base"

    asked = {"text": heard["text"], "project": "demo", "language": exchange.language}
    intent = (await caller.post(f"{VOICE}/dialog/intent", json=asked)).json()
    assert (intent["intent"], intent["entities"]["target_section"]) == ("navigate", exchange.section)
    assert intent["suggested_action"] == {"type": "navigate", "url": f"/{exchange.section}"}

    said = {"text": heard["text"], "project": "demo", "session_id": session["session_id"]}
    answered = await caller.post(f"{VOICE}/dialog/respond", json=said)
    assert answered.status_code == 202
    answer = answered.json()
    assert [action["url"] for action in answer["suggested_actions"]] == [f"/{exchange.section}"]
    spoken = await caller.get(answer["audio_url"])
    assert spoken.headers["Content-Type"] == "audio/mpeg"
    reply = await hear(spoken.content, exchange.language)
    assert alike(reply["text"], answer["text"])

    path = f"{VOICE}/session/{session['session_id']}"
    history = (await caller.get(f"{path}/history")).json()["items"]
    assert [item["type"] for item in history] == ["user", "assistant"]
    assert [item["content"]["text"] for item in history] == [heard["text"], answer["text"]]
    assert {item["user_id"] for item in history} == {"u1"}
    assert (await caller.delete(path)).status_code == 204
    assert (await caller.get(path)).status_code == 404


@pytest.mark.parametrize("exchange", EXCHANGES, ids=str)
async def test_speech_sent_in_chunks_is_answered_on_the_websocket(
    exchange: Exchange, caller: httpx.AsyncClient, speech: Speech
) -> None:
    started = await caller.post(
        f"{VOICE}/session/start", json={"project": "demo", "language": exchange.language}
    )
    session = started.json()
    audio = await speech(exchange.question, exchange.language, format="opus")
    pieces = [audio[start : start + 2_000] for start in range(0, len(audio), 2_000)]
    async with connect(session["websocket_url"]) as websocket:
        for number, piece in enumerate(pieces):
            chunk = {
                "type": "audio_chunk",
                "data": base64.b64encode(piece).decode(),
                "sequence": number,
                "is_final": number == len(pieces) - 1,
            }
            await websocket.send(json.dumps(chunk))
        messages = {}
        async for received in websocket:
            message = json.loads(received)
            assert message["type"] != "error", message
            messages[message["type"]] = message
            if message["type"] == "response":
                break
    assert alike(messages["transcription"]["text"], exchange.question)
    assert messages["transcription"]["is_final"] is True
    response = messages["response"]
    assert [action["url"] for action in response["suggested_actions"]] == [f"/{exchange.section}"]
    async with httpx.AsyncClient(base_url=str(caller.base_url)) as page:
        assert (await page.get(response["audio_url"])).headers["Content-Type"] == "audio/mpeg"
    history = (await caller.get(f"{VOICE}/session/{session['session_id']}/history")).json()["items"]
    assert [item["type"] for item in history] == ["recognition", "assistant"]


async def test_one_server_speaks_a_hundred_languages(caller: httpx.AsyncClient) -> None:
    for language, text in (("de-DE", "Guten Morgen"), ("fr-FR", "Bonjour"), ("ka-GE", "გამარჯობა")):
        body = {"text": text, "language": language}
        spoken = await caller.post(f"{VOICE}/synthesize", json=body)
        assert (spoken.status_code, spoken.json()["provider"]) == (202, "espeak")
        assert spoken.json()["duration_seconds"] > 0.3
