"""What Hypercorn 0.18 gets wrong about WebSockets, put right from outside: it has no setting for either."""

import asyncio
from contextlib import suppress

from hypercorn.protocol import h2, h11, ws_stream
from hypercorn.protocol.events import Event
from hypercorn.protocol.ws_stream import WSStream
from wsproto.events import Ping


def correct_hypercorn() -> None:
    """Decline compression, and end the pings of a connection with the connection."""
    # On PCM, permessage-deflate costs five times the CPU, and clients offer it unasked.
    setattr(ws_stream, "server_extensions_handshake", lambda _requested, _supported: None)  # noqa: B010  # not exported
    for module in (h11, h2):
        setattr(module, "WSStream", _Stream)  # noqa: B010  # as above


class _Stream(WSStream):
    """A stream whose ping task does not sleep on for an interval after the client has gone.

    Hypercorn's own holds the closed connection that long, and the shutdown of the server with it.
    """

    _gone: asyncio.Event | None = None

    async def handle(self, event: Event) -> None:
        await super().handle(event)
        if self.closed and self._gone is not None:
            self._gone.set()

    async def _send_pings(self) -> None:
        self._gone = asyncio.Event()
        while not self.closed:
            await self._send_wsproto_event(Ping())
            with suppress(TimeoutError):
                async with asyncio.timeout(self.config.websocket_ping_interval):
                    await self._gone.wait()
