"""Clients that vanish, and clients that send and do not read."""

import asyncio
import contextlib
import itertools
import json
import logging
import socket
import struct
from asyncio import StreamReader, StreamWriter

import pytest
from websockets.exceptions import ConnectionClosedError

from .conftest import VOICE, Serve, Server
from .sockets import closing, until

_SOON_S = 10.0


async def connect(server: Server) -> tuple[StreamReader, StreamWriter]:
    """Connect with buffers so small that what is not read is felt at the other end soon."""
    host, port = server.address.removeprefix("http://").split(":")
    sock = socket.socket()
    for buffer in (socket.SO_RCVBUF, socket.SO_SNDBUF):
        sock.setsockopt(socket.SOL_SOCKET, buffer, 4_096)
    sock.setblocking(False)
    await asyncio.get_running_loop().sock_connect(sock, (host, int(port)))
    return await asyncio.open_connection(sock=sock, limit=1_024)


def frame(text: str) -> bytes:
    """Make a WebSocket frame as clients send it, masked with zeros."""
    data = text.encode()
    if len(data) < 126:
        return struct.pack("!BB4x", 0x81, 0x80 | len(data)) + data
    return struct.pack("!BBH4x", 0x81, 0x80 | 126, len(data)) + data


async def upgrade(server: Server) -> tuple[StreamReader, StreamWriter]:
    """Open the WebSocket of a new session, and read no more than its head."""
    session_id = (await server.start_session())["session_id"]
    reader, writer = await connect(server)
    writer.write(
        f"GET {VOICE}/ws/{session_id} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
    )
    assert b"101" in await reader.readuntil(b"\r\n\r\n")
    return reader, writer


async def flood(writer: StreamWriter) -> int:
    """Send until the server takes no more for a second, and return how much it took."""
    small, large = frame(json.dumps({"type": "dance"})), frame("x" * 60_000)
    taken = 0
    with contextlib.suppress(TimeoutError):
        for frames in [small * 100] * 20 + [large] * 500:
            writer.write(frames)
            async with asyncio.timeout(1.0):
                await writer.drain()
            taken += len(frames)
    return taken


async def test_a_client_that_does_not_read_is_not_read_from_and_leaves_its_place_when_it_vanishes(
    serve: Serve,
) -> None:
    async with serve(ws_max_connections=1, send_buffer=4_096) as server:
        _, writer = await upgrade(server)
        taken = await flood(writer)
        writer.transport.abort()
        assert taken < 16_000_000
        async with asyncio.timeout(_SOON_S):
            while not await is_let_in(server):
                pass


async def is_let_in(server: Server) -> bool:
    session_id = (await server.start_session())["session_id"]
    async with server.websocket(session_id) as connection:
        with contextlib.suppress(ConnectionClosedError):
            return bool(await connection.recv())
    return False


@pytest.mark.parametrize("request_head", ["", "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"])
async def test_a_connection_ends_with_its_client(server: Server, request_head: str) -> None:
    reader, writer = await connect(server)
    if request_head:
        writer.write(request_head.encode())
        assert b"200" in await reader.readuntil(b"\r\n\r\n")
    writer.write_eof()
    async with asyncio.timeout(_SOON_S):
        await reader.read()
    writer.close()
    await writer.wait_closed()


async def test_a_client_that_takes_nothing_loses_its_place_after_the_time_limit(serve: Serve) -> None:
    async with serve(ws_max_connections=1, ws_send_timeout_s=0.5, send_buffer=4_096) as server:
        _, writer = await upgrade(server)
        await flood(writer)
        async with asyncio.timeout(_SOON_S):
            while not await is_let_in(server):
                pass
        writer.transport.abort()


async def test_a_client_that_answers_no_pings_is_gone(serve: Serve) -> None:
    async with serve(ws_max_connections=1, ws_ping_interval_s=0.2) as server:
        reader, writer = await upgrade(server)
        async with asyncio.timeout(_SOON_S):
            while await reader.read(1_024):  # its pings come, and nobody answers
                pass
            assert await is_let_in(server)
        writer.close()


async def test_a_message_that_is_much_too_large_ends_the_connection_at_once(serve: Serve) -> None:
    async with serve(ws_max_message_bytes=1_024) as server:
        session_id = (await server.start_session())["session_id"]
        async with server.websocket(session_id, close_timeout=None) as connection:
            await connection.send(bytes(2_000_000))
            async with asyncio.timeout(_SOON_S):
                assert await closing(connection) == 1_009


async def test_a_storm_of_connections_of_one_session_leaves_the_newest_and_no_crash(
    server: Server, caplog: pytest.LogCaptureFixture
) -> None:
    session_id = (await server.start_session())["session_id"]

    async def come() -> int | None:
        async with server.websocket(session_id) as connection:
            await connection.send('{"type": "ping"}')
            return await closing(connection)

    async with asyncio.timeout(_SOON_S):
        coming = [asyncio.create_task(come()) for _ in range(50)]
        closed = [await one for one in itertools.islice(asyncio.as_completed(coming), 49)]
        async with server.websocket(session_id) as newest:
            await until(newest, "status")
            await asyncio.gather(*coming)
    assert set(closed) == {4_409}
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]
