"""A session that is ended on one server closes its WebSockets on every other."""

import asyncio
import contextlib
import json
from datetime import UTC, datetime
from typing import Any

from pydantic import SecretStr
from pymongo import AsyncMongoClient
from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosedError

from tests.faulty_mongo import failing

from .conftest import VOICE, Serve, Server

DATABASE = "glottis_endings"


async def greeted(socket: ClientConnection) -> None:
    assert json.loads(await socket.recv())["status"] == "listening"


async def close_code(socket: ClientConnection) -> int | None:
    """Read until the server closes, and return its close code."""
    async with asyncio.timeout(30):
        with contextlib.suppress(ConnectionClosedError):
            async for _ in socket:
                pass
    return socket.close_code


async def require_alive(socket: ClientConnection) -> None:
    await socket.send(json.dumps({"type": "ping"}))
    assert json.loads(await socket.recv())["type"] == "pong"


async def start(server: Server) -> str:
    session_id: str = (await server.start_session())["session_id"]
    return session_id


async def test_ending_a_session_on_one_server_closes_its_websockets_on_another(serve: Serve) -> None:
    async with serve() as one, serve() as other:
        session_id, other_id = await start(one), await start(one)
        async with other.websocket(session_id) as closed, other.websocket(other_id) as kept:
            for socket in (closed, kept):
                await greeted(socket)
            ended = await one.client.delete(f"{VOICE}/session/{session_id}")
            assert ended.status_code == 204
            assert await close_code(closed) == 4410
            await require_alive(kept)


async def test_an_ending_that_was_missed_closes_the_websockets_once_the_gap_is_known(
    serve: Serve, faulty_url: str
) -> None:
    where: dict[str, Any] = {"mongo_url": SecretStr(faulty_url), "mongo_database": DATABASE}
    async with AsyncMongoClient[dict[str, Any]](faulty_url) as client, serve(**where) as server:
        session_id, other_id = await start(server), await start(server)
        async with server.websocket(session_id) as closed, server.websocket(other_id) as kept:
            for socket in (closed, kept):
                await greeted(socket)
            await client[DATABASE]["voice_sessions"].update_one(
                {"_id": session_id}, {"$set": {"ended_at": datetime.now(UTC)}}
            )
            events = {"namespace": f"{DATABASE}.events"}
            async with failing(client, "getMore", mode={"times": 1}, errorCode=286, **events):
                assert await close_code(closed) == 4410
            await require_alive(kept)
