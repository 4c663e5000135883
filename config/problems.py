"""Mistakes in what an operator wrote, told all at once.

ConfigError(problems)
"""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any


@dataclass(frozen=True, slots=True, order=True)
class ConfigProblem:
    """One mistake: `file:line: where: what`. Line 0 stands for the file as a whole."""

    file: str
    line: int
    where: str
    message: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        return f"{place}: {self.where}: {self.message}" if self.where else f"{place}: {self.message}"


class ConfigError(Exception):
    """The configuration cannot be used; `problems` holds every mistake found.

    `rest` is what it says beside them, where that makes sense by itself: there may be further mistakes in it.
    """

    def __init__(self, problems: Iterable[ConfigProblem], *, rest: Any = None) -> None:
        self.problems = tuple(sorted(set(problems)))
        self.rest = rest
        super().__init__("\n".join(str(problem) for problem in self.problems))


def suggest(name: str, accepted: Iterable[str]) -> str:
    """Say which names are accepted, and which of them was probably meant."""
    names = sorted(accepted)
    if not names:
        return "there is none to choose from"
    nearest = get_close_matches(name, names, n=1)
    hint = f'did you mean "{nearest[0]}"? ' if nearest else ""
    return f"{hint}accepted: {', '.join(names)}"
