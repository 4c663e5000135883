"""Whatever a client says, it is answered or shown out; the server and its log take no notice."""

import asyncio
import contextlib
import json

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed

from tests.fuzz.garbage import Cut, Step, steps

from .conftest import Server

DOCUMENTED = {1012, 1013, 4403, 4404, 4408, 4409, 4410, 4429}
TOO_BIG = 1009
SOON_S = 20.0
QUESTION = '{"type":"text_input","text":"are you there"}'


@settings(
    max_examples=90,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)
@given(said=steps, ending=st.sampled_from(["kept", "deleted"]))
async def test_whatever_is_said_a_ping_is_answered_or_the_connection_closed_as_documented(
    server: Server, said: list[Step], ending: str
) -> None:
    session_id = (await server.start_session(language="en-US"))["session_id"]
    async with asyncio.timeout(SOON_S):
        for part in _between_cuts(said):
            await _converse(server, session_id, part)
        assert (await server.client.get("/healthz")).status_code == 200
        if ending == "deleted":
            await server.client.delete(f"/api/v1/voice/session/{session_id}")


def _between_cuts(said: list[Step]) -> list[list[str | bytes]]:
    parts: list[list[str | bytes]] = [[]]
    for step in said:
        if isinstance(step, Cut):
            parts.append([])
        else:
            parts[-1].append(step)
    return parts


async def _converse(server: Server, session_id: str, said: list[str | bytes]) -> None:
    """Say it all, then ask whether anybody is there."""
    async with server.websocket(session_id, compression=None, max_size=None) as socket:
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(_until_as_many_pongs_as_pings(socket, said))
                for message in said:
                    await socket.send(message)
                await socket.send('{"type":"ping"}')
            await _until_answered(socket)
        except* ConnectionClosed:
            assert socket.close_code in DOCUMENTED | {TOO_BIG}
        with contextlib.suppress(AttributeError):
            socket.transport.abort()


async def _until_as_many_pongs_as_pings(socket: ClientConnection, said: list[str | bytes]) -> None:
    left = 1 + sum(_is_ping(message) for message in said)
    while left:
        data = await socket.recv()
        if isinstance(data, str) and json.loads(data)["type"] == "pong":
            left -= 1


async def _until_answered(socket: ClientConnection) -> None:
    """Ask something, and cut every answer short that is given before."""
    await socket.send(QUESTION)
    while True:
        data = await socket.recv()
        message = json.loads(data) if isinstance(data, str) else {"type": "frame"}
        if message["type"] == "response" and "are you there" in message["text"]:
            return
        if message["type"] == "audio":
            await socket.send('{"type":"interrupt"}')
        elif message["type"] == "error" and "turns are waiting" in message["message"]:
            await socket.send('{"type":"interrupt"}')
            await socket.send(QUESTION)


def _is_ping(message: str | bytes) -> bool:
    if isinstance(message, bytes):
        return False
    try:
        read = json.loads(message)
    except (ValueError, RecursionError):
        return False
    return isinstance(read, dict) and read.get("type") == "ping"
