"""Turn samples into figures: medians with their spread, ratios, verdicts."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.http.scenarios import SCENARIOS, Scenario
from benchmarks.http.wrk import Sample
from benchmarks.machine import QUIET_CORES

JUDGED_CONCURRENCY = 16


@dataclass(frozen=True, slots=True)
class Key:
    """What was measured; `stored` is None for a floor."""

    name: str
    workers: int
    concurrency: int
    stored: int | None = None


@dataclass(frozen=True, slots=True)
class Figure:
    """Requests a second over the quiet samples, or over all of them where none was quiet."""

    least: float
    median: float
    most: float
    p50_ms: float
    p99_ms: float
    server_us: float
    failed: int
    quiet: int
    samples: int


Samples = dict[Key, list[Sample]]
Figures = dict[Key, Figure]


@dataclass(frozen=True, slots=True)
class Verdict:
    """A target and what came of it; `floor_per_s` is what the bare route reaches where that is too little."""

    what: str
    target: str
    measured: str
    is_met: bool
    floor_per_s: float | None = None


def figure_of(samples: Sequence[Sample]) -> Figure:
    quiet = [sample for sample in samples if sample.foreign_cores < QUIET_CORES]
    counted = quiet or list(samples)
    rates = [sample.per_s for sample in counted]
    return Figure(
        least=min(rates),
        median=statistics.median(rates),
        most=max(rates),
        p50_ms=statistics.median(sample.p50_ms for sample in counted),
        p99_ms=statistics.median(sample.p99_ms for sample in counted),
        server_us=statistics.median(sample.server_us for sample in counted),
        failed=sum(sample.failed for sample in samples),
        quiet=len(quiet),
        samples=len(samples),
    )


def floor_of(figures: Figures, key: Key) -> Figure:
    """Return the floor under a figure: the bare route of its scenario, with as many workers and callers."""
    scenario = next(scenario for scenario in SCENARIOS if scenario.name == key.name)
    return figures[Key(scenario.floor, key.workers, key.concurrency)]


def verdicts(figures: Figures, *, stored: Sequence[int]) -> list[Verdict]:
    """Compare one worker at concurrency 16 with the targets."""
    found: list[Verdict] = []
    for scenario in SCENARIOS:
        empty = Key(scenario.name, 1, JUDGED_CONCURRENCY, min(stored))
        if empty in figures:
            found += _judged(scenario, figures, empty, most_stored=max(stored))
    return found


def _judged(scenario: Scenario, figures: Figures, key: Key, *, most_stored: int) -> list[Verdict]:
    measured = figures[key].median
    bare = floor_of(figures, key).median
    found = []
    if scenario.target_per_s is not None:
        target = scenario.target_per_s
        is_met = measured >= target
        forbids = bare if bare < target else None
        found.append(
            Verdict(scenario.name, f">= {target:,.0f}/s", f"{measured:,.0f}/s", is_met, floor_per_s=forbids)
        )
    if scenario.target_of_floor is not None:
        share = measured / bare
        target_text = f">= {scenario.target_of_floor:.2f} of bare {scenario.floor}"
        found.append(Verdict(scenario.name, target_text, f"{share:.2f}", share >= scenario.target_of_floor))
    full = figures.get(Key(key.name, key.workers, key.concurrency, most_stored))
    if scenario.target_of_empty is not None and full is not None and most_stored != key.stored:
        share = full.median / measured
        target_text = f">= {scenario.target_of_empty:.2f} of itself with {most_stored:,} sessions stored"
        found.append(Verdict(scenario.name, target_text, f"{share:.2f}", share >= scenario.target_of_empty))
    return found
