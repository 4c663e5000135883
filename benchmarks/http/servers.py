"""Start what is measured: a MongoDB, Glottis on it, and the bare routes beside it."""

import asyncio
import base64
import os
import socket
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import httpx

SESSION_LIMIT = 10_000_000
SESSION_TIMEOUT_S = 86_400
"""Long enough that sessions started over a day are all live, as in a busy server's ledger."""

USER, PASSWORD = "bench", "a password of the benchmark"
AUTHORIZATION = f"Basic {base64.b64encode(f'{USER}:{PASSWORD}'.encode()).decode()}"
VOICE = "/api/v1/voice"

_CONFIG = Path(__file__).with_name("mock.toml")
_START_S = 120.0
_STOP_S = 40.0
_BACKLOG = 1_024


@dataclass(frozen=True, slots=True)
class Server:
    """A server that runs; its processes are these and their descendants."""

    address: str
    pids: tuple[int, ...]


@asynccontextmanager
async def glottis(
    mongo_url: str,
    database: str,
    *,
    workers: int,
    cpus: Sequence[int],
    folder: Path,
    config: Path = _CONFIG,
    log: Path | None = None,
    settings: Mapping[str, str] = MappingProxyType({}),
) -> AsyncIterator[Server]:
    """Run `glottis serve` on a free port; `log` takes its messages, `settings` add to its environment."""
    ours = ("GLOTTIS_", "VOICE_", "WS_")
    environment = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    environment |= {
        "GLOTTIS_MONGO_URL": mongo_url,
        "GLOTTIS_MONGO_DATABASE": database,
        "GLOTTIS_LOG_LEVEL": "warning",
        "GLOTTIS_LOG_FORMAT": "text",
        "VOICE_MAX_CONCURRENT_SESSIONS": str(SESSION_LIMIT),
        "VOICE_SESSION_TIMEOUT": str(SESSION_TIMEOUT_S),
        **settings,
    }
    command = [sys.executable, "-m", "glottis.api.cli", "serve", "--host", "127.0.0.1", "--port", "0"]
    command += ["--workers", str(workers), "--config", str(config), "--data-dir", str(folder / database)]
    with (log or Path(os.devnull)).open("ab") as messages:
        process = await asyncio.create_subprocess_exec(
            *on(cpus), *command, stdout=PIPE, stderr=None if log is None else messages, env=environment
        )
    async with stopped(process):
        line = await first_line(process)
        _, _, address = line.partition(" listening on ")
        async with httpx.AsyncClient(base_url=address) as client:
            (await client.get("/readyz")).raise_for_status()
        yield Server(address, (process.pid,))


@asynccontextmanager
async def floor(mongo_url: str, *, workers: int, cpus: Sequence[int]) -> AsyncIterator[Server]:
    """Serve the bare routes from as many processes, with the settings of `glottis serve`."""
    with socket.create_server(("127.0.0.1", 0), backlog=_BACKLOG) as sock:
        sock.set_inheritable(True)
        number = sock.fileno()
        command = [*on(cpus), sys.executable, "-m", "benchmarks.http.floor", str(number), mongo_url]
        pids = []
        async with AsyncExitStack() as stack:
            for _ in range(workers):
                process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, pass_fds=[number])
                await stack.enter_async_context(stopped(process))
                pids.append(process.pid)
                await first_line(process)
            yield Server(f"http://127.0.0.1:{sock.getsockname()[1]}", tuple(pids))


async def run_module(arguments: Sequence[str], *, cpus: Sequence[int]) -> str:
    """Run a Python module to its end and return what it prints."""
    process = await asyncio.create_subprocess_exec(*on(cpus), sys.executable, "-m", *arguments, stdout=PIPE)
    output, _ = await process.communicate()
    if process.returncode != 0:
        raise SystemExit(f"{arguments[0]} ended with status {process.returncode}")
    return output.decode()


def on(cpus: Sequence[int]) -> list[str]:
    return ["taskset", "-c", ",".join(map(str, cpus))]


async def first_line(process: Process) -> str:
    if process.stdout is None:
        raise ValueError("started without a pipe")
    async with asyncio.timeout(_START_S):
        line = (await process.stdout.readline()).decode().strip()
    if not line:
        raise SystemExit("a server did not start; see its messages above")
    return line


@asynccontextmanager
async def stopped(process: Process) -> AsyncIterator[None]:
    try:
        yield
    finally:
        if process.returncode is None:
            process.terminate()
        async with asyncio.timeout(_STOP_S):
            await process.wait()
