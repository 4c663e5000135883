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
    """A write whose outcome is not known yet."""

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
        self._open_write: _Write | None = None

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
        await self._settle_open_write()
        is_fresh = self._ledger is None
        while True:
            ledger = self._ledger or await self._read()
            self._ledger = None  # what is changed below holds only once it is written
            ledger.expire(now_ms)
            for place in self._owed.elements():
                ledger.give_back(place)
            refusals = [self._take(ledger, want) for want in wanted]
            is_stale_refusal = any(refusals) and not is_fresh
            if not is_stale_refusal and await self._write(ledger, wanted, refusals):
                self._ledger = ledger
                return refusals
            is_fresh = True

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
        number = self._number + 1
        update = ledger.update(writer=self._writer, number=number, now_ms=epoch_ms())
        if update is None:
            self._owed.clear()
            return True
        self._number = number
        taken = tuple(want.place for want, refusal in zip(wanted, refusals, strict=True) if refusal is None)
        self._open_write = _Write(number, taken, self._owed.copy())
        conditions, changes = update
        result = await self._ledgers.update_one({"_id": LEDGER_ID, **conditions}, changes)
        given_back, self._open_write = self._open_write.given_back, None
        if result.matched_count == 0:
            return False
        ledger.changed()
        self._owed -= given_back
        return True

    async def _settle_open_write(self) -> None:
        """Learn what became of a write whose answer was lost; nobody uses the places that it took."""
        if self._open_write is None:
            return
        ledger = await self._read()
        write, self._open_write = self._open_write, None
        if ledger.last_change_by(self._writer) >= write.number:
            self._owed -= write.given_back
            self._owed.update(write.taken)
        self._ledger = ledger

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
