"""The conversation over WebSocket."""

import asyncio
import base64
from typing import Any

import pytest
from glottis.core.access import ANYONE
from glottis.plugins import ErrorCategory, ProviderError
from glottis.plugins.conformance import ScriptedIntentHandler

from .conftest import MOCK, PASSWORD, VOICE, Serve, Server
from .sockets import closing, receive, send, until


async def close_code(connection: Any) -> int | None:
    async with connection as socket:
        return await closing(socket)


async def test_a_typed_turn(server: Server) -> None:
    session_id = (await server.start_session(language="en-US"))["session_id"]
    async with server.websocket(session_id) as socket:
        hello = await receive(socket)
        assert (hello["status"], hello["message"]) == ("listening", "Listening...")
        await send(socket, "text_input", text="show the prices")
        messages = await until(socket, "response")
        assert [message.get("status") for message in messages[:-1]] == ["thinking", "speaking"]
        response = messages[-1]
        assert response["text"]
        assert response["sources"] == []
        assert {message["turn_id"] for message in messages} == {1}
        assert (await receive(socket))["status"] == "listening"
        audio = await server.client.get(response["audio_url"])
        assert audio.headers["Content-Type"] == "audio/mpeg"
    sequence = [hello["seq"], *(message["seq"] for message in messages)]
    assert sequence == list(range(1, len(sequence) + 1))


async def test_a_question_comes_before_its_answer_in_the_history_however_quick_that_is(
    server: Server,
) -> None:
    session_id = (await server.start_session(language="en-US"))["session_id"]
    async with server.websocket(session_id) as socket:
        await send(socket, "start", reply={"audio": "none"})
        for number in range(10):
            await send(socket, "text_input", text=str(number))
            await until(socket, "metrics")
    history = (await server.client.get(f"{VOICE}/session/{session_id}/history")).json()["items"]
    assert [item["type"] for item in history] == ["user", "assistant"] * 10


async def test_a_spoken_turn_in_chunks_with_one_sent_twice(server: Server) -> None:
    spoken = await server.client.post(
        f"{VOICE}/synthesize", json={"text": "show the prices", "language": "en-US"}
    )
    audio = (await server.client.get(spoken.json()["audio_url"])).content
    third = len(audio) // 3
    chunks = [audio[:third], audio[third : 2 * third], audio[2 * third :]]
    session_id = (await server.start_session(language="en-US"))["session_id"]
    async with server.websocket(session_id) as socket:
        for number in (0, 1, 1, 2):
            data = base64.b64encode(chunks[number]).decode()
            await send(socket, "audio_chunk", data=data, sequence=number, is_final=number == 2)
        messages = await until(socket, "response")
        transcription = next(message for message in messages if message["type"] == "transcription")
        assert (transcription["text"], transcription["is_final"]) == ("show the prices", True)
        assert 0 < transcription["confidence"] <= 1
    history = (await server.client.get(f"{VOICE}/session/{session_id}/history")).json()["items"]
    assert [item["type"] for item in history] == ["recognition", "assistant"]
    assert history[0]["provider"] == "mock"


async def test_a_missing_chunk_is_told(server: Server) -> None:
    session_id = (await server.start_session())["session_id"]
    async with server.websocket(session_id) as socket:
        for number in (5, 7):
            await send(socket, "audio_chunk", data="AAAA", sequence=number)
        error = (await until(socket, "error"))[-1]
    assert error["code"] == "sequence_gap"


async def test_a_numbered_message_that_is_sent_again_is_taken_in_once(server: Server) -> None:
    session_id = (await server.start_session())["session_id"]
    async with server.websocket(session_id) as socket:
        await send(socket, "audio_chunk", data="", sequence=3)
        for sequence in (4, 4, 5):
            await send(socket, "navigation_command", action=f"page {sequence}", sequence=sequence)
        assert (await until(socket, "error"))[-1]["code"] == "sequence_repeated"
        await send(socket, "interrupt", sequence=6)
        await send(socket, "ping")
        await until(socket, "pong")
    async with server.websocket(session_id) as socket:
        await send(socket, "start", resume_from=1)
        assert (await until(socket, "resumed"))[-1]["next_sequence"] == 7
    history = (await server.client.get(f"{VOICE}/session/{session_id}/history")).json()["items"]
    assert sorted(item["content"]["action"] for item in history) == ["page 4", "page 5"]


async def test_who_resumes_late_is_told_how_much_of_what_came_does_not_count(server: Server) -> None:
    session_id = (await server.start_session())["session_id"]
    async with server.websocket(session_id) as socket:
        await receive(socket)
    async with server.websocket(session_id) as socket:
        early = await receive(socket)  # the server has waited long enough for a word from the client
        await send(socket, "start", resume_from=1)
        *again, resumed = await until(socket, "resumed")
    assert again == [early]
    assert resumed["sent_before"] == 1


async def test_a_ping_is_answered_while_a_turn_runs(serve: Serve) -> None:
    gate = asyncio.Event()
    handler = ScriptedIntentHandler(replies=[(gate, "done")])
    async with serve('enable = ["test"]\n[routes]\nintents = ["scripted"]', handler.spec()) as server:
        session_id = (await server.start_session())["session_id"]
        async with server.websocket(session_id) as socket:
            await send(socket, "text_input", text="slow")
            await send(socket, "ping")
            await until(socket, "pong")
            gate.set()
            assert (await until(socket, "response"))[-1]["text"] == "done"


async def test_a_navigation_command_is_remembered(server: Server) -> None:
    session_id = (await server.start_session())["session_id"]
    async with server.websocket(session_id) as socket:
        await receive(socket)
        await send(socket, "navigation_command", action="scroll", params={"to": "top"})
        assert (await receive(socket))["status"] == "listening"
    history = (await server.client.get(f"{VOICE}/session/{session_id}/history")).json()["items"]
    assert [(item["type"], item["content"]) for item in history] == [
        ("navigation", {"action": "scroll", "params": {"to": "top"}})
    ]


async def test_what_cannot_be_remembered_is_told(server: Server) -> None:
    session_id = (await server.start_session())["session_id"]
    params: dict[str, Any] = {}
    for _ in range(60):
        params = {"deeper": params}
    async with server.websocket(session_id) as socket:
        await send(socket, "navigation_command", action="scroll", params=params)
        assert (await until(socket, "error"))[-1]["code"] == "unprocessable"


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-1e999"])
async def test_a_number_that_json_does_not_have_does_not_get_into_the_history(
    server: Server, number: str
) -> None:
    session_id = (await server.start_session())["session_id"]
    async with server.websocket(session_id) as socket:
        message = '{"type": "navigation_command", "action": "scroll", "params": {"to": [NUMBER]}}'
        await socket.send(message.replace("NUMBER", number))
        assert (await until(socket, "error"))[-1]["code"] == "invalid_input"
    history = await server.client.get(f"{VOICE}/session/{session_id}/history")
    assert history.json()["items"] == []


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ("{", "bad_json"),
        ("[]", "unknown_type"),
        ("{}", "unknown_type"),
        ('{"type": "dance"}', "unknown_type"),
        ('{"type": "text_input"}', "invalid_input"),
        ('{"type": "text_input", "text": ""}', "invalid_input"),
        ('{"type": "audio_chunk", "data": "?", "sequence": 0}', "invalid_input"),
        ('{"type": "audio_chunk", "data": "AAAA", "sequence": -1}', "invalid_input"),
        ('{"type": "text_input", "text": "' + "x" * 4_000 + '"}', "too_large"),
        ('{"type": "text_input", "text": "' + "x" * 70_000 + '"}', "too_large"),
    ],
)
async def test_a_bad_message_is_told_and_the_connection_lives(serve: Serve, message: str, code: str) -> None:
    async with serve(ws_max_message_bytes=65_536) as server:
        session_id = (await server.start_session())["session_id"]
        async with server.websocket(session_id) as socket:
            await socket.send(message)
            error = (await until(socket, "error"))[-1]
            assert error["code"] == code
            assert error["message"]
            await send(socket, "ping")
            await until(socket, "pong")


async def test_what_is_not_audio_is_told_and_the_connection_lives(server: Server) -> None:
    session_id = (await server.start_session())["session_id"]
    async with server.websocket(session_id) as socket:
        data = base64.b64encode(b"\x89PNG\r\n\x1a\n" + bytes(50)).decode()
        await send(socket, "audio_chunk", data=data, is_final=True)
        messages = await until(socket, "error")
        assert messages[-1]["code"] == "unsupported_audio"
        assert [(await receive(socket))["status"] for _ in range(2)] == ["error", "listening"]


async def test_an_answer_that_fails_is_told_in_the_persons_language(serve: Serve) -> None:
    down = ScriptedIntentHandler(matches=[ProviderError(ErrorCategory.UNAVAILABLE, "down")])
    async with serve('enable = ["test"]\n[routes]\nintents = ["scripted"]', down.spec()) as server:
        session_id = (await server.start_session())["session_id"]
        async with server.websocket(session_id) as socket:
            await send(socket, "text_input", text="hello")
            assert (await until(socket, "error"))[-1]["code"] == "unavailable"
            status = await receive(socket)
    assert (status["status"], status["message"]) == ("error", "Произошла ошибка")


async def test_an_unknown_session_is_closed_with_4404(server: Server) -> None:
    assert await close_code(server.websocket("0" * 32)) == 4404


async def test_an_ended_session_is_closed_with_4410(server: Server) -> None:
    session_id = (await server.start_session())["session_id"]
    await server.client.delete(f"{VOICE}/session/{session_id}")
    assert await close_code(server.websocket(session_id)) == 4410


async def test_a_session_that_is_ended_under_its_connection_closes_it_with_4410(server: Server) -> None:
    session_id = (await server.start_session())["session_id"]
    other_id = (await server.start_session())["session_id"]
    async with server.websocket(session_id) as socket, server.websocket(other_id) as untouched:
        for each in (socket, untouched):
            await receive(each)
        await server.client.delete(f"{VOICE}/session/{session_id}")
        async with asyncio.timeout(10):
            assert await closing(socket) == 4410
        await send(untouched, "ping")
        await until(untouched, "pong")


async def test_a_session_that_is_not_ended_through_the_api_is_closed_with_4410_too(server: Server) -> None:
    session_id = (await server.start_session())["session_id"]
    async with server.websocket(session_id) as socket:
        await receive(socket)
        await server.platform.sessions.end(session_id, ANYONE)
        assert await closing(socket) == 4410


async def test_a_session_that_expires_under_a_connection_is_closed_with_4410(serve: Serve) -> None:
    async with serve(session_timeout_s=1) as server:
        session_id = (await server.start_session())["session_id"]
        assert await close_code(server.websocket(session_id)) == 4410


async def test_one_connection_too_many_is_closed_with_4429(serve: Serve) -> None:
    async with serve(ws_max_connections=1) as server:
        session_id = (await server.start_session())["session_id"]
        async with server.websocket(session_id) as socket:
            await receive(socket)
            assert await close_code(server.websocket(session_id)) == 4429


async def test_the_session_id_is_the_credential(serve: Serve) -> None:
    async with serve(users={"alice": ("demo",)}) as server:
        started = await server.client.post(
            f"{VOICE}/session/start",
            json={"project": "demo", "language": "en-US"},
            auth=("alice", PASSWORD),
        )
        async with server.websocket(started.json()["session_id"]) as socket:
            await send(socket, "text_input", text="hello")
            url = (await until(socket, "response"))[-1]["audio_url"]
        assert (await server.client.get(url)).status_code == 200
        unsigned = url.partition("?")[0]
        assert (await server.client.get(unsigned)).status_code == 401
        assert (await server.client.get(url[:-1])).status_code == 401
        other = f"{VOICE}/audio/{'0' * 32}?{url.partition('?')[2]}"
        assert (await server.client.get(other)).status_code == 401


@pytest.mark.parametrize(
    ("origin", "is_let_in"),
    [(None, True), ("https://shop.example", True), ("https://evil.example", False), ("null", False)],
)
async def test_a_foreign_page_connects_only_if_the_project_lists_it(
    server: Server,
    origin: str | None,
    is_let_in: bool,  # noqa: FBT001  # pytest passes parameters by name
) -> None:
    session_id = (await server.start_session())["session_id"]
    connection = server.websocket(session_id, origin=origin)
    if not is_let_in:
        assert await close_code(connection) == 4403
        return
    async with connection as socket:
        assert (await receive(socket))["type"] == "status"


async def test_a_server_that_goes_down_finishes_the_running_turn_and_closes_with_1012(
    serve: Serve,
) -> None:
    gate = asyncio.Event()
    handler = ScriptedIntentHandler(replies=[(gate, "finished")])
    async with serve('enable = ["test"]\n[routes]\nintents = ["scripted"]', handler.spec()) as server:
        session_id = (await server.start_session())["session_id"]
        async with server.websocket(session_id) as socket:
            await send(socket, "text_input", text="slow")
            await handler.log.wait_for(2)
            server.draining.set()
            assert (await server.client.get("/readyz")).status_code == 503
            gate.set()
            assert (await until(socket, "response"))[-1]["text"] == "finished"
            assert await closing(socket) == 1012
        assert await close_code(server.websocket(session_id)) == 1012


async def test_turns_that_pile_up_are_refused(serve: Serve) -> None:
    gate = asyncio.Event()
    handler = ScriptedIntentHandler(replies=[(gate, "done")])
    async with serve('enable = ["test"]\n[routes]\nintents = ["scripted"]', handler.spec()) as server:
        session_id = (await server.start_session())["session_id"]
        async with server.websocket(session_id) as socket:
            for number in range(10):
                await send(socket, "text_input", text=f"turn {number}")
            error = (await until(socket, "error"))[-1]
            assert "turns are waiting" in error["message"]
            gate.set()
            await until(socket, "response")


async def test_the_server_refuses_compression(serve: Serve) -> None:
    async with serve(MOCK) as server:
        session_id = (await server.start_session())["session_id"]
        async with server.websocket(session_id, compression="deflate") as socket:
            assert socket.protocol.extensions == []


async def test_a_chunk_that_is_not_base64_is_told_by_the_name_of_its_field(server: Server) -> None:
    session_id = (await server.start_session())["session_id"]
    async with server.websocket(session_id) as socket:
        await send(socket, "audio_chunk", data="?")
        (*_, error) = await until(socket, "error")
    assert error["message"].startswith("data: ")
