"""What projects have used since they began."""

import random
from collections import Counter
from collections.abc import Mapping
from typing import Literal

from glottis.core.store.connection import Collection, answering
from glottis.core.store.records import UsageRecord
from pymongo import UpdateOne
from pymongo.asynchronous.client_session import AsyncClientSession

SHARDS = 16

Counted = Literal["sessions_total", "interactions_total"]


class UsageCounter:
    """Count in a transaction, in one of several documents for each project.

    Two writers of one document make each other's transactions fail, and one that dies in a transaction holds
    it until MongoDB's limit of 60 seconds; so whoever has to try again takes another document.
    """

    def __init__(self, usage: Collection, field: Counted) -> None:
        self._usage = usage
        self._field = field
        self._shard = self._another()

    async def add(
        self, counts: Mapping[str, int], *, session: AsyncClientSession, is_first_try: bool
    ) -> None:
        """Add to the projects' counts."""
        if not is_first_try:
            self._shard = self._another()
        updates = [
            UpdateOne(
                {"_id": f"{self._field}/{self._shard}/{project}"},
                {"$inc": {self._field: count}, "$setOnInsert": {"project": project}},
                upsert=True,
            )
            for project, count in counts.items()
        ]
        await self._usage.bulk_write(updates, ordered=False, session=session)

    @staticmethod
    def _another() -> int:
        return random.randrange(SHARDS)  # noqa: S311 - spreads load, hides nothing


class Usage:
    """Counters that outlive sessions and history."""

    def __init__(self, usage: Collection) -> None:
        self._usage = usage

    async def totals(self, project: str) -> UsageRecord:
        """Return a project's totals; zeros for a project that was never used."""
        totals: Counter[str] = Counter()
        with answering():
            async for document in self._usage.find({"project": project}):
                for field in ("sessions_total", "interactions_total"):
                    totals[field] += document.get(field, 0)
        return UsageRecord(
            sessions_total=totals["sessions_total"], interactions_total=totals["interactions_total"]
        )
