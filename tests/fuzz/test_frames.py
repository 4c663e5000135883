"""Bytes that are no WebSocket, or a wrong one: the connection ends, and nothing else does."""

import asyncio
import contextlib
import struct

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .conftest import Server

SOON_S = 20.0
_OPCODES = st.one_of(st.sampled_from([0, 1, 2, 8, 9, 10]), st.integers(0, 15))


@st.composite
def frames(draw: st.DrawFn) -> bytes:
    """Make a frame whose head may lie about all that it tells."""
    payload = draw(st.one_of(st.binary(max_size=130), st.sampled_from([b'{"type":"ping"}', b"\xff" * 300])))
    first = draw(st.sampled_from([0x80, 0x80, 0x80, 0x00, 0xC0, 0xF0])) | draw(_OPCODES)
    length = draw(st.one_of(st.just(len(payload)), st.integers(0, 2**63 - 1)))
    mask = draw(st.sampled_from([0x80, 0x80, 0x80, 0x00]))
    if length < 126:
        head = struct.pack("!BB", first, mask | length)
    elif length < 2**16:
        head = struct.pack("!BBH", first, mask | 126, length)
    else:
        head = struct.pack("!BBQ", first, mask | 127, length)
    return head + (b"\0\0\0\0" if mask else b"") + payload


@settings(
    max_examples=100, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck)
)
@given(
    sent=st.lists(st.one_of(frames(), frames(), st.binary(max_size=60)), min_size=1, max_size=8),
    how=st.sampled_from(["reset", "half-closed", "closed"]),
)
async def test_frames_that_break_the_protocol_break_nothing_else(
    server: Server, sent: list[bytes], how: str
) -> None:
    session_id = (await server.start_session())["session_id"]
    async with asyncio.timeout(SOON_S):
        reader, writer = await upgraded(server, session_id)
        with contextlib.suppress(ConnectionError):
            for data in sent:
                writer.write(data)
                await writer.drain()
            if how == "half-closed":
                writer.write_eof()
                await reader.read()
        if how == "reset":
            writer.transport.abort()
        else:
            writer.close()
        async with server.websocket(session_id) as socket:
            await socket.send('{"type":"ping"}')
            while '"pong"' not in str(await socket.recv()):
                pass


async def upgraded(server: Server, session_id: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    host, port = server.address.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(
        f"GET /api/v1/voice/ws/{session_id} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
    )
    assert b"101" in await reader.readuntil(b"\r\n\r\n")
    return reader, writer
