"""Measure what it costs to have workers recognize and speak; see benchmarks/README.md.

python -m benchmarks.inference [--quick] [--json FILE]
"""

import argparse
import asyncio
import json
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.inference.measuring import Figures, Throughput, node_with
from benchmarks.inference.providers import SLEEPERS, WORK_S
from benchmarks.machine import ForeignLoad, describe
from benchmarks.noop.plugin import ROOT
from tests.nats_server import nats_server

_JSON = ROOT / "benchmarks" / "results" / "inference.json"
_WIDTH = 130
_AT_ONCE = 16


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.inference", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("--quick", action="store_true", help="a fifth of it")
    parser.add_argument("--json", type=Path, default=_JSON, help="where to write everything")
    return parser.parse_args()


async def _overhead(url: str, folder: Path, *, times: int) -> list[Figures]:
    async with node_with(url, folder, workers=1) as node:
        return [
            await node.recognition(0.1, times=times),
            await node.recognition(1, times=times),
            await node.recognition(10, times=times),
            await node.recognition(60, times=times // 4),
            await node.synthesis(200, times=times),
            await node.synthesis(200, times=times, is_first=True),
            await node.synthesis(2_000, times=times),
            await node.synthesis(20_000, times=times // 4),
        ]


async def _throughput(url: str, folder: Path, *, workers: int, seconds: float) -> list[Throughput]:
    kinds = (
        ("quick-there", f"nothing, {_AT_ONCE} at once", None),
        ("sleeps", f"{WORK_S * 1_000:g} ms of waiting, {SLEEPERS} places", SLEEPERS / WORK_S),
        ("computes", f"{WORK_S * 1_000:g} ms of CPU, 1 place", 1 / WORK_S),
    )
    async with node_with(url, folder, workers=workers) as node:
        return [
            Throughput(
                what,
                workers,
                await node.throughput(instance, at_once=_AT_ONCE, seconds=seconds),
                None if ideal is None else workers * ideal,
            )
            for instance, what, ideal in kinds
        ]


def _share(ordered: Sequence[float], share: float) -> float:
    return sorted(ordered)[round(share * (len(ordered) - 1))]


def _print(console: Console, overhead: Sequence[Figures], throughput: Sequence[Throughput]) -> None:
    table = Table("milliseconds", "here p50", "p99", "worker p50", "p99", "added p50", "ratio p50")
    for each in overhead:
        here, there = _share(each.here_ms, 0.5), _share(each.there_ms, 0.5)
        figures = (here, _share(each.here_ms, 0.99), there, _share(each.there_ms, 0.99), there - here)
        table.add_row(each.what, *(f"{figure:.2f}" for figure in figures), f"{there / here:.1f}")
    console.print(table)
    table = Table("answers a second", "1 worker", "of ideal", "2 workers", "of ideal", "ratio")
    for one in throughput:
        (two,) = [each for each in throughput if each.what == one.what and each.workers == 2]
        if one.workers == 1:
            table.add_row(one.what, *_row(one), *_row(two), f"{two.per_s / one.per_s:.2f}")
    console.print(table)


def _row(figure: Throughput) -> tuple[str, str]:
    ideal = f"{100 * figure.per_s / figure.ideal_per_s:.0f} %" if figure.ideal_per_s else ""
    return f"{figure.per_s:,.0f}", ideal


async def _measure(*, is_quick: bool) -> tuple[list[Figures], list[Throughput], float]:
    load = ForeignLoad()
    with tempfile.TemporaryDirectory(prefix="glottis-bench-") as name:
        folder = Path(name)
        with nats_server(folder / "nats") as server:
            overhead = await _overhead(server.url, folder, times=100 if is_quick else 500)
            throughput: list[Throughput] = []
            for workers in (1, 2):
                seconds = 2.0 if is_quick else 10.0
                throughput += await _throughput(server.url, folder, workers=workers, seconds=seconds)
    return overhead, throughput, load.cores()


def main() -> int:
    """Return 0: a slow machine is no failure."""
    given = _arguments()
    overhead, throughput, foreign = asyncio.run(_measure(is_quick=given.quick))
    console = Console(highlight=False, width=_WIDTH)
    _print(console, overhead, throughput)
    console.print(f"Others used {foreign:.2f} cores meanwhile.")
    told = {
        "machine": describe() | {"foreign_cores": round(foreign, 2)},
        "overhead": [asdict(each) for each in overhead],
        "throughput": [asdict(each) for each in throughput],
    }
    given.json.write_text(json.dumps(told, indent=1) + "\n")
    console.print(f"All samples: {given.json}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
