"""Measure conversations over the WebSocket of real servers; see benchmarks/README.md.

python -m benchmarks.realtime [--quick] [--only turns,speaking,...] [--sessions 1000] [--json FILE]
"""

import argparse
import asyncio
import json
import os
import resource
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict
from pathlib import Path

from glottis.config import Settings
from glottis.core.store import embedded_mongo
from rich.console import Console
from rich.table import Table

from benchmarks.http.servers import glottis
from benchmarks.machine import Placement, describe, placement
from benchmarks.noop.plugin import ROOT, install
from benchmarks.noop.speech import spoken
from benchmarks.realtime import engines, overhead
from benchmarks.realtime.figures import Row
from benchmarks.realtime.measuring import Bench, floor
from benchmarks.realtime.overhead import Plan
from benchmarks.realtime.starting import starting

PARTS = (
    "turns",
    "first_audio",
    "interrupts",
    "cached",
    "speaking",
    "memory",
    "blocked",
    "held",
    "starting",
    "engines",
)
_QUICK = ("turns", "first_audio", "interrupts", "cached", "blocked", "speaking")
_JSON = ROOT / "benchmarks" / "results" / "realtime.json"
_NOOP = ROOT / "benchmarks" / "noop" / "noop.toml"
_HELD_SPEAKERS, _HELD_S = 200, 30.0
_SPARE_FILES = 200
_COMPLAINTS = 20
_WIDTH = 150
_UTTERANCES = 30
_ASKED = "Where can I find the prices for delivery?"


def _listed(text: str) -> tuple[str, ...]:
    return tuple(text.split(","))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.realtime", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("--quick", action="store_true", help="less of it, in about 90 seconds")
    parser.add_argument("--only", type=_listed, help=f"parts: {', '.join(PARTS)}")
    parser.add_argument("--sessions", type=int, default=1_000, help="sessions that are held open")
    parser.add_argument("--utterances", type=int, default=_UTTERANCES, help="spoken to real engines")
    parser.add_argument("--json", type=Path, default=_JSON, help="where to write everything")
    return parser.parse_args()


def _plan(*, is_quick: bool) -> Plan:
    if is_quick:
        return Plan(1, 2.0, (16,), 50, (100,), 8.0, 200)
    return Plan(3, 3.0, (1, 16, 64), 300, (100, 200), 20.0, 1_000)


class _Bench:
    """Everything that parts need, started when the first of them does."""

    def __init__(self, arguments: argparse.Namespace, console: Console) -> None:
        self.given = arguments
        self.tell = console.print
        self.plan = _plan(is_quick=arguments.quick)
        self.parts: Sequence[str] = arguments.only or (_QUICK if arguments.quick else PARTS)
        self.rows: list[Row] = []

    async def measure(self) -> list[Row]:
        async with AsyncExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="glottis-bench-")))
            cpus = placement(1)
            texts = [_ASKED, *(engines.sentences(self.given.utterances) if "engines" in self.parts else ())]
            speeches = _written(await spoken(texts), folder)
            os.sched_setaffinity(0, cpus.asking)
            mongo_url = await stack.enter_async_context(embedded_mongo(Settings(data_dir=folder / "mongo")))
            async with _noop(mongo_url, cpus, folder) as bench, floor(cpus.serving) as bare:
                await self._overhead(bench, Bench(bare, asking=cpus.asking), speeches[0])
            if "starting" in self.parts:
                self.rows += await starting(mongo_url, folder, rounds=3, tell=self.tell)
            if "engines" in self.parts:
                await self._engines(mongo_url, folder, speeches[1:])
        return self.rows

    async def _overhead(self, bench: Bench, bare: Bench, speech: Path) -> None:
        plan, tell, parts, rows = self.plan, self.tell, self.parts, self.rows
        if "memory" in parts:  # first: later, memory that was freed would be used again
            rows += await overhead.idle_memory(bench, plan.idle, tell)
        if "turns" in parts:
            rows += await overhead.typed_turns(bench, bare, plan, tell)
        if "first_audio" in parts:
            rows += await overhead.first_audio(bench, plan, tell)
        if "interrupts" in parts:
            rows += await overhead.interrupts(bench, plan, tell)
        if "cached" in parts:
            rows += await overhead.cached_synthesis(bench, tell)
        if "blocked" in parts:
            rows += await overhead.blocked(bench, tell)
        if "speaking" in parts:
            rows += await overhead.speaking(bench, plan, speech, tell)
        if "held" in parts:
            sessions = self.given.sessions
            rows += await overhead.held_open(
                bench,
                speech,
                tell,
                sessions=sessions,
                speakers=min(_HELD_SPEAKERS, sessions),
                seconds=_HELD_S,
            )

    async def _engines(self, mongo_url: str, folder: Path, speeches: Sequence[Path]) -> None:
        cpus = tuple(range(os.cpu_count() or 1))
        os.sched_setaffinity(0, cpus)
        serving = glottis(
            mongo_url,
            "engines",
            workers=1,
            cpus=cpus,
            folder=folder,
            config=engines.CONFIG,
            log=folder / "engines.log",
        )
        async with serving as server:
            self.rows += await engines.answered(Bench(server, asking=cpus), speeches, tell=self.tell)


@asynccontextmanager
async def _noop(mongo_url: str, cpus: Placement, folder: Path) -> AsyncIterator[Bench]:
    settings = {"PYTHONPATH": install(folder / "site"), "WS_MAX_CONNECTIONS": "20000"}
    serving = glottis(
        mongo_url,
        "realtime",
        workers=1,
        cpus=cpus.serving,
        folder=folder,
        config=_NOOP,
        log=folder / "noop.log",
        settings=settings,
    )
    async with serving as server:
        try:
            yield Bench(server, asking=cpus.asking)
        finally:
            for line in _lines(folder / "noop.log")[:_COMPLAINTS]:
                print(f"the server says: {line}", file=sys.stderr)


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8", errors="replace").splitlines()


def _written(speeches: Sequence[bytes], folder: Path) -> list[Path]:
    paths = []
    for number, speech in enumerate(speeches):
        paths.append(folder / f"{number}.pcm")
        paths[-1].write_bytes(speech)
    return paths


def _print(rows: Sequence[Row], console: Console) -> None:
    table = Table("what", "budget", "measured", "")
    verdicts: Mapping[bool | None, str] = {True: "met", False: "MISSED", None: ""}
    for row in rows:
        table.add_row(row.what, row.budget, row.measured, verdicts[row.is_met])
    console.print(table)


def _require_files(sessions: int) -> None:
    most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if most < sessions + _SPARE_FILES:
        raise SystemExit(f"{sessions} sessions take more open files than the {most} of `ulimit -n`")


def main() -> int:
    """Return 1 where a connection was lost or a stale frame came; a slow machine is no failure."""
    given = _arguments()
    _require_files(given.sessions)
    rows = asyncio.run(_Bench(given, Console(stderr=True, highlight=False)).measure())
    console = Console(highlight=False, width=_WIDTH)
    _print(rows, console)
    given.json.write_text(
        json.dumps({"machine": describe(), "rows": [asdict(row) for row in rows]}, indent=1) + "\n"
    )
    console.print(f"All samples: {given.json}")
    broken = [row for row in rows if row.is_met is False and row.budget in {"0", ">= 99.9 %"}]
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
