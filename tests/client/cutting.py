"""A TCP proxy that cuts connections off after so many bytes, wherever in a message that may be."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from typing import Self


class CuttingProxy:
    """Passes every connection on to `target`.

    Of those that carry a WebSocket, the first ones are cut: each takes a number from `cuts`, and may carry as
    many bytes, of both directions, after the handshake.
    """

    def __init__(self, target: str, cuts: Iterable[int]) -> None:
        self._host, _, port = target.removeprefix("http://").partition(":")
        self._port = int(port)
        self._cuts = list(cuts)
        self._open: set[asyncio.StreamWriter] = set()
        self.cut = 0
        """How many connections were cut."""
        self.is_away = False
        """Accept nobody."""

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[Self]:
        async with await asyncio.start_server(self._pass_on, "127.0.0.1", 0) as server:
            host, port = server.sockets[0].getsockname()
            self.address = f"http://{host}:{port}"
            yield self
            server.close()
            self.cut_all()

    def cut_all(self) -> None:
        """Cut everything that is open now."""
        for writer in self._open:
            writer.transport.abort()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.is_away:
            writer.transport.abort()
            return
        there, thither = await asyncio.open_connection(self._host, self._port)
        pair = {writer, thither}
        self._open |= pair
        budget = _Budget(self._cuts)
        try:
            ways = [
                asyncio.create_task(_carry(reader, thither, budget)),
                asyncio.create_task(_carry(there, writer, budget)),
            ]
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)
        finally:
            self._open -= pair
            self.cut += budget.is_spent
            for each in pair:
                if budget.is_spent:
                    each.transport.abort()
                else:
                    each.close()
                with suppress(OSError):
                    await each.wait_closed()


class _Budget:
    """What one connection may carry yet."""

    def __init__(self, cuts: list[int]) -> None:
        self._cuts = cuts
        self._left: int | None = None
        self.is_spent = False

    def spend(self, data: bytes) -> bytes:
        """Give as much of the data as may be passed on."""
        if b"Upgrade: websocket" in data or b"upgrade: websocket" in data.lower():
            if self._left is None and self._cuts and data.startswith(b"GET "):
                self._left = self._cuts.pop(0)
            return data
        if self._left is None:
            return data
        passed, self._left = data[: self._left], max(0, self._left - len(data))
        self.is_spent = self._left == 0
        return passed


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, budget: _Budget) -> None:
    with suppress(OSError):
        while not budget.is_spent and (data := await reader.read(4096)):
            writer.write(budget.spend(data))
            await writer.drain()
