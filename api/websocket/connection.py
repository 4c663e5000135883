"""A WebSocket of the app that holds few unread messages."""

import asyncio

from hypercorn.typing import WebsocketScope
from quart import Quart
from quart.asgi import ASGIWebsocketConnection

_UNREAD_MESSAGES = 16


class BoundedWebsocketConnection(ASGIWebsocketConnection):
    """Leaves a client that sends faster than it is answered to the server, and that to TCP.

    Quart's own takes in whatever comes: a client that does not read its answers fills the memory.
    """

    def __init__(self, app: Quart, scope: WebsocketScope) -> None:
        super().__init__(app, scope)
        self.queue = asyncio.Queue(_UNREAD_MESSAGES)
