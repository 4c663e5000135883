"""Chunks of audio by their sequence numbers: put in order, and what is wrong with them told."""

from enum import StrEnum

_MOST_WAITING = 16


class Disorder(StrEnum):
    """What is wrong with a client's numbering. The values are codes of error messages."""

    GAP = "sequence_gap"
    REPEATED = "sequence_repeated"
    REORDERED = "sequence_reordered"


class ChunkOrder:
    """Gives chunks in the order of their numbers. The first may have any number."""

    def __init__(self) -> None:
        self._first: int | None = None
        self._next: int | None = None
        self._past = range(0)
        self._waiting: dict[int, bytes] = {}

    @property
    def next(self) -> int | None:
        """The number that is expected; None where any is."""
        return self._next

    @property
    def is_waiting(self) -> bool:
        """Whether chunks are held back because one before them has not come."""
        return bool(self._waiting)

    def is_past(self, sequence: int) -> bool:
        """Tell whether it was among the chunks before the last restart, and does not begin a new run."""
        return self._next is None and sequence in self._past

    def add(self, sequence: int, audio: bytes) -> tuple[list[bytes], Disorder | None]:
        """Take a chunk; give those whose turn it is. One that was there before is left out.

        A chunk that comes too early waits for those before it, though not for ever: see `skip`.
        """
        if self._next is None:
            self._first = self._next = sequence
        if sequence < self._next or sequence in self._waiting:
            return [], Disorder.REPEATED
        disorder = Disorder.REORDERED if self._waiting and sequence == self._next else None
        self._waiting[sequence] = audio
        if len(self._waiting) > _MOST_WAITING:
            return self.skip(), Disorder.GAP
        return self._ready(), disorder

    def skip(self) -> list[bytes]:
        """Give up what is missing; give what has waited for it."""
        if not self._waiting:
            return []
        self._next = min(self._waiting)
        return self._ready()

    def restart(self, *, at: int | None = None) -> None:
        """Begin anew: with any number, or with one that was announced to the client."""
        if self._first is not None and self._next is not None:
            # A run may begin with the number that the last one began with: some clients count each anew.
            self._past = range(self._first + 1, self._next)
        self._first = self._next = at
        self._waiting.clear()

    def _ready(self) -> list[bytes]:
        ready = []
        while self._next is not None and self._next in self._waiting:
            ready.append(self._waiting.pop(self._next))
            self._next += 1
        return ready
