"""Processes that train, each in a place of its own: whoever is killed is followed by another."""

import asyncio
import json
import os
import random
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any

import pymongo
from pymongo import AsyncMongoClient
from pymongo.errors import PyMongoError

_CONFIG = Path(__file__).with_name("chaos.toml")
_NATS = Path(sys.executable).with_name("nats-server")
_READY = ("Glottis works: ", "Glottis is listening on ")
_OURS = ("GLOTTIS_", "VOICE_", "WS_")
_START_S = 60.0
_ANSWER_S = 2.0


class Place:
    """Where one process after the other trains, with one folder for all of them."""

    def __init__(self, folder: Path, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self.folder = folder
        self.starts = 0
        self.is_ready = False
        self._process: Process | None = None
        self._command = [
            *(sys.executable, "-m", "glottis.api.cli", *command),
            *("--config", str(_CONFIG), "--data-dir", str(folder / "data")),
        ]
        ours = {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}
        self._environment = {**ours, **environment}
        folder.mkdir(parents=True)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Have a process here for as long as the context lasts; the last one is told to stop."""
        keeping = asyncio.create_task(self._keep())
        try:
            yield
        finally:
            keeping.cancel()
            await asyncio.wait({keeping})
            if self._process is not None and self._process.returncode is None:
                self._process.terminate()
                await self._process.wait()

    def kill(self) -> None:
        """Kill the process as a power cut does."""
        self.is_ready = False
        if self._process is not None:
            self._process.kill()

    def folders_left(self) -> int:
        """Count the folders of jobs that were not removed."""
        return sum(1 for _ in (self.folder / "data" / "jobs").glob("*"))

    def log(self) -> Iterator[dict[str, Any]]:
        """Give all that the processes here have logged."""
        for path in sorted(self.folder.glob("*.log")):
            for line in path.read_text(encoding="utf-8", errors="replace").splitlines():
                if line.startswith("{") and line.endswith("}"):  # the last line may be cut
                    yield json.loads(line)

    async def _keep(self) -> None:
        while True:
            self.starts += 1
            with (self.folder / f"{self.starts:04}.log").open("wb") as log:
                self._process = await asyncio.create_subprocess_exec(
                    *self._command, stdin=DEVNULL, stdout=PIPE, stderr=log, env=self._environment
                )
            line = await self._process.stdout.readline() if self._process.stdout else b""
            self.is_ready = line.decode().startswith(_READY)
            await self._process.wait()
            self.is_ready = False


class Chaos:
    """Kills a random one of the processes every so often while the context lasts.

    `others` kill something else, one after the other, every `OTHERS_EVERY` times.
    """

    OTHERS_EVERY = 10

    def __init__(
        self,
        places: Sequence[Place],
        *,
        every_s: float,
        seed: int,
        others: Sequence[Callable[[], Awaitable[None]]] = (),
    ) -> None:
        self.kills = 0
        self.others_killed = 0
        self._places = places
        self._every_s = every_s
        self._others = others
        self._chance = random.Random(seed)  # noqa: S311  # not for secrets

    @asynccontextmanager
    async def raging(self) -> AsyncIterator[None]:
        killing = asyncio.create_task(self._kill())
        try:
            yield
        finally:
            killing.cancel()
            await asyncio.wait({killing})

    async def _kill(self) -> None:
        for times in count(1):
            await asyncio.sleep(self._every_s)
            # One that has not even started would be killed for nothing.
            ready = [place for place in self._places if place.is_ready]
            if ready:
                self._chance.choice(ready).kill()
                self.kills += 1
            if self._others and times % self.OTHERS_EVERY == 0:
                await self._others[self.others_killed % len(self._others)]()
                self.others_killed += 1


async def until_all_are_ready(places: Sequence[Place]) -> None:
    async with asyncio.timeout(_START_S):
        while not all(place.is_ready for place in places):  # noqa: ASYNC110 - other processes tell nobody
            await asyncio.sleep(0.05)


class Nats:
    """A NATS server with JetStream on a free port, which is started again when it is killed."""

    def __init__(self, folder: Path) -> None:
        self.url = ""
        self._folder = folder
        self._port = "-1"
        self._process: Process | None = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Have it run while the context lasts."""
        await self._start()
        try:
            yield
        finally:
            await self._kill()

    async def restart(self) -> None:
        """Kill it as a power cut does, and start it again."""
        await self._kill()
        await self._start()

    async def _start(self) -> None:
        store = ("--jetstream", "--store_dir", str(self._folder / "store"))
        where = ("--addr", "127.0.0.1", "--port", self._port, "--ports_file_dir", str(self._folder))
        self._process = await asyncio.create_subprocess_exec(str(_NATS), *store, *where, stderr=DEVNULL)
        async with asyncio.timeout(_START_S):
            while (url := _url_in(self._folder)) is None:  # noqa: ASYNC110 - it is a file that tells
                await asyncio.sleep(0.05)
        self.url, self._port = url, url.rpartition(":")[2]

    async def _kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            await self._process.wait()


async def kill_mongod(mongo: AsyncMongoClient[dict[str, Any]]) -> None:
    """Kill MongoDB, which whoever runs it starts again; nothing if it does not answer."""
    with suppress(PyMongoError), pymongo.timeout(_ANSWER_S):
        os.kill(int((await mongo.admin.command("serverStatus"))["pid"]), signal.SIGKILL)


def _url_in(folder: Path) -> str | None:
    for ports in folder.glob("*.ports"):
        try:
            return str(json.loads(ports.read_text())["nats"][0])
        except ValueError:  # it is being written
            continue
    return None
