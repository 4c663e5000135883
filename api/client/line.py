"""The connection to the server: kept up, and taken up again where it was cut."""

import asyncio
import json
import random
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from glottis.api.client.errors import ClientError, Refused, Replaced, ServerAway, SessionOver
from glottis.api.client.inbox import Inbox
from glottis.api.client.messages import Pong
from glottis.api.client.window import Window
from glottis.api.client.wishes import Wishes
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import (
    ConnectionClosed,
    InvalidHandshake,
    InvalidProxy,
    InvalidStatus,
    InvalidURI,
)

_FINAL: Mapping[int, type[ClientError]] = {
    1000: SessionOver,
    1009: Refused,
    4403: Refused,
    4404: SessionOver,
    4409: Replaced,
    4410: SessionOver,
}
"""Close codes after which connecting again is of no use."""
_PING_S = 0.5
_PONG_OVERDUE_S = 2.0
_LONGEST_PAUSE_S = 2.0
_OPEN_S = 10.0
_CLOSE_S = 1.0
_ALIVE_S = 5.0
"""How long a connection may be silent before it is asked whether it is alive, and then to answer."""
_UNREAD_FRAMES = 16
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class Line:
    """Carries what the window holds to the server, and what that says into the inbox.

    Over as many connections as it takes; gives up after `patience_s` without one.
    """

    def __init__(self, url: str, wishes: Wishes, *, window: Window, inbox: Inbox, patience_s: float) -> None:
        self._url = url
        self._wishes = wishes
        self._window = window
        self._inbox = inbox
        self._patience_s = patience_s
        self._socket: ClientConnection | None = None
        self._has_begun = False
        self._may_write = asyncio.Event()
        self.opened = asyncio.Event()
        """Set once there is, or has been, a connection, or there will be none."""

    async def run(self) -> None:
        """Keep the connection up, until it is of no use any more or this is cancelled."""
        failure: ClientError | None = None
        try:
            await self._keep_up()
        except ClientError as error:
            failure = error
        finally:
            self._inbox.end(failure)
            self._window.give_up()
            self.opened.set()

    async def whisper(self, message: Mapping[str, Any]) -> None:
        """Send what is of no use later, if there is a connection."""
        if self._socket is not None:
            with suppress(ConnectionClosed):
                await self._socket.send(_encode(message))

    async def _keep_up(self) -> None:
        loop = asyncio.get_running_loop()
        lost_at, pause_s = loop.time(), 0.0
        while True:
            try:
                had = self._inbox.last_seq
                try:
                    await self._connected()
                finally:
                    if self._inbox.last_seq != had:
                        lost_at, pause_s = loop.time(), 0.0
            except (InvalidURI, InvalidProxy) as error:
                raise Refused(str(error)) from None
            except (ConnectionClosed, InvalidHandshake, OSError) as error:
                reason = _reason(error)
            if loop.time() + pause_s > lost_at + self._patience_s:
                raise ServerAway(f"the server is away: {reason}")
            # Many clients that were cut off together should not all come back together.
            await asyncio.sleep(pause_s * random.uniform(0.5, 1.0))  # noqa: S311 - not for secrets
            pause_s = min(_LONGEST_PAUSE_S, 2 * pause_s or 0.1)

    async def _connected(self) -> None:
        async with connect(
            self._url,
            open_timeout=min(_OPEN_S, self._patience_s),
            close_timeout=_CLOSE_S,
            ping_interval=_ALIVE_S,
            ping_timeout=_ALIVE_S,
            max_queue=_UNREAD_FRAMES,
            max_size=None,
        ) as socket:
            self._socket = socket
            try:
                await self._attend(socket)
            finally:
                self._socket = None
                self._may_write.clear()
                self._window.cut()

    async def _attend(self, socket: ClientConnection) -> None:
        start = self._wishes.as_message()
        if self._has_begun:
            self._inbox.expect_resumption()
            start |= {"resume_from": self._inbox.last_seq, "audio_received": self._inbox.audio_received}
        else:
            self._may_write.set()
        self._has_begun = True
        await socket.send(_encode(start))
        self.opened.set()
        work = {asyncio.create_task(self._read(socket)), asyncio.create_task(self._write(socket))}
        try:
            done, _ = await asyncio.wait(work, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in work:
                task.cancel()
            await asyncio.gather(*work, return_exceptions=True)

    async def _read(self, socket: ClientConnection) -> None:
        while True:
            for told in await self._inbox.put(await socket.recv()):
                if isinstance(told, Pong):
                    self._window.ponged()
                elif not self._may_write.is_set():
                    self._window.resume(told.next_sequence, is_same=self._inbox.is_same(told))
                    self._may_write.set()

    async def _write(self, socket: ClientConnection) -> None:
        await self._may_write.wait()
        window, loop = self._window, asyncio.get_running_loop()
        pinged_at = loop.time()
        while True:
            window.work.clear()
            while (numbered := window.take()) is not None:
                await socket.send(_encode(numbered.as_message()))
            waited_s = loop.time() - pinged_at
            if window.has_unknown and (
                (window.pings == 0 and (window.is_blocked or waited_s >= _PING_S))
                or waited_s >= _PONG_OVERDUE_S
            ):
                window.pinged()
                pinged_at = loop.time()
                await socket.send('{"type":"ping"}')
            with suppress(TimeoutError):
                async with asyncio.timeout(_PING_S if window.has_unknown else None):
                    await window.work.wait()


def _reason(error: Exception) -> str:
    """Say why a connection ended.

    Raises:
        ClientError: connecting again is of no use.
    """
    if isinstance(error, ConnectionClosed) and error.rcvd is not None:
        reason = error.rcvd.reason or f"it closed the connection with code {error.rcvd.code}"
        if error.rcvd.code in _FINAL:
            raise _FINAL[error.rcvd.code](reason) from None
        return reason
    if isinstance(error, InvalidStatus) and error.response.status_code < 500:
        raise Refused(f"the server answers {error.response.status_code} to a WebSocket") from None
    return str(error) or type(error).__name__
