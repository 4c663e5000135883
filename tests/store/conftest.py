"""What tests that kill and stop processes need."""

import asyncio
import os
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pymongo
import pytest
from glottis.core.store.binary import find_mongod
from pymongo import AsyncMongoClient


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


@pytest.fixture(scope="module")
def faulty_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A MongoDB that fails where it is told to."""
    folder = tmp_path_factory.mktemp("faulty")
    socket = folder / "m.sock"
    where = ("--dbpath", str(folder), "--bind_ip", str(socket), "--logpath", str(folder / "log"))
    faults = ("--replSet", "rs", "--setParameter", "enableTestCommands=1")
    limits = ("--setParameter", "transactionLifetimeLimitSeconds=1")
    url = f"mongodb://{quote(str(socket), safe='')}/"
    with subprocess.Popen(
        [find_mongod(folder), *where, *faults, *limits], stdout=subprocess.DEVNULL
    ) as mongod:
        try:
            with pymongo.MongoClient[dict[str, Any]](url, directConnection=True) as client:
                members = [{"_id": 0, "host": str(socket)}]
                client.admin.command("replSetInitiate", {"_id": "rs", "members": members})
            yield f"{url}?replicaSet=rs"
        finally:
            mongod.kill()


@asynccontextmanager
async def failing(
    client: AsyncMongoClient[dict[str, Any]], command: str, *, mode: Any = "alwaysOn", **fault: Any
) -> AsyncIterator[None]:
    """Have a command of ours fail in a MongoDB that can be told to."""
    point = {"configureFailPoint": "failCommand"}
    data = {"failCommands": [command], "appName": "glottis", **fault}
    await client.admin.command(point | {"mode": mode, "data": data})
    try:
        yield
    finally:
        await client.admin.command(point | {"mode": "off"})
