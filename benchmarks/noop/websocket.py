"""A WebSocket client that costs next to nothing: no masking to speak of, no compression, no tasks."""

import asyncio
import json
import os
import struct
from base64 import b64encode
from collections.abc import Callable
from functools import cache
from typing import Any, cast
from urllib.parse import urlsplit

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
GONE = 1006
_CONNECTS_S = 30.0
Hear = Callable[[int, bytes], None]


def frame(payload: bytes, opcode: int = BINARY) -> bytes:
    """Make a client's frame, masked with zeros: it need not be masked twice."""
    size = len(payload)
    if size < 126:
        head = struct.pack("!BB4x", 0x80 | opcode, 0x80 | size)
    elif size < 65_536:
        head = struct.pack("!BBH4x", 0x80 | opcode, 0x80 | 126, size)
    else:
        head = struct.pack("!BBQ4x", 0x80 | opcode, 0x80 | 127, size)
    return head + payload


@cache
def said(kind: str, **fields: Any) -> bytes:
    """Make the frame of a message without lists in it."""
    return message({"type": kind, **fields})


def message(fields: dict[str, Any]) -> bytes:
    return frame(json.dumps(fields, separators=(",", ":")).encode(), TEXT)


class Socket(asyncio.Protocol):
    """One connection. `hear(opcode, payload)` is called for every message, from the event loop."""

    def __init__(self, host: str, path: str, hear: Hear) -> None:
        self._request = (
            f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {b64encode(os.urandom(16)).decode()}\r\n\r\n"
        ).encode()
        self._hear = hear
        self._buffer = b""
        self._is_open = False
        self._answers_pings = True
        loop = asyncio.get_running_loop()
        self.opened: asyncio.Future[None] = loop.create_future()
        self.closed: asyncio.Future[int] = loop.create_future()
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's are transports in all but their class.
        self.transport = cast(asyncio.Transport, transport)
        self.transport.write(self._request)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.opened.done():
            self.opened.set_exception(exc or ConnectionError("the server closed at once"))
        self._end(GONE)

    def data_received(self, data: bytes) -> None:
        data = self._buffer + data if self._buffer else data
        if not self._is_open:
            head, found, data = data.partition(b"\r\n\r\n")
            if not found:
                self._buffer = head
                return
            if b" 101 " not in head:
                self.opened.set_exception(ConnectionError(head.decode(errors="replace")))
                self.transport.abort()
                return
            self._is_open = True
            self.opened.set_result(None)
        self._buffer = self._frames(data)

    def send(self, data: bytes) -> None:
        """Send a frame made before."""
        self.transport.write(data)

    def refuse_pings(self) -> None:
        """Answer no pings from now on."""
        self._answers_pings = False

    def hear(self, hear: Hear) -> None:
        """Have another told of what comes from now on."""
        self._hear = hear

    async def close(self) -> None:
        """Leave as one should."""
        if not self.transport.is_closing():
            self.send(frame(struct.pack("!H", 1000), CLOSE))
        await asyncio.wait({self.closed}, timeout=5)
        self.transport.abort()

    def _frames(self, data: bytes) -> bytes:
        at, end = 0, len(data)
        while end - at >= 2:
            size, start = data[at + 1] & 0x7F, at + 2
            if size == 126:
                start += 2
                size = int.from_bytes(data[at + 2 : start]) if start <= end else end
            elif size == 127:
                start += 8
                size = int.from_bytes(data[at + 2 : start]) if start <= end else end
            if start + size > end:
                break
            self._frame(data[at] & 0x0F, data[start : start + size])
            at = start + size
        return data[at:]

    def _frame(self, opcode: int, payload: bytes) -> None:
        if opcode == PING:
            if self._answers_pings:
                self.send(frame(payload, PONG))
        elif opcode == CLOSE:
            self._end(int.from_bytes(payload[:2]) if payload else 1005)
            if not self.transport.is_closing():
                self.send(frame(payload[:2], CLOSE))
        elif opcode != PONG:
            self._hear(opcode, payload)

    def _end(self, code: int) -> None:
        if not self.closed.done():
            self.closed.set_result(code)


async def connect(url: str, hear: Hear) -> Socket:
    """Connect to "ws://host:port/path"."""
    parts = urlsplit(url)
    if parts.hostname is None or parts.port is None:
        raise ValueError(f"not an address: {url}")
    loop = asyncio.get_running_loop()
    _, socket = await loop.create_connection(
        lambda: Socket(parts.netloc, parts.path, hear), parts.hostname, parts.port
    )
    async with asyncio.timeout(_CONNECTS_S):
        await socket.opened
    return socket
