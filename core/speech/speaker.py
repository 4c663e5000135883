"""Synthesis with a cache: equal requests are spoken once, whoever makes them and on whichever node."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from typing import Any

from glottis.config import Deployment
from glottis.core.audio import encode_clip, normalize_measured
from glottis.core.errors import NotFound, Unavailable, Unprocessable
from glottis.core.metrics import Metrics
from glottis.core.routing import Guard, Routing
from glottis.core.routing.chains import Chain
from glottis.core.speech.audio_store import AudioStore, recorded
from glottis.core.speech.flights import Flight
from glottis.core.speech.gains import Gains
from glottis.core.speech.live_audio import LiveAudio
from glottis.core.speech.live_reply import LiveReply
from glottis.core.speech.requests import LiveSpeech, SpeechRequest, SpokenAudio, SpokenSentence, audio_id
from glottis.core.speech.sentence_stream import SentenceStreams
from glottis.core.speech.synthesis import Spoken, speak
from glottis.core.speech.trained import Trained
from glottis.core.store import AudioRecord, Store
from glottis.plugins import DEFAULT_VOICE, AudioFrame, Kind, is_speakable, lookup_order

_MOST_REFUSALS = 10_000


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
        trained: Trained | None = None,
    ) -> None:
        self._routing = routing
        self._deployment = deployment
        self._trained = trained
        self._lookups = {result: metrics.cache_lookups.labels(result) for result in ("hit", "joined", "miss")}
        self._audio = AudioStore(store, cache_bytes=cache_bytes, memory_bytes=memory_bytes)
        self._flights: dict[str, Flight] = {}
        self._live: dict[str, LiveAudio] = {}
        self._replies: dict[str, LiveReply] = {}
        self._gains = Gains()
        self._streams = SentenceStreams(self._audio, self._gains, self._lookups, self._remember_refusals)
        self._unwilling: set[tuple[str, str]] = set()

    async def say(self, request: SpeechRequest) -> SpokenAudio:
        """Have a text spoken, or find it spoken already.

        Raises:
            Unprocessable: there is nothing to say, or no way to say it like this.
            Unavailable: no provider could speak.
            TooLarge: the audio would not fit the cache.
        """
        _require_sayable(request)
        found, is_new = self._find_or_fly(*await self._settle(request))
        if isinstance(found, AudioRecord):
            return _described(found, cached=True)
        found.join()  # for good: a caller who goes away must not take the audio with them
        spoken = await asyncio.shield(found.task)
        return spoken if is_new else replace(spoken, cached=True)

    async def begin(self, request: SpeechRequest) -> LiveSpeech:
        """Have a text spoken, and return with its first audio: from then on it can be fetched by its id.

        Who is cancelled, or leaves it, stops the provider if nobody else wants the audio.

        Raises:
            Unprocessable, Unavailable, TooLarge: as `say`.
        """
        _require_sayable(request)
        found, is_new = self._find_or_fly(*await self._settle(request))
        if isinstance(found, AudioRecord):
            spoken = _described(found, cached=True)

            async def at_once() -> SpokenAudio:
                return spoken

            return LiveSpeech(spoken.id, spoken.provider, spoken.content_type, cached=True, finished=at_once)
        found.join()
        try:
            begun = await asyncio.shield(found.begun)
        except asyncio.CancelledError:
            found.leave()
            raise
        cached = begun.cached or not is_new

        async def in_the_end() -> SpokenAudio:
            return replace(await asyncio.shield(found.task), cached=cached)

        return LiveSpeech(begun.id, begun.provider, request.content_type, cached, in_the_end, found.leave)

    async def stream(
        self, sentences: AsyncIterator[str], request: SpeechRequest
    ) -> AsyncGenerator[SpokenSentence | AudioFrame, None]:
        """Speak sentences as they come: each is announced, then come its frames, of at most 0.1 s.

        `request.text` and `request.format` do not matter. A sentence without anything to speak is left out.
        A provider that fails before any audio of the reply is replaced unnoticed. Later the next one is
        announced by `moved_from`, and goes on to the end; a sentence that broke off is said again from its
        beginning, as words heard twice are better than words not heard.
        Close the generator to stop: that frees the provider at once, and closes `sentences`.

        Raises:
            Unprocessable: there is no way to say it like this.
            Unavailable: no provider could speak.
        """
        request, chain = await self._settle(request)
        async with aclosing(self._streams.stream(chain, sentences, request)) as items:
            async for item in items:
                yield item

    def open_reply(self, request: SpeechRequest) -> LiveReply:
        """Make audio out of frames that are still to come, in `request.format` for `request.scope`.

        Raises:
            Unprocessable: there is no such format.
        """
        reply = LiveReply(self._audio, request, closed=self._reply_closed)
        self._live[reply.id] = reply.live
        self._replies[reply.id] = reply
        return reply

    async def fetch(self, audio_id: str) -> AudioRecord | LiveAudio:
        """Return stored audio, or audio that is being made on this node; wait for another node to make it.

        Raises:
            NotFound: there is none of this id.
        """
        found = self._audio.hot(audio_id) or self._live.get(audio_id) or await self._audio.expect(audio_id)
        if found is None:
            raise NotFound("no such audio; it may have expired")
        return found

    async def aclose(self) -> None:
        """Stop what is still being spoken."""
        running = [flight.task for flight in self._flights.values()]
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await self._streams.aclose()
        for reply in list(self._replies.values()):
            await reply.abandon()
        await self._audio.aclose()

    async def _settle(self, request: SpeechRequest) -> tuple[SpeechRequest, Chain]:
        """Find out who speaks, and with what voice: the project's own, a trained one, or what is asked."""
        request = self._with_project_voice(request)
        if request.voice == DEFAULT_VOICE or self._trained is None:
            return request, self._chain(request)
        trained = await self._trained.spoken(request.voice, project=request.project)
        if trained is None:
            return request, self._chain(request)
        speaker, voice = trained
        request = replace(request, voice=voice, provider=None)
        return request, (speaker, *self._others(request, speaker))

    def _others(self, request: SpeechRequest, speaker: Guard[Any]) -> tuple[Guard[Any], ...]:
        """Give those who go on in their own voices should the speaker of a trained one fail."""
        try:
            return tuple(guard for guard in self._chain(request) if guard is not speaker)
        except (Unprocessable, Unavailable):
            return ()

    def _find_or_fly(self, request: SpeechRequest, chain: Chain) -> tuple[AudioRecord | Flight, bool]:
        """Find audio or somebody on this node who is getting it, or get it; tell whether that is new."""
        wanted = audio_id(chain[0], request)
        hot = self._audio.hot(wanted)
        if hot is not None:
            self._lookups["hit"].inc()
            return hot, False
        flight = self._flights.get(wanted)
        if flight is not None and not flight.is_left:
            self._lookups["joined"].inc()
            return flight, False
        new = self._flights[wanted] = Flight(request, self._audio, self._gains, self._live)
        new.start(self._find_or_speak(wanted, chain, request, new))

        def landed(_: asyncio.Task[SpokenAudio]) -> None:
            if self._flights.get(wanted) is new:
                del self._flights[wanted]

        new.task.add_done_callback(landed)
        return new, True

    async def _find_or_speak(
        self, wanted: str, chain: Chain, request: SpeechRequest, flight: Flight
    ) -> SpokenAudio:
        found = await self._audio.find_or_claim(wanted)
        if found is not None:
            self._lookups["hit"].inc()
            return _described(found, cached=True)
        self._lookups["miss"].inc()
        flight.claimed.add(wanted)
        try:
            async with self._audio.renewing(flight.claimed):
                spoken = await speak(chain, request.text, request.options, flight)
                answering = next(guard for guard in chain if guard.name == spoken.provider)
                record, gain_db = await asyncio.to_thread(
                    _record, audio_id(answering, request), spoken, request
                )
            self._remember_refusals(spoken, request.voice)
            self._gains.learn(flight.voice, gain_db, heard_s=spoken.clip.duration_s)
            # A fallback's work is kept as its own, so that the first provider is asked again next time.
            if not await self._audio.keep(record):
                await self._audio.keep_unclaimed(record)
            flight.end()
        except BaseException:
            await asyncio.shield(self._audio.abandon(*flight.claimed))
            raise
        await self._audio.abandon(*(flight.claimed - {record.id}))
        return _described(record, cached=False)

    def _chain(self, request: SpeechRequest) -> Chain:
        """Give the providers that may speak.

        Those who have refused a voice before come last: it is another provider's, and cached under that.
        """
        chain: tuple[Guard[Any], ...] = self._routing.chain(
            Kind.SYNTHESIZER, language=request.language, project=request.project, provider=request.provider
        )
        if not self._unwilling:
            return chain
        return sorted(chain, key=lambda guard: (guard.name, request.voice) in self._unwilling)

    def _remember_refusals(self, spoken: Spoken, voice: str) -> None:
        if voice != DEFAULT_VOICE:
            if len(self._unwilling) > _MOST_REFUSALS:
                self._unwilling.clear()
            self._unwilling.update((name, voice) for name in spoken.refused_by)

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

    def _reply_closed(self, reply_id: str) -> None:
        self._live.pop(reply_id, None)
        self._replies.pop(reply_id, None)


def _require_sayable(request: SpeechRequest) -> None:
    if not is_speakable(request.text):
        raise Unprocessable("text: has nothing that can be spoken")
    request.content_type  # noqa: B018  # raises where there is no such format


def _record(audio_id: str, spoken: Spoken, request: SpeechRequest) -> tuple[AudioRecord, float | None]:
    clip, gain_db = normalize_measured(spoken.clip)
    data = encode_clip(clip, request.format)
    return recorded(audio_id, data, clip.duration_s, spoken.provider, request), gain_db


def _described(record: AudioRecord, *, cached: bool) -> SpokenAudio:
    return SpokenAudio(record.id, record.duration_s, record.provider, record.content_type, cached)
