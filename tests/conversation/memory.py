"""What a conversation keeps, in memory: its history, and the audio that was made."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from types import SimpleNamespace
from typing import Any, cast

from glottis.core.store import AudioClaim, AudioRecord, AudioTaken, InteractionRecord, Store, StoreError


class MemoryHistory:
    """A history that takes `delay_s` to write; who is cancelled while waiting in line is not written.

    `failure` is what every write raises.
    """

    def __init__(self) -> None:
        self.records: list[InteractionRecord] = []
        self.delay_s = 0.0
        self.failure: StoreError | None = None
        self._ids = count(1)

    def make_id(self) -> str:
        return f"{next(self._ids):024x}"

    async def append(self, records: Sequence[InteractionRecord]) -> None:
        await self._wait()
        self.records += records

    async def amend(
        self,
        session_id: str,
        interaction_id: str,
        content: Mapping[str, Any],
        *,
        latencies_ms: Mapping[str, float] | None = None,
    ) -> None:
        await self._wait()
        for index, record in enumerate(self.records):
            if record.id == interaction_id and record.session_id == session_id:
                times = record.latencies_ms if latencies_ms is None else latencies_ms
                self.records[index] = replace(
                    record, content={**record.content, **content}, latencies_ms=times
                )

    async def history(self, session_id: str, *, limit: int) -> list[InteractionRecord]:
        return [record for record in self.records if record.session_id == session_id][-limit:]

    async def _wait(self) -> None:
        if self.delay_s:
            await asyncio.sleep(self.delay_s)
        if self.failure is not None:
            raise self.failure


class MemoryAudio:
    """The cache of audio, for one process."""

    def __init__(self) -> None:
        self.kept: dict[str, AudioRecord] = {}
        self._claims: dict[str, str] = {}

    async def get(self, audio_id: str) -> AudioRecord | None:
        return self.kept.get(audio_id)

    async def touch(self, audio_id: str) -> None:
        """Nothing is forgotten here."""

    async def claim(
        self, audio_id: str, *, holder: str, lease_s: float
    ) -> AudioClaim | AudioTaken | AudioRecord:
        if audio_id in self.kept:
            return self.kept[audio_id]
        until = datetime.now(UTC) + timedelta(seconds=lease_s)
        if self._claims.setdefault(audio_id, holder) != holder:
            return AudioTaken(id=audio_id, lease_until=until)
        return AudioClaim(id=audio_id, holder=holder, lease_until=until)

    async def complete(self, audio_id: str, record: AudioRecord, *, holder: str) -> bool:
        if self._claims.pop(audio_id, None) != holder:
            return False
        self.kept[audio_id] = record
        return True

    async def abandon(self, audio_id: str, holder: str) -> None:
        if self._claims.get(audio_id) == holder:
            del self._claims[audio_id]

    async def wait(self, audio_id: str, _timeout_s: float) -> AudioRecord | None:
        return self.kept.get(audio_id)

    async def evict(self, _max_bytes: int) -> int:
        return 0


def memory_store() -> Store:
    """Make a store of which only the audio is there."""
    return cast("Store", SimpleNamespace(audio=MemoryAudio()))
