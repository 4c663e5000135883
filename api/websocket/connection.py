"""A WebSocket of the app that holds few unread messages, and sends without delay."""

import asyncio

from hypercorn.typing import WebsocketScope
from quart import Quart, Websocket
from quart.asgi import ASGIWebsocketConnection

_UNREAD_MESSAGES = 16


class BoundedWebsocketConnection(ASGIWebsocketConnection):
    """Leaves a client that sends faster than it is answered to the server, and that to TCP.

    Quart's own takes in whatever comes: a client that does not read its answers fills the memory.
    """

    def __init__(self, app: Quart, scope: WebsocketScope) -> None:
        super().__init__(app, scope)
        self.queue = asyncio.Queue(_UNREAD_MESSAGES)


class PromptWebsocket(Websocket):
    """Sends at once what the app sends.

    Quart's own lets everybody else have a turn before each message, for an app that would send for ever.
    """

    async def send(self, data: str | bytes) -> None:
        """Send a message over the socket, which has been accepted; waits while the client takes none."""
        await self._send(data)
