"""All calls of a process on one subscription: another would cost each call a round trip to the broker."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from itertools import count

from glottis.core.broker import Broker, Message
from glottis.core.inference.messages import No, encode

Hear = Callable[[Message], Awaitable[None]]

_NOBODY = encode(No("over"))


class Switchboard:
    """Gives each call an inbox of its own, and answers in the name of those that are over."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker
        self._root = broker.new_inbox()
        self._numbers = count(1)
        self._lines: dict[str, Hear] = {}

    @asynccontextmanager
    async def connected(self) -> AsyncIterator[None]:
        """Pass messages on while the context lasts.

        Raises:
            BrokerUnavailable: the broker is away.
        """
        async with self._broker.subscribing(f"{self._root}.*", self._hear):
            yield

    @contextmanager
    def line(self, hear: Hear) -> Iterator[str]:
        """Give the inbox of a call: `hear` hears what is said to it, in order, and has to be quick."""
        inbox = f"{self._root}.{next(self._numbers)}"
        self._lines[inbox] = hear
        try:
            yield inbox
        finally:
            del self._lines[inbox]

    async def _hear(self, message: Message) -> None:
        hear = self._lines.get(message.subject)
        if hear is not None:
            await hear(message)
        elif message.reply:
            await self._broker.publish(message.reply, _NOBODY)
