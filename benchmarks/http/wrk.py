"""Drive a server with wrk, and read what came of it."""

import asyncio
import json
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.http.servers import Server
from benchmarks.machine import ForeignLoad, used_s

_TIMEOUT_S = 10
_REPORT = """
done = function(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    '\\n{"requests":%d,"us":%d,"p50_us":%f,"p99_us":%f,"non_2xx":%d,"broken":%d}\\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99),
    errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
"""


@dataclass(frozen=True, slots=True)
class Request:
    """What clients ask for: each body in turn, or a GET where there is none."""

    path: str
    bodies: tuple[str, ...] = ()
    authorization: str | None = None

    @property
    def headers(self) -> dict[str, str]:
        headers = {"Content-Type": "application/json"} if self.bodies else {}
        if self.authorization is not None:
            headers["Authorization"] = self.authorization
        return headers

    def script(self) -> str:
        """Return the Lua by which wrk sends it; requests are made up once, not for each call."""
        headers = "\n".join(
            f"wrk.headers[{_lua(name)}] = {_lua(text)}" for name, text in self.headers.items()
        )
        if not self.bodies:
            return f"{headers}\n{_REPORT}"
        if len(self.bodies) == 1:
            return f'wrk.method = "POST"\n{headers}\nwrk.body = {_lua(self.bodies[0])}\n{_REPORT}'
        bodies = ", ".join(map(_lua, self.bodies))
        return f"""
wrk.method = "POST"
{headers}
local requests, last = {{}}, 0
init = function(arguments)
  for number, body in ipairs({{{bodies}}}) do
    requests[number] = wrk.format(nil, nil, nil, body)
  end
end
request = function()
  last = last % #requests + 1
  return requests[last]
end
{_REPORT}"""


@dataclass(frozen=True, slots=True)
class Sample:
    """One run against one route.

    `server_us` is the CPU time that the server took for a request: it hardly depends on who else is at work.
    `failed` counts answers that are not 2xx, and requests without an answer.
    """

    per_s: float
    p50_ms: float
    p99_ms: float
    server_us: float
    failed: int
    foreign_cores: float


async def drive(
    server: Server, request: Request, *, concurrency: int, seconds: int, cpus: Sequence[int], folder: Path
) -> Sample:
    """Ask again and again over `concurrency` connections for some seconds."""
    script = folder / "request.lua"
    script.write_text(request.script(), encoding="utf-8")
    command = ["taskset", "-c", ",".join(map(str, cpus)), "wrk", "-t1", f"-c{concurrency}", f"-d{seconds}s"]
    command += [f"--timeout={_TIMEOUT_S}s", "-s", str(script), server.address + request.path]
    load, used_before_s = ForeignLoad(), used_s(server.pids)
    process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE)
    output, _ = await process.communicate()
    foreign_cores, server_s = load.cores(), used_s(server.pids) - used_before_s
    if process.returncode != 0:
        raise SystemExit(f"wrk ended with status {process.returncode} at {request.path}")
    told = json.loads(output.decode().strip().splitlines()[-1])
    return Sample(
        per_s=1e6 * told["requests"] / told["us"],
        p50_ms=told["p50_us"] / 1_000,
        p99_ms=told["p99_us"] / 1_000,
        server_us=1e6 * server_s / max(told["requests"], 1),
        failed=told["non_2xx"] + told["broken"],
        foreign_cores=round(foreign_cores, 3),
    )


def require_programs() -> None:
    """Stop with a sentence where wrk or taskset is missing."""
    packages = {"wrk": "wrk", "taskset": "util-linux"}
    for program, package in packages.items():
        if shutil.which(program) is None:
            raise SystemExit(f"{program} is not installed: apt-get install {package}")


def _lua(text: str) -> str:
    """Return a Lua literal; JSON's escapes are the same for the characters that are used here."""
    if not text.isascii():
        raise ValueError(f"only ASCII goes into a script: {text!r}")
    return json.dumps(text)
