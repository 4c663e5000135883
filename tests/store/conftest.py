"""What tests that kill and stop processes need."""

import asyncio
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pymongo
import pytest


class Processes:
    """Processes by their pids, waited for without polling."""

    def __init__(self) -> None:
        self._handles: list[int] = []

    def mongod_at(self, url: str) -> int:
        """Return the pid of the mongod that answers at a URL."""
        with pymongo.MongoClient[dict[str, Any]](url) as client:
            return int(client.admin.command("serverStatus")["pid"])

    def end_of(self, pid: int) -> Callable[[], Any]:
        """Take hold of a process now, and return what waits for its end."""
        handle = os.pidfd_open(pid)
        self._handles.append(handle)

        async def ended() -> None:
            loop = asyncio.get_running_loop()
            end = asyncio.Event()
            loop.add_reader(handle, end.set)
            try:
                async with asyncio.timeout(20):
                    await end.wait()
            finally:
                loop.remove_reader(handle)

        return ended

    def close(self) -> None:
        for handle in self._handles:
            os.close(handle)


@pytest.fixture
def processes() -> Iterator[Processes]:
    """Find, hold and await processes."""
    held = Processes()
    yield held
    held.close()


@pytest.fixture
def data_dir(tmp_path: Path) -> Path:
    """A data folder of its own."""
    return tmp_path / "data"
