"""A conversation goes on after its connection was cut: here, on another node, and after a node has died."""

import asyncio
import base64
import json
from typing import Any

import pytest
from glottis.plugins.conformance import ScriptedIntentHandler, ScriptedSynthesizer, tone
from websockets.asyncio.client import ClientConnection

from .conftest import VOICE, Serve, Server
from .sockets import closing, receive, send, until

SCRIPTED = 'enable = ["test"]\n[routes]\nintents = ["scripted"]'
SPEAKING = f'{SCRIPTED}\nsynthesize = ["speaker"]'


async def history(server: Server, session_id: str) -> list[tuple[str, str]]:
    items = (await server.client.get(f"{VOICE}/session/{session_id}/history")).json()["items"]
    return [(item["type"], item["content"]["text"]) for item in items]


@pytest.fixture(params=["the same node", "another node"])
def is_moving(request: pytest.FixtureRequest) -> bool:
    """Whether the client finds another node when it comes back."""
    return bool(request.param == "another node")


async def test_who_comes_back_gets_what_it_missed_once(serve: Serve, is_moving: bool) -> None:  # noqa: FBT001  # pytest passes fixtures by name
    handler = ScriptedIntentHandler(replies=["first", "second"])
    async with serve(SCRIPTED, handler.spec()) as one, serve(SCRIPTED, handler.spec()) as two:
        session_id = (await one.start_session())["session_id"]
        async with one.websocket(session_id) as socket:
            await send(socket, "start")
            await send(socket, "text_input", text="hello")
            before = await until(socket, "response")
            seen = before[-3]["seq"] if len(before) > 2 else 1
        async with (two if is_moving else one).websocket(session_id) as socket:
            await send(socket, "start", resume_from=seen)
            missed = await until(socket, "resumed")
            assert missed[-1]["is_complete"] is True
            await send(socket, "text_input", text="again")
            after = await until(socket, "response")
    assert [message["text"] for message in missed if message["type"] == "response"] == ["first"]
    assert after[-1]["text"] == "second"
    numbers = [message["seq"] for message in missed + after]
    assert numbers == list(range(seen + 1, seen + 1 + len(numbers)))
    assert turns(missed + after) == sorted(turns(missed + after))


def turns(messages: list[dict[str, Any]]) -> list[int]:
    return [message["turn_id"] for message in messages if "turn_id" in message]


async def test_an_answer_that_comes_while_nobody_is_there_is_given_to_who_comes_back(
    serve: Serve,
    is_moving: bool,  # noqa: FBT001  # as above
) -> None:
    gate = asyncio.Event()
    handler = ScriptedIntentHandler(replies=[(gate, "late"), (gate, "late")])
    async with serve(SCRIPTED, handler.spec()) as one, serve(SCRIPTED, handler.spec()) as two:
        session_id = (await one.start_session())["session_id"]
        async with one.websocket(session_id) as socket:
            await send(socket, "text_input", text="slow")
            seen = (await until(socket, "status"))[-1]["seq"]
            await handler.log.wait_for(2)
        async with (two if is_moving else one).websocket(session_id) as socket:
            gate.set()
            await send(socket, "start", resume_from=seen)
            assert (await until(socket, "response"))[-1]["text"] == "late"
        assert await history(one, session_id) == [("user", "slow"), ("assistant", "late")]


async def test_streamed_audio_goes_on_where_it_was_cut(serve: Serve) -> None:
    handler, speaker = ScriptedIntentHandler(replies=["a long answer"]), ScriptedSynthesizer(tone(2.0))
    reply = {"audio": "stream", "format": "pcm16", "sample_rate": 16_000}
    async with serve(SPEAKING, handler.spec(), speaker.spec("speaker")) as server:
        session_id = (await server.start_session())["session_id"]
        got, seen = b"", 0
        async with server.websocket(session_id) as socket:
            await send(socket, "start", reply=reply)
            await send(socket, "text_input", text="speak")
            while len(got) < 20_000:
                data = await socket.recv()
                if isinstance(data, bytes):
                    got += data
                else:
                    seen, got = json.loads(data)["seq"], b"" if got == b"" else got
            after_seen = len(got)
        async with server.websocket(session_id) as socket:
            await send(socket, "start", reply=reply, resume_from=seen, audio_received=after_seen)
            while True:
                data = await socket.recv()
                if isinstance(data, bytes):
                    got += data
                elif json.loads(data)["type"] == "audio_end":
                    break
    assert len(got) == 2 * 16_000 * 2


async def test_the_newer_of_two_connections_wins_and_the_older_is_told(serve: Serve, is_moving: bool) -> None:  # noqa: FBT001  # as above
    async with serve() as one, serve() as two:
        session_id = (await one.start_session())["session_id"]
        async with one.websocket(session_id) as older:
            await receive(older)
            async with (two if is_moving else one).websocket(session_id) as newer:
                async with asyncio.timeout(10):
                    assert await closing(older) == 4409
                await send(newer, "ping")
                await until(newer, "pong")


async def test_a_node_that_goes_down_leaves_the_conversation_to_the_next(serve: Serve) -> None:
    handler = ScriptedIntentHandler(replies=["first", "second"])
    async with serve(SCRIPTED, handler.spec()) as two:
        async with serve(SCRIPTED, handler.spec()) as one:
            session_id = (await one.start_session())["session_id"]
            async with one.websocket(session_id) as socket:
                await send(socket, "text_input", text="hello")
                await until(socket, "response")
                one.draining.set()
                assert await closing(socket) == 1012
        async with two.websocket(session_id) as socket:
            await send(socket, "start", resume_from=0)
            missed = await until(socket, "resumed")
            assert [message["text"] for message in missed if message["type"] == "response"] == ["first"]


async def test_a_conversation_is_forgotten_after_its_grace(serve: Serve) -> None:
    async with serve(ws_resume_s=0) as server:
        session_id = (await server.start_session())["session_id"]
        async with server.websocket(session_id) as socket:
            await send(socket, "text_input", text="hello")
            await until(socket, "response")
        async with server.websocket(session_id) as socket:
            hello = await receive(socket)
            await send(socket, "start", resume_from=1)
            resumed = (await until(socket, "resumed"))[-1]
    assert hello["status"] == "listening"
    assert resumed["is_complete"] is False


async def test_who_does_not_go_on_begins_to_count_anew(server: Server) -> None:
    spoken = await server.client.post(
        f"{VOICE}/synthesize", json={"text": "show the prices", "language": "en-US"}
    )
    audio = (await server.client.get(spoken.json()["audio_url"])).content
    session_id = (await server.start_session(language="en-US"))["session_id"]

    async def send_chunk(socket: ClientConnection, number: int, *, is_final: bool) -> None:
        data = base64.b64encode(audio).decode()
        await send(socket, "audio_chunk", data=data, sequence=number, is_final=is_final)

    async with server.websocket(session_id) as socket:
        for number in range(3):
            await send_chunk(socket, number, is_final=False)
        await send(socket, "ping")
        await until(socket, "pong")
    async with server.websocket(session_id) as socket:
        await send_chunk(socket, 0, is_final=True)
        heard = (await until(socket, "response"))[-3:]
    assert "show the prices" in [message.get("text") for message in heard]
