"""Take and give back places of the session limits, exactly, whatever other processes do at the same time.

The ledger is one document, written only if it is still as it was read. Places change hands in that write, of
which a process makes one at a time, and which MongoDB does whole or not at all.
"""

import secrets
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from glottis.core.store.connection import Collection
from glottis.core.store.errors import SessionLimitReached
from glottis.core.store.ledger import Ledger, Place, live_in

LEDGER_ID = "places"


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A place that somebody asks for; `project_limit` is None where the project has none."""

    place: Place
    project_limit: int | None


@dataclass(frozen=True, slots=True)
class _Write:
    """A write of the ledger, as long as nobody knows whether it was or will be made."""

    number: int
    taken: tuple[Place, ...]
    given_back: Counter[Place]


class Places:
    """The places of all nodes, through the eyes of one process; for one caller at a time."""

    def __init__(self, ledgers: Collection, *, limit: int) -> None:
        self._ledgers = ledgers
        self._limit = limit
        self._writer = secrets.token_hex(8)
        self._number = 0
        self._ledger: Ledger | None = None
        self._owed: Counter[Place] = Counter()
        self._open_writes: list[_Write] = []

    async def live(self, project: str | None) -> int:
        """Count the places that are taken now."""
        document = await self._ledgers.find_one(LEDGER_ID)
        return 0 if document is None else live_in(document, now_ms=epoch_ms(), project=project)

    def give_back(self, place: Place) -> None:
        """Free a place with the next `change`."""
        self._owed[place] += 1

    async def change(self, wanted: Sequence[Wanted], *, now_ms: int) -> list[SessionLimitReached | None]:
        """Free what was given back and what has expired, then take what is wanted, in order.

        Returns None for each place that was taken.
        """
        is_fresh = False
        while True:
            ledger = self._ledger
            if ledger is None or self._open_writes:
                ledger, is_fresh = await self._read(), True
                self._settle_open_writes(ledger)
            self._ledger = None  # what is changed below holds only once it is written
            ledger.expire(now_ms)
            for place in self._owed.elements():
                ledger.give_back(place)
            refusals = [self._take(ledger, want) for want in wanted]
            is_stale_refusal = any(refusals) and not is_fresh
            if not is_stale_refusal and await self._write(ledger, wanted, refusals):
                self._ledger = ledger
                return refusals

    def _take(self, ledger: Ledger, want: Wanted) -> SessionLimitReached | None:
        project = want.place.project
        if ledger.live() >= self._limit:
            return SessionLimitReached(limit=self._limit)
        if want.project_limit is not None and ledger.live(project) >= want.project_limit:
            return SessionLimitReached(limit=want.project_limit, project=project)
        ledger.take(want.place)
        return None

    async def _write(
        self, ledger: Ledger, wanted: Sequence[Wanted], refusals: Sequence[SessionLimitReached | None]
    ) -> bool:
        """Write the ledger; False if another process did so first."""
        if not ledger.is_changed and not self._open_writes:
            self._owed.clear()  # what was given back has been taken again, or had expired
            return True
        self._number += 1
        taken = tuple(want.place for want, refusal in zip(wanted, refusals, strict=True) if refusal is None)
        write = _Write(self._number, taken, self._owed.copy())
        self._open_writes.append(write)
        conditions, changes = ledger.update(writer=self._writer, number=self._number, now_ms=epoch_ms())
        result = await self._ledgers.update_one({"_id": LEDGER_ID, **conditions}, changes)
        if result.matched_count == 0:
            self._open_writes.remove(write)
            return False
        self._open_writes.clear()  # all were for a ledger as it was before this one, and can be made no more
        self._owed -= write.given_back
        ledger.changed()
        return True

    def _settle_open_writes(self, ledger: Ledger) -> None:
        """Learn what became of writes whose answer was lost, at most one of which was made.

        One that is not in the ledger may still be on its way. It stays open until another write of ours makes
        the ledger another than it was for.
        """
        made = ledger.last_change_by(self._writer)
        for write in self._open_writes:
            if write.number == made:
                self._owed -= write.given_back
                self._owed.update(write.taken)  # their callers were told of a failure
                self._open_writes.clear()
                break

    async def _read(self) -> Ledger:
        document = await self._ledgers.find_one(LEDGER_ID)
        if document is None:
            await self._ledgers.update_one(
                {"_id": LEDGER_ID}, {"$setOnInsert": Ledger.empty_document()}, upsert=True
            )
            document = await self._ledgers.find_one(LEDGER_ID)
        return Ledger(document or Ledger.empty_document())


def epoch_ms() -> int:
    """Return the time in epoch milliseconds."""
    return time.time_ns() // 1_000_000
