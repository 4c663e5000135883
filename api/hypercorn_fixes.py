"""What Hypercorn 0.18 gets wrong, put right from outside: it has no setting for any of it."""

import asyncio
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import hypercorn.asyncio.run
from hypercorn.asyncio.tcp_server import TCPServer
from hypercorn.events import Closed, RawData, Updated
from hypercorn.events import Event as ConnectionEvent
from hypercorn.protocol import h2, h11, ws_stream
from hypercorn.protocol.events import Event, Request, StreamClosed
from hypercorn.protocol.ws_stream import ASGIWebsocketState, WSStream
from hypercorn.typing import (
    AppWrapper,
    ASGIReceiveCallable,
    ASGIReceiveEvent,
    ASGISendCallable,
    ASGISendEvent,
    Scope,
)
from wsproto.connection import ConnectionState
from wsproto.events import CloseConnection, Ping


def correct_hypercorn() -> None:
    """Decline compression, and end everything of a connection with the connection."""
    # On PCM, permessage-deflate costs five times the CPU, and clients offer it unasked.
    setattr(ws_stream, "server_extensions_handshake", lambda _requested, _supported: None)  # noqa: B010  # not exported
    for module in (h11, h2):
        setattr(module, "WSStream", _Stream)  # noqa: B010  # as above
    setattr(hypercorn.asyncio.run, "TCPServer", _Connection)  # noqa: B010  # as above


_WORTH_WAITING = 32 * 1024
_STUCK_S = 30.0
"""How long a client may take nothing of what it was sent before its connection is given up."""


class _Connection(TCPServer):
    """A connection that ends when its client has gone, not when it has been idle for long enough.

    One that takes nothing any more ends too: what it was sent would wait, and its handler with it, until TCP
    gives up, a quarter of an hour later.
    What is sent in one pass of the event loop goes to the kernel in one piece: for a head and its body, or
    messages that come together, it is asked once.
    """

    _has_ended = False
    _gathered = b""

    async def protocol_send(self, event: ConnectionEvent) -> None:
        if isinstance(event, RawData):
            is_flowing = self.writer.transport.get_write_buffer_size() == 0 and not self.writer.is_closing()
            if is_flowing and len(self._gathered) + len(event.data) < _WORTH_WAITING:
                # The usual case: the kernel takes it at once, and there is nothing to wait for.
                if not self._gathered:
                    self.loop.call_soon(self._hand_over)
                self._gathered += event.data
                return
            self._hand_over()
            await self._send_in_time(event)
        # An answer that was on its way when the client went would start the wait once more.
        elif not (self._has_ended and isinstance(event, Updated)):
            await super().protocol_send(event)

    def _hand_over(self) -> None:
        gathered, self._gathered = self._gathered, b""
        if gathered and not self.writer.is_closing():
            self.writer.write(gathered)

    async def _send_in_time(self, event: RawData) -> None:
        try:
            async with asyncio.timeout(_STUCK_S):
                await super().protocol_send(event)
        except TimeoutError:
            self.writer.transport.abort()
            await self.protocol.handle(Closed())

    async def _close(self) -> None:
        self._hand_over()
        async with asyncio.timeout(_STUCK_S) as limit:
            await super()._close()  # it swallows the cancellation by which it is told to hurry
        if limit.expired():
            self.writer.transport.abort()

    async def _read_data(self) -> None:
        await super()._read_data()
        self._has_ended = True
        await self.idle_task.stop()


class _Inbox:
    """The messages that an app has not read yet, few of them: whoever brings more waits.

    Hypercorn's own has no room for the news that the client has gone while an app that waits to send to just
    this client leaves it full. Here the news takes the place of all the rest, and nobody waits any longer.
    """

    _ROOM = 10

    def __init__(self) -> None:
        self._messages: deque[ASGIReceiveEvent] = deque([{"type": "websocket.connect"}])
        self._is_closed = False
        self._came = asyncio.Event()
        self._taken = asyncio.Event()

    async def put(self, message: ASGIReceiveEvent) -> None:
        if message["type"] == "websocket.disconnect":
            self._is_closed = True
            self._messages.clear()
            self._messages.append(message)
            self._taken.set()
        else:
            while len(self._messages) >= self._ROOM and not self._is_closed:
                self._taken.clear()
                await self._taken.wait()
            if self._is_closed:
                return
            self._messages.append(message)
        self._came.set()

    async def get(self) -> ASGIReceiveEvent:
        while not self._messages:
            self._came.clear()
            await self._came.wait()
        self._taken.set()
        return self._messages.popleft()


class _Stream(WSStream):
    """A WebSocket whose app hears at once that the client has gone, and soon that it has fallen silent.

    Hypercorn's own may never tell an app that is busy sending, and its ping task sleeps on for an interval:
    either holds the closed connection, and the shutdown of the server with it. Nor does it miss answers to
    its pings: a client that was cut off without a word would stay for ever. Nor does it read to the end what
    comes after a message that is too large, where the client's goodbye is.
    """

    _gone: asyncio.Event | None = None
    _is_heard = True

    def __init__(self, app: AppWrapper, *arguments: Any) -> None:
        super().__init__(self._run, *arguments)
        self._app = app
        self._inbox = _Inbox()

    async def handle(self, event: Event) -> None:
        self._is_heard = True
        await super().handle(event)
        if isinstance(event, Request) and self.app_put is not None:
            self.app_put = self._inbox.put
        if self.closed and self._gone is not None:
            self._gone.set()

    async def app_send(self, message: ASGISendEvent | None) -> None:
        # Quart lets others run between the call and the sending: one of them may have closed meanwhile.
        is_late = message is not None and message["type"] == "websocket.send"
        if not (is_late and self.state is ASGIWebsocketState.CLOSED):
            await super().app_send(message)

    async def _handle_events(self) -> None:
        await super()._handle_events()
        if self.connection.state is ConnectionState.LOCAL_CLOSING:
            for event in self.connection.events():
                if isinstance(event, CloseConnection):
                    await self.send(StreamClosed(stream_id=self.stream_id))

    async def _run(
        self,
        scope: Scope,
        receive: ASGIReceiveCallable,  # the inbox takes its place
        send: ASGISendCallable,
        sync_spawn: Callable[..., Any],
        call_soon: Callable[..., Any],
    ) -> None:
        await self._app(scope, self._inbox.get, send, sync_spawn, call_soon)

    async def _send_pings(self) -> None:
        self._gone = asyncio.Event()
        while not self.closed:
            if not self._is_heard:
                await self.handle(StreamClosed(stream_id=self.stream_id))
                await self.send(StreamClosed(stream_id=self.stream_id))
                return
            self._is_heard = False
            await self._send_wsproto_event(Ping())
            with suppress(TimeoutError):
                async with asyncio.timeout(self.config.websocket_ping_interval):
                    await self._gone.wait()
