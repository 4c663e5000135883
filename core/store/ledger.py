"""Which places of the session limits are taken: one small document, so that nobody counts sessions.

A place is an expiry and a project. Expiries are rounded up to a step, so that many sessions share one number,
and the session expires at that very instant: a place is free as soon as nobody can talk to its session,
without a janitor.
"""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import quote

STEPS = 1_000
WRITERS_KEPT_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Place:
    """One session's place; `expiry_ms` is epoch milliseconds."""

    expiry_ms: int
    project: str


def expiry_of(started_ms: int, timeout_s: int) -> int:
    """Return when a session expires: `timeout_s` after its start, and up to a thousandth of that more."""
    step = max(1, timeout_s * 1_000 // STEPS)
    return -(-(started_ms + timeout_s * 1_000) // step) * step


class Ledger:
    """The ledger as this process last read or wrote it, and what it wants to change.

    `writers` holds the number of each process's last change: a process whose connection broke in a change can
    tell whether it was made.
    """

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._revision: int = document["revision"]
        self._writers: dict[str, list[int]] = dict(document["writers"])
        self._places: dict[int, dict[str, int]] = {
            int(expiry): dict(projects) for expiry, projects in document["places"].items()
        }
        self._live: Counter[str] = Counter()
        for projects in self._places.values():
            self._live.update(projects)
        self._total = self._live.total()
        self._changes: Counter[Place] = Counter()
        self._expired: list[int] = []

    @classmethod
    def empty(cls) -> Self:
        """Return the ledger of a server that never had a session."""
        return cls(cls.empty_document())

    @staticmethod
    def empty_document() -> dict[str, Any]:
        """Return the document of an empty ledger, without its id."""
        return {"revision": 0, "places": {}, "writers": {}}

    def live(self, project: str | None = None) -> int:
        """Count the places taken, in a project or in all."""
        return self._total if project is None else self._live[_key(project)]

    def last_change_by(self, writer: str) -> int:
        """Return the number of a process's last change; 0 if it made none."""
        return self._writers.get(writer, [0])[0]

    def expire(self, now_ms: int) -> None:
        """Free the places of sessions that have expired."""
        for expiry_ms in [expiry for expiry in self._places if expiry <= now_ms]:
            projects = self._places.pop(expiry_ms)
            self._live.subtract(projects)
            self._total -= sum(projects.values())
            self._expired.append(expiry_ms)

    def take(self, place: Place) -> None:
        """Take a place."""
        self._add(place, 1)

    def give_back(self, place: Place) -> None:
        """Free a place; nothing happens if it has expired already."""
        if self._places.get(place.expiry_ms, {}).get(_key(place.project), 0) > 0:
            self._add(place, -1)

    def _add(self, place: Place, count: int) -> None:
        key = _key(place.project)
        projects = self._places.setdefault(place.expiry_ms, {})
        projects[key] = projects.get(key, 0) + count
        self._live[key] += count
        self._total += count
        self._changes[place] += count

    @property
    def is_changed(self) -> bool:
        """Whether there is anything to write."""
        return bool(self._expired) or any(self._changes.values())

    def update(self, *, writer: str, number: int, now_ms: int) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return conditions and operators that make the changes if the ledger still is as it was read."""
        increments = {_path(place): count for place, count in self._changes.items() if count}
        removals = {f"places.{expiry_ms}": "" for expiry_ms in self._expired}
        for name, (_, at_ms) in self._writers.items():
            if name != writer and at_ms < now_ms - WRITERS_KEPT_MS:
                removals[f"writers.{name}"] = ""
        update: dict[str, Any] = {
            "$set": {"revision": self._revision + 1, f"writers.{writer}": [number, now_ms]},
        }
        if increments:
            update["$inc"] = increments
        if removals:
            update["$unset"] = removals
        return {"revision": self._revision}, update

    def changed(self) -> None:
        """Note that the update was made."""
        self._revision += 1
        self._changes.clear()
        self._expired.clear()


def live_in(document: Mapping[str, Any], *, now_ms: int, project: str | None) -> int:
    """Count the places that a ledger document says are taken now."""
    ledger = Ledger(document)
    ledger.expire(now_ms)
    return ledger.live(project)


def _key(project: str) -> str:
    """Return a project's name as one field name: no dot, no dollar in front, never empty."""
    return "p" + quote(project, safe="").replace(".", "%2E")


def _path(place: Place) -> str:
    return f"places.{place.expiry_ms}.{_key(place.project)}"
