"""What the client says, numbered, and kept until the server is known to have taken it in.

The server takes messages in the order of their numbers and tells, after a cut, the number that it waits for.
While a connection lasts, a pong tells that all that was sent before its ping has been taken in.

After an utterance was declared over the server waits for no particular number, and so tells none. To know
what that means, an ending is sent only when something before it is known to have been taken in since the
last ending; and until an ending is known to have been, nothing is sent after it.
"""

import asyncio
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

MOST_BYTES = 512 * 1024
MOST_MESSAGES = 512
_OVERHEAD = 200


@dataclass(frozen=True, slots=True)
class Numbered:
    """A message with its number; `is_ending` is the end of an utterance."""

    sequence: int
    message: Mapping[str, Any]
    is_ending: bool

    @property
    def cost(self) -> int:
        return _OVERHEAD + len(self.message.get("data", "")) + len(self.message.get("text", ""))

    def as_message(self) -> dict[str, Any]:
        return {**self.message, "sequence": self.sequence}


class Window:
    """All that was said and is not yet known to have arrived, in order; bounded."""

    def __init__(self) -> None:
        self._kept: deque[Numbered] = deque()
        self._cost = 0
        self._sent = 0
        self._next = 0
        self._said_since_ending = False
        self._taken_since_ending = False
        self._pings: deque[int] = deque()
        self._is_broken = False
        self.work = asyncio.Event()
        """Set when there may be something to send."""
        self._room = asyncio.Event()

    @property
    def is_full(self) -> bool:
        return self._cost >= MOST_BYTES or len(self._kept) >= MOST_MESSAGES

    @property
    def is_empty(self) -> bool:
        """Whether everything that was said has been taken in."""
        return not self._kept

    @property
    def has_unknown(self) -> bool:
        """Whether something was sent of which is not known whether it has been taken in."""
        return self._sent > 0

    @property
    def is_blocked(self) -> bool:
        """Whether something cannot be sent, or said, until more is known."""
        return (self._sent < len(self._kept) and not self._may_send()) or self.is_full

    @property
    def pings(self) -> int:
        """How many pings are unanswered."""
        return len(self._pings)

    async def put(self, message: Mapping[str, Any], *, is_ending: bool = False) -> None:
        """Say something; waits while too much is under way."""
        while self.is_full and not self._is_broken:
            await self._changed()
        if self._is_broken:
            return
        if is_ending and not self._said_since_ending:
            self._add({"type": "audio_chunk", "data": ""}, is_ending=False)
        self._add(message, is_ending=is_ending)

    async def emptied(self) -> None:
        """Wait until everything has been taken in."""
        while self._kept and not self._is_broken:
            await self._changed()

    def give_up(self) -> None:
        """Have nobody wait any more: nothing will be sent."""
        self._is_broken = True
        self._room.set()

    def take(self) -> Numbered | None:
        """Give the next message that may be sent now; it counts as sent."""
        if self._sent == len(self._kept) or not self._may_send():
            return None
        self._sent += 1
        return self._kept[self._sent - 1]

    def pinged(self) -> None:
        """Note that a ping was sent after all that was."""
        self._pings.append(self._kept[self._sent - 1].sequence if self._sent else -1)

    def ponged(self) -> None:
        """Note that the oldest ping was answered. Where a pong is missing, less is known."""
        if self._pings:
            self._forget(up_to=self._pings.popleft())

    def cut(self) -> None:
        """Note that the connection is gone, and that nobody knows what of the sent has arrived."""
        self._pings.clear()

    def resume(self, next_sequence: int | None, *, is_same: bool) -> None:
        """Go on over a new connection with a server that waits for a number, or for any.

        `is_same`: it is the conversation that was cut, and not a new one that knows nothing.
        """
        if next_sequence is not None:
            self._forget(up_to=next_sequence - 1)
        elif is_same and self._taken_since_ending and self._ending_was_sent():
            self._forget(up_to=self._kept[self._sent - 1].sequence)
        self._sent = 0
        self.work.set()

    def _add(self, message: Mapping[str, Any], *, is_ending: bool) -> None:
        numbered = Numbered(self._next, message, is_ending)
        self._next += 1
        self._kept.append(numbered)
        self._cost += numbered.cost
        self._said_since_ending = not is_ending
        self.work.set()

    def _may_send(self) -> bool:
        if self._ending_was_sent():
            return False
        return not self._kept[self._sent].is_ending or self._taken_since_ending

    def _ending_was_sent(self) -> bool:
        return self._sent > 0 and self._kept[self._sent - 1].is_ending

    def _forget(self, *, up_to: int) -> None:
        while self._kept and self._kept[0].sequence <= up_to:
            numbered = self._kept.popleft()
            self._cost -= numbered.cost
            self._sent = max(0, self._sent - 1)
            self._taken_since_ending = not numbered.is_ending
        self.work.set()
        self._room.set()

    async def _changed(self) -> None:
        self._room.clear()
        await self._room.wait()
