"""Chunks of audio on their way to the ear: brought into order, and waited for when one is missing."""

import asyncio
from collections import deque
from collections.abc import Callable

from glottis.core.conversation.chunk_order import ChunkOrder, Disorder
from glottis.core.conversation.hearing import Hearing

_GAP_PATIENCE_S = 0.5
"""How long the chunks after a missing one are held back for it."""


class Intake:
    """Takes the chunks of one client. `ear` gives who hears them, `tell` is told what is wrong with them."""

    def __init__(
        self,
        ear: Callable[[], Hearing],
        tell: Callable[[Disorder, str], None],
        *,
        next_sequence: int | None,
    ) -> None:
        self._ear = ear
        self._tell = tell
        self._order = ChunkOrder()
        self._order.restart(at=next_sequence)
        self._giving_up: asyncio.Task[None] | None = None
        self._unfed: deque[bytes | None] = deque()
        self._feeding: asyncio.Task[None] | None = None
        self._door = asyncio.Lock()
        self._is_closed = False

    @property
    def next_sequence(self) -> int | None:
        """The number of the chunk that is waited for; None where any will do."""
        return self._order.next

    async def take(self, audio: bytes, *, sequence: int | None, is_final: bool) -> None:
        """Pass audio on; waits while the ear has its hands full. If cancelled then, passes it on later."""
        async with self._door:
            if sequence is not None and self._order.is_past(sequence):
                self._tell(Disorder.REPEATED, f"chunk {sequence} was there before; it is left out")
                return
            chunks = [audio] if sequence is None else self._in_order(sequence, audio)
            if is_final:
                chunks += self._skip()
                self._stop_waiting()
                self._order.restart()
            self._unfed += (chunk for chunk in chunks if chunk)
            if is_final:
                self._unfed.append(None)
            await self._feed_all()

    def restart(self) -> None:
        """Forget the numbers, and what waits: another client begins to count."""
        self._stop_waiting()
        self._order.restart()
        self._unfed.clear()

    async def aclose(self) -> None:
        self._is_closed = True
        tasks = {task for task in (self._giving_up, self._feeding) if task is not None}
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def _in_order(self, sequence: int, audio: bytes) -> list[bytes]:
        expected = self._order.next
        chunks, disorder = self._order.add(sequence, audio)
        if disorder is Disorder.GAP:
            self._tell_gap(expected, len(chunks))
        elif disorder is Disorder.REPEATED:
            self._tell(disorder, f"chunk {sequence} was there before; it is left out")
        elif disorder is Disorder.REORDERED:
            self._tell(disorder, f"chunk {sequence} came late; it was put in its place")
        if not self._order.is_waiting:
            self._stop_waiting()
        elif self._giving_up is None:
            self._giving_up = asyncio.create_task(self._give_up())
        return chunks

    async def _give_up(self) -> None:
        await asyncio.sleep(_GAP_PATIENCE_S)
        self._giving_up = None
        self._unfed += self._skip()
        self._feed_later()

    def _stop_waiting(self) -> None:
        if self._giving_up is not None:
            self._giving_up.cancel()
            self._giving_up = None

    def _skip(self) -> list[bytes]:
        """Give up whatever is missing; give all that has waited for it."""
        waited: list[bytes] = []
        while self._order.is_waiting:
            expected = self._order.next
            chunks = self._order.skip()
            self._tell_gap(expected, len(chunks))
            waited += chunks
        return waited

    def _tell_gap(self, expected: int | None, given: int) -> None:
        first = (self._order.next or 0) - given
        self._tell(Disorder.GAP, f"chunks {expected} to {first - 1} are missing")

    async def _feed_all(self) -> None:
        try:
            while self._unfed:
                chunk = self._unfed[0]
                await (self._ear().end() if chunk is None else self._ear().feed(chunk))
                self._unfed.popleft()
        finally:
            if self._unfed and not self._is_closed:
                # Whoever brought it has been cut off; it was said all the same.
                self._feed_later()

    def _feed_later(self) -> None:
        self._feeding = asyncio.create_task(self._feed_rest())

    async def _feed_rest(self) -> None:
        async with self._door:
            await self._feed_all()
