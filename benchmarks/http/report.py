"""Print the figures, and write them as JSON."""

import json
import time
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.http.figures import Figure, Figures, Key, Samples, Verdict, figure_of, floor_of
from benchmarks.http.measuring import Plan
from benchmarks.http.scenarios import SCENARIOS
from benchmarks.machine import QUIET_CORES, describe

_HEADINGS = (
    *("route", "stored", "c", "min", "req/s", "max", "p50 ms", "p99 ms"),
    *("CPU us", "of floor", "seed", "failed", "quiet"),
)
_LIBRARIES = ("quart", "hypercorn", "uvloop", "pymongo", "beanie", "pydantic")


def figures_of(samples: Samples) -> Figures:
    return {key: figure_of(taken) for key, taken in samples.items()}


def print_figures(figures: Figures, *, console: Console) -> None:
    """Print a table for each number of workers."""
    for workers in sorted({key.workers for key in figures}):
        table = Table(title=f"{workers} worker(s)", box=None, pad_edge=False, title_justify="left")
        for heading in _HEADINGS:
            table.add_column(heading, justify="left" if heading == "route" else "right")
        shown = [key for key in figures if key.workers == workers]
        for key in sorted(shown, key=_place_of):
            table.add_row(*_row(key, figures))
        console.print(table)
        console.print()


def print_verdicts(verdicts: list[Verdict], *, console: Console) -> None:
    """Print each target with what came of it; nothing where none was measured."""
    if not verdicts:
        return
    table = Table(title="Targets: one worker, concurrency 16", box=None, pad_edge=False, title_justify="left")
    for heading in ("route", "target", "measured", ""):
        table.add_column(heading)
    for verdict in verdicts:
        result = "met" if verdict.is_met else "MISSED"
        if not verdict.is_met and verdict.floor_per_s is not None:
            result += f"; the bare route itself reaches {verdict.floor_per_s:,.0f}/s"
        table.add_row(verdict.what, verdict.target, verdict.measured, result)
    console.print(table)


def write_json(
    path: Path, *, plan: Plan, samples: Samples, figures: Figures, verdicts: list[Verdict]
) -> None:
    """Write everything that was measured, sample by sample."""
    told = {
        "measured_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "machine": describe(),
        "versions": {name: version(name) for name in _LIBRARIES},
        "plan": asdict(plan),
        "quiet_cores": QUIET_CORES,
        "figures": [
            {
                **asdict(key),
                **asdict(figure),
                "of_floor": _of_floor(key, figures),
                "samples": [asdict(sample) for sample in samples[key]],
            }
            for key, figure in figures.items()
        ],
        "targets": [asdict(verdict) for verdict in verdicts],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


def _place_of(key: Key) -> tuple[bool, int, int]:
    """Floors first, then the scenarios in their order."""
    names = [scenario.name for scenario in SCENARIOS]
    place = names.index(key.name) if key.name in names else -1
    return key.stored is not None, place, key.stored or 0


def _row(key: Key, figures: Figures) -> list[str]:
    figure: Figure = figures[key]
    share = _of_floor(key, figures)
    return [
        key.name if key.stored is not None else f"floor: {key.name}",
        "" if key.stored is None else f"{key.stored:,}",
        str(key.concurrency),
        *(f"{rate:,.0f}" for rate in (figure.least, figure.median, figure.most)),
        f"{figure.p50_ms:.2f}",
        f"{figure.p99_ms:.1f}",
        f"{figure.server_us:,.0f}",
        "" if share is None else f"{share:.2f}",
        _seed(key),
        str(figure.failed or ""),
        f"{figure.quiet}/{figure.samples}",
    ]


def _of_floor(key: Key, figures: Figures) -> float | None:
    if key.stored is None:
        return None
    return round(figures[key].median / floor_of(figures, key).median, 3)


def _seed(key: Key) -> str:
    if key.stored is None or key.workers != 1 or key.concurrency != 16:
        return ""
    scenario = next(scenario for scenario in SCENARIOS if scenario.name == key.name)
    rate = scenario.seed_per_s[1 if key.stored else 0]
    return "" if rate is None else f"{rate:,.0f}"
