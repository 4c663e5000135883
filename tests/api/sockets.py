"""What tests say and hear over a WebSocket."""

import contextlib
import json
from typing import Any

from websockets.asyncio.client import ClientConnection
from websockets.exceptions import ConnectionClosed


async def receive(socket: ClientConnection) -> dict[str, Any]:
    """Receive the next message that is no audio."""
    while isinstance(data := await socket.recv(), bytes):
        pass
    message: dict[str, Any] = json.loads(data)
    return message


async def until(socket: ClientConnection, kind: str) -> list[dict[str, Any]]:
    """Receive up to the first message of a type."""
    messages = [await receive(socket)]
    while messages[-1]["type"] != kind:
        messages.append(await receive(socket))
    return messages


async def send(socket: ClientConnection, kind: str, **fields: Any) -> None:
    """Send a message."""
    await socket.send(json.dumps({"type": kind, **fields}))


async def closing(socket: ClientConnection) -> int | None:
    """Read until the server closes, and return its close code."""
    with contextlib.suppress(ConnectionClosed):
        async for _ in socket:
            pass
    return socket.close_code
