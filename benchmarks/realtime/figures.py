"""Rows of the table: what was to be, what is, and whether that will do."""

import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from benchmarks.realtime.measuring import Sample


@dataclass(frozen=True, slots=True)
class Row:
    """One figure; `is_met` is None where there is no budget."""

    what: str
    budget: str
    measured: str
    is_met: bool | None = None
    samples: Sequence[Any] = field(default=(), compare=False)


def at_most(what: str, limit: float, measured: float, unit: str, *, samples: Sequence[Any] = ()) -> Row:
    return Row(what, f"<= {limit:g} {unit}", f"{measured:,.1f} {unit}", measured <= limit, samples)


def at_least(what: str, limit: float, measured: float, unit: str, *, samples: Sequence[Any] = ()) -> Row:
    return Row(what, f">= {limit:,.0f} {unit}", f"{measured:,.0f} {unit}", measured >= limit, samples)


def plain(what: str, measured: str, *, samples: Sequence[Any] = ()) -> Row:
    return Row(what, "", measured, None, samples)


def middle(samples: Sequence[Sample], *keys: str) -> float:
    """Give the median over samples of what clients told."""
    return statistics.median(_at(sample.told, keys) for sample in samples)


def _at(told: Any, keys: Sequence[str]) -> float:
    for key in keys:
        told = told[key]
    return float(told)
