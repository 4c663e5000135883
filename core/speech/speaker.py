"""Synthesis with a cache: equal requests are spoken once, whoever makes them and on whichever node."""

import asyncio
import logging
import uuid
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from glottis.config import Deployment
from glottis.core.audio import CONTENT_TYPES, encode_clip, normalize
from glottis.core.errors import NotFound, TooLarge, Unprocessable
from glottis.core.metrics import Metrics
from glottis.core.routing import Routing
from glottis.core.routing.chains import Chain
from glottis.core.speech.hot_audio import HotAudio
from glottis.core.speech.live_reply import LiveReply
from glottis.core.speech.requests import LiveSpeech, SpeechRequest, SpokenAudio, SpokenSentence
from glottis.core.speech.requests import audio_id as audio_id_of
from glottis.core.speech.synthesis import Spoken, speak
from glottis.core.store import AudioClaim, AudioRecord, AudioTaken, AudioTooLarge, Store, StoreUnavailable
from glottis.plugins import DEFAULT_VOICE, AudioFrame, Kind, is_speakable, lookup_order

log = logging.getLogger(__name__)

_LEASE_S = 6.0
"""How long a text that was being spoken waits when the process that spoke it is killed."""
_MOST_REFUSALS = 10_000
_TOUCH_AFTER = timedelta(hours=1)


class Speaker:
    """Says things, and remembers what they sounded like."""

    def __init__(
        self,
        routing: Routing,
        store: Store,
        deployment: Deployment,
        metrics: Metrics,
        *,
        cache_bytes: int,
        memory_bytes: int,
    ) -> None:
        self._routing = routing
        self._store = store
        self._deployment = deployment
        self._lookups = {result: metrics.cache_lookups.labels(result) for result in ("hit", "joined", "miss")}
        self._cache_bytes = cache_bytes
        self._hot = HotAudio(memory_bytes)
        self._flights: dict[str, asyncio.Task[SpokenAudio]] = {}
        self._chores: set[asyncio.Task[None]] = set()
        self._holder = uuid.uuid4().hex
        self._unwilling: set[tuple[str, str]] = set()

    async def say(self, request: SpeechRequest) -> SpokenAudio:
        """Have a text spoken, or find it spoken already.

        Raises:
            Unprocessable: there is nothing to say, or no way to say it like this.
            Unavailable: no provider could speak.
            TooLarge: the audio would not fit the cache.
        """
        if not is_speakable(request.text):
            raise Unprocessable("text: has nothing that can be spoken")
        request.content_type  # noqa: B018  # raises
        request = self._with_project_voice(request)
        able = self._routing.chain(
            Kind.SYNTHESIZER,
            language=request.language,
            project=request.project,
            provider=request.provider,
        )
        chain = self._willing_first(able, request.voice)
        audio_id = audio_id_of(chain[0], request)
        hot = self._hot.get(audio_id)
        if hot is not None:
            self._lookups["hit"].inc()
            self._touch(hot)
            return _described(hot, cached=True)
        flight = self._flights.get(audio_id)
        if flight is not None:
            self._lookups["joined"].inc()
            return replace(await asyncio.shield(flight), cached=True)
        # A task of its own: others may join, and a caller who goes away must not take the audio with them.
        flight = asyncio.create_task(self._find_or_speak(audio_id, chain, request))
        self._flights[audio_id] = flight
        flight.add_done_callback(lambda task: self._landed(audio_id, task))
        return await asyncio.shield(flight)

    async def begin(self, request: SpeechRequest) -> LiveSpeech:
        """Have a text spoken, and return with its first audio: from then on it can be fetched by its id.

        Raises:
            Unprocessable, Unavailable, TooLarge: as `say`.
        """
        raise NotImplementedError

    def stream(
        self, sentences: AsyncIterator[str], request: SpeechRequest
    ) -> AsyncGenerator[SpokenSentence | AudioFrame, None]:
        """Speak sentences as they come: each is announced, then come its frames, of at most 0.1 s.

        `request.text` and `request.format` do not matter. A sentence without anything to speak is left out.
        Close the generator to stop: that frees the provider at once.

        Raises:
            Unprocessable: there is no way to say it like this.
            Unavailable: no provider could speak.
        """
        raise NotImplementedError

    def open_reply(self, request: SpeechRequest) -> LiveReply:
        """Make audio out of frames that are still to come, in `request.format` for `request.scope`.

        Raises:
            Unprocessable: there is no such format.
        """
        raise NotImplementedError

    async def fetch(self, audio_id: str) -> AudioRecord:
        """Return stored audio.

        Raises:
            NotFound: there is none of this id.
        """
        record = self._hot.get(audio_id) or await self._store.audio.get(audio_id)
        if record is None:
            raise NotFound("no such audio; it may have expired")
        self._hot.put(record)
        self._touch(record)
        return record

    async def aclose(self) -> None:
        """Stop what is still being spoken."""
        running = [*self._flights.values(), *self._chores]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    async def _find_or_speak(self, audio_id: str, chain: Chain, request: SpeechRequest) -> SpokenAudio:
        while True:
            claim = await self._store.audio.claim(audio_id, holder=self._holder, lease_s=_LEASE_S)
            if isinstance(claim, AudioClaim):
                break
            record = await self._result_of(claim)
            if record is not None:
                self._lookups["hit"].inc()
                self._hot.put(record)
                self._touch(record)
                return _described(record, cached=True)
        self._lookups["miss"].inc()
        try:
            async with self._renewing(audio_id):
                spoken = await speak(chain, request.text, request.options)
                record = await asyncio.to_thread(_record, audio_id, spoken, request)
            self._remember_refusals(spoken, request.voice)
            if spoken.provider == chain[0].name and await self._keep(record):
                return _described(record, cached=False)
        except BaseException:
            await asyncio.shield(self._store.audio.abandon(audio_id, self._holder))
            raise
        await self._store.audio.abandon(audio_id, self._holder)
        # Kept as the fallback's own work, so that the first provider is asked again next time.
        answering = next(guard for guard in chain if guard.name == spoken.provider)
        return await self._keep_as_fallback(replace(record, id=audio_id_of(answering, request)))

    async def _keep_as_fallback(self, record: AudioRecord) -> SpokenAudio:
        while True:
            claim = await self._store.audio.claim(record.id, holder=self._holder, lease_s=_LEASE_S)
            if isinstance(claim, AudioClaim):
                if await self._keep(record):
                    return _described(record, cached=False)
            elif await self._result_of(claim) is not None:
                return _described(record, cached=False)

    async def _result_of(self, claim: AudioTaken | AudioRecord) -> AudioRecord | None:
        """Return what somebody else has made or is making; None if they gave up."""
        if isinstance(claim, AudioRecord):
            return claim
        return await self._store.audio.wait(claim.id, _LEASE_S)

    def _remember_refusals(self, spoken: Spoken, voice: str) -> None:
        if voice != DEFAULT_VOICE:
            if len(self._unwilling) > _MOST_REFUSALS:
                self._unwilling.clear()
            self._unwilling.update((name, voice) for name in spoken.refused_by)

    def _willing_first(self, chain: Chain, voice: str) -> Chain:
        """Ask those last who have refused a voice before: it is another provider's, and cached under that."""
        if not self._unwilling:
            return chain
        return sorted(chain, key=lambda guard: (guard.name, voice) in self._unwilling)

    @asynccontextmanager
    async def _renewing(self, audio_id: str) -> AsyncIterator[None]:
        """Hold on to a claim while its audio is being made."""
        renewing = asyncio.create_task(self._renew(audio_id))
        try:
            yield
        finally:
            renewing.cancel()
            await asyncio.wait({renewing})

    async def _renew(self, audio_id: str) -> None:
        while True:
            await asyncio.sleep(_LEASE_S / 3)
            # A database that is away for the moment is no reason to stop speaking.
            with suppress(StoreUnavailable):
                await self._store.audio.claim(audio_id, holder=self._holder, lease_s=_LEASE_S)

    async def _keep(self, record: AudioRecord) -> bool:
        """Store claimed audio; False if the claim was lost meanwhile, as when the machine stood still."""
        try:
            is_kept = await self._store.audio.complete(record.id, record, holder=self._holder)
        except AudioTooLarge as error:
            raise TooLarge(f"text: {error}") from None
        if is_kept:
            self._hot.put(record)
            self._chore(self._store.audio.evict(self._cache_bytes))
        return is_kept

    def _with_project_voice(self, request: SpeechRequest) -> SpeechRequest:
        """Put a project's own voice where the caller left the choice open."""
        own = self._deployment.project(request.project).voices
        if not own or request.voice != DEFAULT_VOICE or request.provider is not None:
            return request
        voices = {tag.lower(): choice for tag, choice in own.items()}
        for tag in lookup_order(request.language):
            if tag in voices:
                return replace(request, voice=voices[tag].voice, provider=voices[tag].provider)
        return request

    def _touch(self, record: AudioRecord) -> None:
        """Note the use of a record, at most hourly."""
        now = datetime.now(UTC)
        if now - record.accessed_at > _TOUCH_AFTER:
            self._hot.put(replace(record, accessed_at=now))
            self._chore(self._store.audio.touch(record.id))

    def _chore(self, work: Coroutine[Any, Any, Any]) -> None:
        task = asyncio.create_task(work)
        self._chores.add(task)
        task.add_done_callback(self._chore_done)

    def _chore_done(self, task: asyncio.Task[Any]) -> None:
        self._chores.discard(task)
        if not task.cancelled() and task.exception() is not None:
            log.warning("audio cache upkeep failed", exc_info=task.exception())

    def _landed(self, audio_id: str, task: asyncio.Task[SpokenAudio]) -> None:
        self._flights.pop(audio_id, None)
        if not task.cancelled():
            # Every caller may have gone away; the failure is theirs to see, not the loop's.
            task.exception()


def _record(audio_id: str, spoken: Spoken, request: SpeechRequest) -> AudioRecord:
    clip: AudioFrame = normalize(spoken.clip)
    data = encode_clip(clip, request.format)
    now = datetime.now(UTC)
    return AudioRecord(
        id=audio_id,
        scope=request.scope,
        content_type=CONTENT_TYPES[request.format],
        data=data,
        duration_s=clip.duration_s,
        provider=spoken.provider,
        voice=request.voice,
        created_at=now,
        accessed_at=now,
        size_bytes=len(data),
    )


def _described(record: AudioRecord, *, cached: bool) -> SpokenAudio:
    return SpokenAudio(record.id, record.duration_s, record.provider, record.content_type, cached)
