"""The log of a server: a JSON object a line, with ids of request and session, without what people said."""

import base64
import json
from pathlib import Path

import pytest
from websockets.asyncio.client import connect

from tests.program import MOCK, VOICE, Program, Serving

WORD = "zanzibar"
BROKEN = MOCK.replace('synthesize = ["mock"]', 'synthesize = ["broken", "mock"]') + (
    '[providers.broken]\nuse = "mock"\nfail_with = "unavailable"\n'
)


async def say_it_everywhere(server: Serving) -> str:
    """Use every route that takes words or speech; give the session's id."""
    session = await server.start_session()
    client, session_id = server.client, session["session_id"]
    said = {"project": "demo", "session_id": session_id, "text": WORD}
    for path, body in (
        ("synthesize", {"text": WORD}),
        ("synthesize", {"text": WORD, "voice": "bass"}),
        ("recognize", {"text_hint": WORD}),
        ("recognize", {"audio_base64": base64.b64encode(WORD.encode()).decode()}),
        ("dialog/intent", {"text": WORD, "project": "demo"}),
        ("dialog/respond", said),
        ("dialog/respond", {**said, "project": "other"}),
    ):
        await client.post(f"{VOICE}/{path}", json=body, headers={"X-Request-ID": path.replace("/", "-")})
    spoken = await client.post(f"{VOICE}/synthesize", json={"text": f"{WORD} again"})
    audio = base64.b64encode((await client.get(spoken.json()["audio_url"])).content).decode()
    heard = await client.post(f"{VOICE}/recognize", json={"audio_base64": audio})
    assert heard.json()["text"] == f"{WORD} again"
    async with connect(session["websocket_url"]) as websocket:
        for message in (
            {"type": "text_input", "text": WORD},
            {"type": "audio_chunk", "data": audio, "sequence": 0, "is_final": True},
            {"type": WORD},
        ):
            await websocket.send(json.dumps(message))
        answers = 0
        async for received in websocket:
            answers += json.loads(received)["type"] == "response"
            if answers == 2:
                break
    await client.get(f"{VOICE}/session/{session_id}/history")
    return str(session_id)


@pytest.mark.parametrize("level", ["info", "debug"])
async def test_what_people_say_is_in_no_line(program: Program, level: str) -> None:
    program.deploy(BROKEN)
    async with program.serving(GLOTTIS_LOG_LEVEL=level) as server:
        session_id = await say_it_everywhere(server)
        assert await server.end() == 0
    err = lines(program.folder / "serve.err")
    assert err
    for line in err:
        entry = json.loads(line)
        assert {"event", "level", "logger", "timestamp"} <= set(entry)
        assert WORD not in line
        assert base64.b64encode(WORD.encode()).decode() not in line
    failures = [json.loads(line) for line in err if "provider failed" in line]
    assert {"synthesize", "dialog-respond"} <= {entry.get("request_id") for entry in failures}
    assert session_id in {entry.get("session_id") for entry in failures}


def lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").splitlines()


async def test_a_person_may_have_the_log_as_text(program: Program) -> None:
    async with program.serving(GLOTTIS_LOG_FORMAT="text") as server:
        assert await server.end() == 0
    err = lines(program.folder / "serve.err")
    assert any("serving" in line and server.address in line for line in err)
    assert not any(line.startswith("{") for line in err)
