"""The cache of synthesized audio: one synthesis for one sound, over all nodes."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from glottis.core.store.connection import Database, Raw, answering
from glottis.core.store.documents import AUDIO_BY_AGE, CachedAudio, collection
from glottis.core.store.errors import AudioTooLarge
from glottis.core.store.group_commit import GroupCommit
from glottis.core.store.records import AudioClaim, AudioRecord, AudioTaken, ClaimResult
from pymongo import ReturnDocument

MAX_AUDIO_BYTES = 15 * 1024 * 1024

TOUCH_INTERVAL_S = 3_600
_TOUCHES_REMEMBERED = 10_000
_FIRST_LOOK_S = 0.01
_LONGEST_LOOK_S = 0.1
_MEASURE_INTERVAL_S = 60.0
_PROCESSES = 8  # that may fill the room left before one of them measures again
_KEPT_AFTER_EVICTION = 0.9
_EVICTED_AT_ONCE = 500

_IS_AUDIO: Raw = {"size_bytes": {"$gte": 0}}
_IS_CLAIM: Raw = {"size_bytes": None}


class AudioCache:
    """Audio by id, bounded in bytes, forgotten when nobody has asked for it in a while."""

    def __init__(self, database: Database) -> None:
        self._audio = collection(database, CachedAudio)
        self._touched: dict[str, float] = {}
        self._stored_bytes = 0  # by this process since it measured
        self._room = 0.0
        self._measured_at = float("-inf")
        self._lookups: GroupCommit[str, bool] = GroupCommit(self._which_exist)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Look up while the context lasts."""
        async with self._lookups.running():
            yield

    async def get(self, audio_id: str) -> AudioRecord | None:
        """Return an audio that is complete."""
        # Most of what is asked for is not there, and many may ask at once: all of them are one small query.
        if not await self._lookups.submit(audio_id):
            return None
        with answering():
            raw = await self._audio.find_one({"_id": audio_id, **_IS_AUDIO})
        return None if raw is None else CachedAudio.record(raw)

    async def _which_exist(self, audio_ids: Sequence[str]) -> list[bool]:
        found = self._audio.find({"_id": {"$in": list(set(audio_ids))}, **_IS_AUDIO}, projection={"_id": 1})
        with answering():
            there = {raw["_id"] for raw in await found.to_list()}
        return [audio_id in there for audio_id in audio_ids]

    async def touch(self, audio_id: str) -> None:
        """Note that an audio was used; written down at most hourly."""
        now = time.monotonic()
        if now - self._touched.get(audio_id, float("-inf")) < TOUCH_INTERVAL_S:
            return
        if len(self._touched) >= _TOUCHES_REMEMBERED:
            self._touched.clear()
        an_hour_ago: Raw = {"$subtract": ["$$NOW", TOUCH_INTERVAL_S * 1_000]}
        is_due: Raw = {"$expr": {"$lt": ["$accessed_at", an_hour_ago]}}
        with answering():
            await self._audio.update_one(
                {"_id": audio_id, **_IS_AUDIO, **is_due}, {"$currentDate": {"accessed_at": True}}
            )
        self._touched[audio_id] = now

    async def claim(self, audio_id: str, *, holder: str, lease_s: float) -> ClaimResult:
        """Ask for the right to make an audio: won, taken by another holder, or there already.

        `holder` names one attempt, of one process. A claim is also won when the lease before it has lapsed,
        and by its own holder again, which renews the lease.
        """
        with answering():
            raw: Raw = await self._audio.find_one_and_update(  # type: ignore[assignment] # it upserts
                {"_id": audio_id},
                _claim_if_free(holder, lease_s),
                upsert=True,
                return_document=ReturnDocument.AFTER,
            )
        if raw.get("size_bytes") is not None:
            return CachedAudio.record(raw)
        if raw["holder"] == holder:
            return AudioClaim(id=audio_id, holder=holder, lease_until=raw["lease_until"])
        return AudioTaken(id=audio_id, lease_until=raw["lease_until"])

    async def complete(self, audio_id: str, record: AudioRecord, *, holder: str) -> bool:
        """Store the audio that `holder` claimed; False, storing nothing, if it lost its claim meanwhile.

        Raises:
            AudioTooLarge: over `MAX_AUDIO_BYTES`; the claim stands until it is abandoned.
        """
        if len(record.data) > MAX_AUDIO_BYTES:
            raise AudioTooLarge(size_bytes=len(record.data), limit_bytes=MAX_AUDIO_BYTES)
        with answering():
            result = await self._audio.update_one(
                {"_id": audio_id, "holder": holder, **_IS_CLAIM},
                {"$set": CachedAudio.fields(record), "$unset": {"holder": "", "lease_until": ""}},
            )
        is_stored = result.matched_count == 1
        if is_stored:
            self._stored_bytes += len(record.data)
        return is_stored

    async def abandon(self, audio_id: str, holder: str) -> None:
        """Give a claim back, so that another may try at once; nothing happens if it was lost already."""
        with answering():
            await self._audio.delete_one({"_id": audio_id, "holder": holder, **_IS_CLAIM})

    async def wait(self, audio_id: str, timeout_s: float) -> AudioRecord | None:
        """Wait for another holder's audio; None if its claim is given up or lapses, or after `timeout_s`."""
        deadline = time.monotonic() + timeout_s
        pause_s = _FIRST_LOOK_S
        state = {"size_bytes": 1, "is_held": {"$gt": ["$lease_until", "$$NOW"]}}
        while True:
            with answering():
                raw = await self._audio.find_one({"_id": audio_id}, projection=state)
            if raw is not None and raw.get("size_bytes") is not None:
                return await self.get(audio_id)
            left_s = deadline - time.monotonic()
            if raw is None or not raw["is_held"] or left_s <= 0:
                return None
            await asyncio.sleep(min(pause_s, left_s))
            pause_s = min(pause_s * 1.5, _LONGEST_LOOK_S)

    async def total_bytes(self) -> int:
        """Add up the audio that is stored; reads one index, not the audio."""
        return await self._sum()

    async def evict(self, max_bytes: int) -> int:
        """Keep the cache within `max_bytes`, dropping what was used longest ago; return the bytes dropped.

        Cheap enough to call after every store: it looks only when this process has stored a fair part of
        the room that was left, or a minute has passed since it last did.
        """
        is_recent = time.monotonic() - self._measured_at < _MEASURE_INTERVAL_S
        if is_recent and self._stored_bytes * _PROCESSES < self._room:
            return 0
        self._stored_bytes = 0
        total = await self._sum()
        dropped = 0
        if total > max_bytes:
            dropped = await self._drop(total - int(max_bytes * _KEPT_AFTER_EVICTION))
        self._room = max_bytes - (total - dropped)
        self._measured_at = time.monotonic()
        return dropped

    async def _sum(self) -> int:
        pipeline: list[dict[str, Any]] = [{"$group": {"_id": None, "bytes": {"$sum": "$size_bytes"}}}]
        with answering():
            cursor = await self._audio.aggregate(pipeline, hint=dict(AUDIO_BY_AGE))
            sums = await cursor.to_list()
        return int(sums[0]["bytes"]) if sums else 0

    async def _drop(self, surplus_bytes: int) -> int:
        """Drop the audio used longest ago until `surplus_bytes` are gone."""
        dropped = 0
        while dropped < surplus_bytes:
            oldest = self._audio.find(_IS_AUDIO, projection=["size_bytes"])
            oldest = oldest.sort(AUDIO_BY_AGE).hint(AUDIO_BY_AGE)
            with answering():
                found = await oldest.limit(_EVICTED_AT_ONCE).to_list()
                doomed = []
                for raw in found:
                    if dropped >= surplus_bytes:
                        break
                    doomed.append(raw["_id"])
                    dropped += raw["size_bytes"]
                if not doomed:
                    break
                await self._audio.delete_many({"_id": {"$in": doomed}})
        return dropped


def _claim_if_free(holder: str, lease_s: float) -> list[Raw]:
    """Return an update that changes nothing but a claim that is free, by MongoDB's own clock."""
    is_free: Raw = {
        "$and": [
            {"$eq": [{"$ifNull": ["$size_bytes", None]}, None]},
            {"$or": [{"$lte": ["$lease_until", "$$NOW"]}, {"$eq": ["$holder", {"$literal": holder}]}]},
        ]
    }
    lease_until: Raw = {"$add": ["$$NOW", round(lease_s * 1_000)]}
    claim: Raw = {
        "holder": {"$cond": [is_free, {"$literal": holder}, "$holder"]},
        "lease_until": {"$cond": [is_free, lease_until, "$lease_until"]},
        "accessed_at": {"$cond": [is_free, "$$NOW", "$accessed_at"]},
    }
    return [{"$set": claim}]
