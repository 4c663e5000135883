"""Start servers, have client processes talk to them, and look at the servers while they do."""

import asyncio
import json
import os
import socket
import sys
import time
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from benchmarks.http.servers import Server, first_line, on, stopped
from benchmarks.machine import ForeignLoad, used_s

VOICE = "/api/v1/voice"
_PAGE = os.sysconf("SC_PAGE_SIZE")
_CLIENT_S = 900.0


@dataclass(frozen=True, slots=True)
class Sample:
    """What one client process saw, and what the server did meanwhile."""

    told: Mapping[str, Any]
    seconds: float
    server_s: float
    foreign_cores: float
    pulse_ms: Mapping[str, float] = field(default_factory=dict)
    memory_mb: float = 0.0
    healthz_ms: Mapping[str, float] = field(default_factory=dict)

    @property
    def server_cores(self) -> float:
        return self.server_s / self.seconds

    def server_us(self, count: float) -> float:
        """Share the server's CPU time out over so many turns or frames."""
        return 1e6 * self.server_s / max(count, 1)


class Bench:
    """A server to talk to, and where its clients run."""

    def __init__(self, server: Server, *, asking: Sequence[int]) -> None:
        self.server = server
        self._asking = asking

    @property
    def websocket(self) -> str:
        return self.server.address.replace("http", "ws", 1)

    async def paths(self, count: int, *, project: str = "demo") -> list[str]:
        """Start sessions, and give the paths of their WebSockets."""
        async with httpx.AsyncClient(base_url=self.server.address, timeout=60) as client:
            return [await _session_path(client, project) for _ in range(count)]

    async def run(self, task: str, *, has_probe: bool = True, beats: bool = False, **told: Any) -> Sample:
        """Have a client process do a task; the server is watched from when it is ready until it is done."""
        spec = json.dumps({"task": task, "websocket": self.websocket, **told})
        process = await asyncio.create_subprocess_exec(
            *on(self._asking),
            *(sys.executable, "-m", "benchmarks.realtime.client", spec),
            stdin=PIPE,
            stdout=PIPE,
            limit=2**24,
        )
        async with (
            stopped(process),
            asyncio.timeout(_CLIENT_S),
            httpx.AsyncClient(base_url=self.server.address, timeout=60) as client,
        ):
            if task == "utterances":
                return Sample((await _line(process))["result"], 1.0, 0.0, 0.0)
            await _line(process)
            memory_mb = self.memory_mb()
            if has_probe:
                await client.post("/api/v1/probe/pulse")
            load, began, used = ForeignLoad(), time.perf_counter(), used_s(self.server.pids)
            _release(process)
            beating = asyncio.create_task(healthz(client)) if beats else None
            await _line(process)
            seconds, server_s = time.perf_counter() - began, used_s(self.server.pids) - used
            foreign = load.cores()
            beat_ms = await _ended(beating)
            pulse = (await client.get("/api/v1/probe/pulse")).json() if has_probe else {}
            result = (await _line(process))["result"]
        return Sample(result, seconds, server_s, round(foreign, 3), pulse, memory_mb, beat_ms)

    def memory_mb(self) -> float:
        """Tell the resident memory of the server."""
        (pid,) = self.server.pids
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE / 1e6


async def healthz(client: httpx.AsyncClient) -> dict[str, float]:
    """Ask for /healthz twenty times a second until cancelled; give milliseconds."""
    seconds: list[float] = []
    try:
        while True:
            began = time.perf_counter()
            (await client.get("/healthz")).raise_for_status()
            seconds.append(time.perf_counter() - began)
            await asyncio.sleep(0.05)
    except asyncio.CancelledError:
        return percentiles(seconds)


def percentiles(seconds: Sequence[float]) -> dict[str, float]:
    """Give shares of seconds, in milliseconds."""
    if not seconds:
        return {}
    ordered = sorted(seconds)
    last = len(ordered) - 1
    shares = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "most": 1.0}
    return {name: 1_000 * ordered[round(share * last)] for name, share in shares.items()} | {
        "count": float(len(ordered))
    }


async def _ended(beating: asyncio.Task[dict[str, float]] | None) -> dict[str, float]:
    if beating is None:
        return {}
    beating.cancel()
    return await beating


@asynccontextmanager
async def floor(cpus: Sequence[int]) -> AsyncIterator[Server]:
    """Serve the bare WebSockets."""
    with socket.create_server(("127.0.0.1", 0), backlog=1_024) as sock:
        sock.set_inheritable(True)
        number = sock.fileno()
        command = [*on(cpus), sys.executable, "-m", "benchmarks.realtime.floor", str(number)]
        process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, pass_fds=[number])
        async with stopped(process):
            await first_line(process)
            yield Server(f"http://127.0.0.1:{sock.getsockname()[1]}", (process.pid,))


async def _session_path(client: httpx.AsyncClient, project: str) -> str:
    body = {"project": project, "language": "en-US"}
    answer = (await client.post(f"{VOICE}/session/start", json=body)).raise_for_status()
    return f"{VOICE}/ws/{answer.json()['session_id']}"


async def _line(process: Process) -> dict[str, Any]:
    if process.stdout is None:
        raise ValueError("started without a pipe")
    line = await process.stdout.readline()
    if not line:
        raise SystemExit("a client process ended before it was done; see its messages above")
    told: dict[str, Any] = json.loads(line)
    return told


def _release(process: Process) -> None:
    if process.stdin is None:
        raise ValueError("started without a pipe")
    process.stdin.write(b"\n")
