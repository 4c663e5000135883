"""How long it takes from the command to a server that is ready."""

import asyncio
import os
import sys
import time
from asyncio.subprocess import PIPE
from collections.abc import Callable
from pathlib import Path

from benchmarks.http.servers import first_line, stopped
from benchmarks.realtime.figures import Row

_NOTHING = "enable = []\n"
_MOCK = 'enable = ["mock"]\n[routes]\nrecognize = ["mock"]\nsynthesize = ["mock"]\nintents = ["mock"]\n'


async def starting(mongo_url: str, folder: Path, *, rounds: int, tell: Callable[[str], None]) -> list[Row]:
    """Start with an embedded MongoDB that has run before, and without plugins on one that runs."""
    rows = []
    for what, limit_s, toml, environment in (
        ("start to ready, embedded MongoDB warm", 2.0, _MOCK, {}),
        ("start to ready, no plugins", 1.0, _NOTHING, {"GLOTTIS_MONGO_URL": mongo_url}),
    ):
        tell(what)
        config = folder / "starting.toml"
        config.write_text(toml)
        data = folder / "starting"
        await _started_s(config, data, environment)  # for the first time: makes the database
        seconds = sorted([await _started_s(config, data, environment) for _ in range(rounds)])
        median_s = seconds[len(seconds) // 2]
        measured = f"{median_s:.2f} s ({seconds[0]:.2f} to {seconds[-1]:.2f})"
        rows.append(Row(what, f"<= {limit_s:g} s", measured, median_s <= limit_s, seconds))
    return rows


async def _started_s(config: Path, data: Path, environment: dict[str, str]) -> float:
    ours = ("GLOTTIS_", "VOICE_", "WS_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    command = [sys.executable, "-m", "glottis.api.cli", "serve", "--host", "127.0.0.1", "--port", "0"]
    command += ["--config", str(config), "--data-dir", str(data)]
    began = time.perf_counter()
    process = await asyncio.create_subprocess_exec(
        *command, stdout=PIPE, env=kept | {"GLOTTIS_LOG_LEVEL": "warning"} | environment
    )
    async with stopped(process):
        await first_line(process)
        return time.perf_counter() - began
