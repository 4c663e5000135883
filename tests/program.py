"""The `glottis` program as an operator runs it: in processes of its own, which nobody here reaches into."""

import asyncio
import json
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

PROGRAM = Path(sys.executable).parent / "glottis"
OURS = ("GLOTTIS_", "VOICE_", "WS_", "ELEVENLABS_")
START_S = 100.0
STOP_S = 60.0
POLL_S = 0.05
VOICE = "/api/v1/voice"
MOCK = """
enable = ["mock"]
[routes]
recognize = ["mock"]
synthesize = ["mock"]
intents = ["mock"]
[projects.demo.sections.pricing]
url = "/pricing"
names = { ru = ["цены"], en = ["prices"] }
"""


@dataclass(frozen=True, slots=True)
class Ended:
    """What a command printed, and its exit status."""

    status: int
    out: str
    err: str

    @property
    def printed(self) -> str:
        return self.out + self.err


class Running:
    """A process of `glottis` that goes on until it is told to stop."""

    def __init__(self, process: Process, err: Path) -> None:
        self.process = process
        self._err = err

    @property
    def pid(self) -> int:
        return self.process.pid

    def log(self) -> list[dict[str, Any]]:
        """Everything that it has logged."""
        lines = _text(self._err).splitlines()
        return [json.loads(line) for line in lines if line.startswith("{")]

    async def end(self, number: int = signal.SIGTERM) -> int:
        """Send a signal and return the exit status."""
        if self.process.returncode is None:
            self.process.send_signal(number)
        async with asyncio.timeout(STOP_S):
            return await self.process.wait()


class Working(Running):
    """A worker that runs; `said` is what it told of its work."""

    def __init__(self, process: Process, said: str, err: Path) -> None:
        super().__init__(process, err)
        self.said = said


class Serving(Running):
    """A server that runs: `client` talks to it."""

    def __init__(self, process: Process, address: str, client: httpx.AsyncClient, err: Path) -> None:
        super().__init__(process, err)
        self.address = address
        self.client = client

    async def press_ctrl_c(self) -> int:
        """Interrupt every process of it, as a terminal does, and return the exit status."""
        os.killpg(self.pid, signal.SIGINT)
        async with asyncio.timeout(STOP_S):
            return await self.process.wait()

    async def start_session(self, **body: Any) -> dict[str, Any]:
        response = await self.client.post(f"{VOICE}/session/start", json={"project": "demo", **body})
        assert response.status_code == 201, response.text
        started: dict[str, Any] = response.json()
        return started


class Program:
    """`glottis` in a folder of its own: it finds its plugins.toml there, and keeps its data there."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(OURS)},
            "GLOTTIS_DATA_DIR": str(self.data),
            "COLUMNS": "200",  # so that no table is wrapped
            **environment,
        }
        folder.mkdir(parents=True, exist_ok=True)
        self.deploy(MOCK)

    def deploy(self, toml: str) -> None:
        """Write the deployment."""
        (self.folder / "plugins.toml").write_text(toml, encoding="utf-8")

    async def run(self, *arguments: str, typed: str = "", redirected: str = "", **environment: str) -> Ended:
        """Run a command to its end; `redirected` is what a shell would be told, such as `>&-`."""
        process = await asyncio.create_subprocess_exec(
            *(("sh", "-c", f'exec "$0" "$@" {redirected}') if redirected else ()),
            PROGRAM,
            *arguments,
            cwd=self.folder,
            env=self.environment | environment,
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
        )
        try:
            async with asyncio.timeout(START_S):
                out, err = await process.communicate(os.fsencode(typed))
        except BaseException:
            process.kill()
            await process.wait()
            raise
        return Ended(process.returncode or 0, out.decode(), err.decode())

    @asynccontextmanager
    async def serving(self, *options: str, **environment: str) -> AsyncIterator[Serving]:
        """Run `glottis serve` on a free port; it is told to stop at the end."""
        port = () if "--port" in options else ("--port", "0")
        async with self._started("serve", *port, *options, **environment) as (process, err):
            address = await _said(process, err, "Glottis is listening on ")
            async with httpx.AsyncClient(base_url=address, timeout=60) as client:
                running = Serving(process, address, client, err)
                yield running
                await running.end()

    @asynccontextmanager
    async def working(self, *options: str, **environment: str) -> AsyncIterator[Working]:
        """Run `glottis worker`; it is told to stop at the end."""
        async with self._started("worker", *options, **environment) as (process, err):
            running = Working(process, await _said(process, err, "Glottis works: "), err)
            yield running
            await running.end()

    @asynccontextmanager
    async def _started(self, *command: str, **environment: str) -> AsyncIterator[tuple[Process, Path]]:
        err = self.folder / f"{command[0]}.err"
        with err.open("wb") as stderr:
            process = await asyncio.create_subprocess_exec(
                PROGRAM,
                *command,
                cwd=self.folder,
                env=self.environment | environment,
                stdin=DEVNULL,
                stdout=PIPE,
                stderr=stderr,
                start_new_session=True,
            )
        try:
            yield process, err
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()

    def processes(self) -> dict[int, str]:
        """Find every process that works in this folder, by what it inherited: pid and command line."""
        mark = f"GLOTTIS_DATA_DIR={self.data}\0".encode()
        return {
            int(entry.name): _read(entry / "cmdline").replace(b"\0", b" ").decode(errors="replace")
            for entry in Path("/proc").iterdir()
            if entry.name.isdecimal() and mark in _read(entry / "environ")
        }

    def mongods(self) -> list[int]:
        """Find the embedded MongoDB: none while it is being restarted."""
        return [pid for pid, command in self.processes().items() if "mongod --dbpath" in command]

    def mongod(self) -> int:
        """Return the pid of the embedded MongoDB."""
        (pid,) = self.mongods()
        return pid


async def end_of(*pids: int) -> None:
    """Wait until processes have ended, whoever started them."""
    loop = asyncio.get_running_loop()
    for pid in pids:
        try:
            handle = os.pidfd_open(pid)
        except ProcessLookupError:
            continue
        ended = asyncio.Event()
        loop.add_reader(handle, ended.set)
        try:
            async with asyncio.timeout(STOP_S):
                await ended.wait()
        finally:
            loop.remove_reader(handle)
            os.close(handle)


async def until(condition: Callable[[], Awaitable[bool]], *, within_s: float = 60.0) -> None:
    """Ask again and again until a condition holds: for what only another process knows."""
    async with asyncio.timeout(within_s):
        while not await condition():  # noqa: ASYNC110 - no event tells of another process
            await asyncio.sleep(POLL_S)


async def install(source: Path, target: Path) -> None:
    """Install a distribution with pip into a folder, as one does who writes it elsewhere."""
    options = ("--quiet", "--no-index", "--no-deps", "--no-build-isolation", "--target", str(target))
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "pip", "install", *options, str(source), stdout=PIPE, stderr=PIPE
    )
    _, err = await process.communicate()
    assert process.returncode == 0, err.decode()


async def _said(process: Process, err: Path, beginning: str) -> str:
    """Read the line by which a process tells that it is ready; give the rest of it."""
    assert process.stdout is not None
    async with asyncio.timeout(START_S):
        line = (await process.stdout.readline()).decode()
    assert line.startswith(beginning), line + _text(err)
    return line.removeprefix(beginning).strip()


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # the process has just ended
        return b""
