"""What has been spoken, in memory and in the database, and who is speaking what over all nodes."""

import asyncio
import logging
import uuid
from collections.abc import AsyncIterator, Collection, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from glottis.core.errors import TooLarge
from glottis.core.speech.hot_audio import HotAudio
from glottis.core.speech.requests import SpeechRequest
from glottis.core.store import AudioClaim, AudioRecord, AudioTaken, AudioTooLarge, Store, StoreUnavailable

log = logging.getLogger(__name__)

_LEASE_S = 6.0
"""How long a text that was being spoken waits when the process that spoke it is killed."""
_LONGEST_WAIT_S = 60.0
_LOOKED_UP_WITHIN_S = 0.25
_MOST_WAITING = 200
_LONGEST_DELAY_S = 0.5
_LAST_CHORES_S = 3.0
_TOUCH_AFTER = timedelta(hours=1)


def recorded(
    audio_id: str, data: bytes, duration_s: float, provider: str, request: SpeechRequest
) -> AudioRecord:
    """Describe audio that has just been made."""
    now = datetime.now(UTC)
    return AudioRecord(
        id=audio_id,
        scope=request.scope,
        content_type=request.content_type,
        data=data,
        duration_s=duration_s,
        provider=provider,
        voice=request.voice,
        created_at=now,
        accessed_at=now,
        size_bytes=len(data),
    )


def _heed_cancellation() -> None:
    """Go no further if cancelled: the driver may have told that as an error of its connection."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


class AudioStore:
    """Audio by id. `holder` is this process, as other nodes know it."""

    def __init__(self, store: Store, *, cache_bytes: int, memory_bytes: int) -> None:
        self._store = store
        self._cache_bytes = cache_bytes
        self._hot = HotAudio(memory_bytes)
        self._chores: set[asyncio.Task[Any]] = set()
        self._holder = uuid.uuid4().hex
        self._seekers = 0
        self._quiet = asyncio.Event()
        self._quiet.set()
        self._keeping = asyncio.Lock()
        self._waiting = 0

    def hot(self, audio_id: str) -> AudioRecord | None:
        """Return audio that is in memory."""
        record = self._hot.get(audio_id)
        if record is not None:
            self._touch(record)
        return record

    async def get(self, audio_id: str) -> AudioRecord | None:
        """Return audio that is there."""
        record = self._hot.get(audio_id) or await self._store.audio.get(audio_id)
        return None if record is None else self._used(record)

    async def quick_get(self, audio_id: str) -> AudioRecord | None:
        """Return audio that can be had at once; a database in trouble has none."""
        self._seekers += 1
        self._quiet.clear()
        try:
            with suppress(StoreUnavailable, TimeoutError):
                async with asyncio.timeout(_LOOKED_UP_WITHIN_S):
                    return await self.get(audio_id)
        finally:
            self._seekers -= 1
            if not self._seekers:
                self._quiet.set()
        _heed_cancellation()
        return None

    async def expect(self, audio_id: str) -> AudioRecord | None:
        """Return audio that is there, or that another node is making; None if there will be none."""
        record = await self.get(audio_id) or await self._store.audio.wait(audio_id, _LONGEST_WAIT_S)
        return None if record is None else self._used(record)

    async def find_or_claim(self, audio_id: str) -> AudioRecord | None:
        """Return audio as soon as anybody has made it; None if it is this process's turn to."""
        while True:
            claim = await self._claim(audio_id)
            if isinstance(claim, AudioClaim):
                return None
            record = await self.result_of(claim)
            if record is not None:
                return self._used(record)

    async def result_of(self, claim: AudioTaken | AudioRecord) -> AudioRecord | None:
        """Return what somebody else has made or is making; None if they gave up."""
        if isinstance(claim, AudioRecord):
            return claim
        return await self._store.audio.wait(claim.id, _LEASE_S)

    async def try_claim(self, audio_id: str) -> None:
        """Tell the other nodes that this one is making an audio, if they can be told."""
        with suppress(StoreUnavailable):
            await self._claim(audio_id)
        _heed_cancellation()

    async def keep(self, record: AudioRecord) -> bool:
        """Store claimed audio; False if the claim was lost meanwhile, as when the machine stood still.

        Raises:
            TooLarge: it would not fit.
        """
        try:
            is_kept = await self._store.audio.complete(record.id, record, holder=self._holder)
        except AudioTooLarge as error:
            raise TooLarge(f"text: {error}") from None
        if is_kept:
            self._hot.put(record)
            self.chore(self._store.audio.evict(self._cache_bytes))
        return is_kept

    async def keep_unclaimed(self, record: AudioRecord) -> None:
        """Store audio that may be there already, or be in the making elsewhere.

        Raises:
            TooLarge: it would not fit.
        """
        while True:
            claim = await self._claim(record.id)
            if isinstance(claim, AudioClaim):
                if await self.keep(record):
                    return
            elif await self.result_of(claim) is not None:
                return

    def keep_later(self, record: AudioRecord) -> None:
        """Have audio in memory at once, and in the database soon: one after another, and not too many.

        What is left out can be spoken again.
        """
        self._hot.put(record)
        if self._waiting < _MOST_WAITING:
            self._waiting += 1
            self.chore(self._keep_in_turn(record))

    async def abandon(self, *audio_ids: str) -> None:
        """Give claims back."""
        for audio_id in audio_ids:
            await self._store.audio.abandon(audio_id, self._holder)

    @asynccontextmanager
    async def renewing(self, audio_ids: Collection[str]) -> AsyncIterator[None]:
        """Hold on to claims while their audio is being made; the set may grow meanwhile."""
        renewing = asyncio.create_task(self._renew(audio_ids))
        try:
            yield
        finally:
            renewing.cancel()
            await asyncio.wait({renewing})

    def chore(self, work: Coroutine[Any, Any, Any]) -> None:
        """Do what nobody waits for."""
        task = asyncio.create_task(work)
        self._chores.add(task)
        task.add_done_callback(self._chore_done)

    async def aclose(self) -> None:
        """Let what nobody waits for come to its end, if it soon does: audio may have cost money."""
        if self._chores:
            _, late = await asyncio.wait(self._chores, timeout=_LAST_CHORES_S)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)

    async def _keep_in_turn(self, record: AudioRecord) -> None:
        try:
            async with self._keeping:
                # Whoever wants to speak now goes first.
                with suppress(TimeoutError):
                    async with asyncio.timeout(_LONGEST_DELAY_S):
                        await self._quiet.wait()
                await self.keep_unclaimed(record)
        finally:
            self._waiting -= 1

    async def _claim(self, audio_id: str) -> AudioClaim | AudioTaken | AudioRecord:
        return await self._store.audio.claim(audio_id, holder=self._holder, lease_s=_LEASE_S)

    async def _renew(self, audio_ids: Collection[str]) -> None:
        while True:
            await asyncio.sleep(_LEASE_S / 3)
            for audio_id in tuple(audio_ids):
                # A database that is away for the moment is no reason to stop speaking.
                await self.try_claim(audio_id)

    def _used(self, record: AudioRecord) -> AudioRecord:
        self._hot.put(record)
        self._touch(record)
        return record

    def _touch(self, record: AudioRecord) -> None:
        """Note the use of a record, at most hourly."""
        now = datetime.now(UTC)
        if now - record.accessed_at > _TOUCH_AFTER:
            self._hot.put(replace(record, accessed_at=now))
            self.chore(self._store.audio.touch(record.id))

    def _chore_done(self, task: asyncio.Task[Any]) -> None:
        self._chores.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.warning("audio cache upkeep failed", exc_info=task.exception())
