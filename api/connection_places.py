"""How many WebSockets a node serves, counted exactly over all of its processes."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from mmap import mmap
from pathlib import Path

_BOARD = "GLOTTIS_WS_BOARD"
_SLOT = "GLOTTIS_WS_SLOT"
_COUNT_BYTES = 4


class ConnectionPlaces:
    """Takes and gives back places under a limit that the processes of a server share.

    Each process keeps its count in a slot of its own on a board, a small file; one that has been killed loses
    its places when its successor starts with the same slot.
    """

    def __init__(self, limit: int, *, board: Path | None = None, slot: int = 0) -> None:
        self._limit = limit
        self._slot = slot
        self._file = None if board is None else board.open("r+b")
        self._counts = memoryview(
            bytearray(_COUNT_BYTES) if self._file is None else mmap(self._file.fileno(), 0)
        ).cast("I")
        self._counts[slot] = 0

    @classmethod
    def of_process(cls, limit: int) -> "ConnectionPlaces":
        """Make those of this process; a worker finds the board of its server in its environment."""
        board = os.environ.get(_BOARD)
        if board is None:
            return cls(limit)
        return cls(limit, board=Path(board), slot=int(os.environ[_SLOT]))

    def close(self) -> None:
        """Let go of the board."""
        self._counts.release()
        if self._file is not None:
            self._file.close()

    def take(self) -> bool:
        """Take a place; False if there is none."""
        with self._alone():
            if sum(self._counts) >= self._limit:
                return False
            self._counts[self._slot] += 1
            return True

    def give_back(self) -> None:
        """Give a place back."""
        self._counts[self._slot] -= 1

    @contextmanager
    def _alone(self) -> Iterator[None]:
        if self._file is None:
            yield
            return
        # Held for a few microseconds, so it may be waited for on the event loop.
        fcntl.flock(self._file, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self._file, fcntl.LOCK_UN)


def make_board(folder: Path, *, slots: int) -> Path:
    """Make the board of a server with several processes."""
    board = folder / "websockets"
    board.write_bytes(bytes(_COUNT_BYTES * slots))
    return board


def slot_environment(board: Path, slot: int) -> dict[str, str]:
    """Tell a worker where its count stands."""
    return {_BOARD: str(board), _SLOT: str(slot)}
