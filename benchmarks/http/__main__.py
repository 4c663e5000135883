"""Measure the HTTP routes of real servers; see benchmarks/README.md.

python -m benchmarks.http [--quick] [--workers 1,2] [--concurrency 1,16,64] [--json FILE]
"""

import argparse
import asyncio
import sys
from pathlib import Path

from rich.console import Console

from benchmarks.http.figures import verdicts
from benchmarks.http.measuring import Plan, count, measure
from benchmarks.http.report import figures_of, print_figures, print_verdicts, write_json
from benchmarks.http.wrk import require_programs

_JSON = Path(__file__).parents[1] / "results" / "http.json"
_WIDTH = 130


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(","))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.http", description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="one worker, concurrency 16, under 90 seconds")
    parser.add_argument("--workers", type=_numbers, help="numbers of server processes (1,2)")
    parser.add_argument("--concurrency", type=_numbers, help="numbers of connections (1,16,64)")
    parser.add_argument("--stored", type=_numbers, default=(0, 10_000), help="sessions stored (0,10000)")
    parser.add_argument("--rounds", type=int, help="samples of each figure")
    parser.add_argument("--seconds", type=int, help="whole seconds of each sample")
    parser.add_argument("--patience", type=float, help="seconds that a sample waits for a quiet moment")
    parser.add_argument("--json", type=Path, default=_JSON, help="where to write everything")
    return parser.parse_args()


def _plan(given: argparse.Namespace) -> Plan:
    is_quick = given.quick
    return Plan(
        workers=given.workers or ((1,) if is_quick else (1, 2)),
        concurrency=given.concurrency or ((16,) if is_quick else (1, 16, 64)),
        stored=given.stored,
        rounds=given.rounds or (2 if is_quick else 3),
        seconds=given.seconds or (1 if is_quick else 3),
        patience_s=given.patience if given.patience is not None else (0.0 if is_quick else 10.0),
    )


def main() -> int:
    """Return 1 where a request failed; a slow machine is no failure."""
    arguments = _arguments()
    plan = _plan(arguments)
    require_programs()
    notes = Console(stderr=True, highlight=False)
    notes.print(f"{count(plan)} samples of {plan.seconds} s")
    samples = asyncio.run(measure(plan, tell=notes.print))
    figures = figures_of(samples)
    found = verdicts(figures, stored=plan.stored)
    console = Console(highlight=False, width=_WIDTH)
    print_figures(figures, console=console)
    print_verdicts(found, console=console)
    write_json(arguments.json, plan=plan, samples=samples, figures=figures, verdicts=found)
    failed = sum(figure.failed for figure in figures.values())
    console.print(f"\n{failed} requests failed. All samples: {arguments.json}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
