"""Sentences in, their audio out, while the sentences are still being thought of."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import aclosing
from dataclasses import replace

from glottis.core.audio import encode_clip, normalize_measured, wav_clip
from glottis.core.routing.chains import Chain
from glottis.core.speech.audio_store import AudioStore, recorded
from glottis.core.speech.gains import Gains, Voice
from glottis.core.speech.requests import SpeechRequest, SpokenSentence, audio_id
from glottis.core.speech.synthesis import Spoken, speak
from glottis.core.speech.takes import Take, pieces_of
from glottis.core.store import AudioRecord
from glottis.plugins import AudioFrame, is_speakable
from prometheus_client import Counter

Said = SpokenSentence | AudioFrame

_FORMAT = "wav"  # decoded at once, and joined without gaps


class SentenceStreams:
    """Speaks replies sentence by sentence; equal sentences that are spoken at one time are spoken once."""

    def __init__(
        self,
        audio: AudioStore,
        gains: Gains,
        lookups: Mapping[str, Counter],
        refused: Callable[[Spoken, str], None],
    ) -> None:
        self._audio = audio
        self._gains = gains
        self._lookups = lookups
        self._refused = refused
        self._takes: dict[str, Take] = {}

    async def stream(
        self, chain: Chain, sentences: AsyncIterator[str], request: SpeechRequest
    ) -> AsyncGenerator[Said, None]:
        """Give each sentence and its frames."""
        reply = _Reply(self, chain, sentences, request)
        try:
            async with aclosing(reply.listen()) as items:
                async for item in items:
                    yield item
        finally:
            await reply.aclose()

    async def aclose(self) -> None:
        """Stop what is still being spoken."""
        for take in list(self._takes.values()):
            await take.stop()

    async def sentence(
        self, chain: Chain, request: SpeechRequest, gains: dict[Voice, float]
    ) -> AudioRecord | Take:
        """Find a sentence that has been said before, or is being said; else it begins to be said.

        A take counts its listeners: leave it.
        """
        sentence_id = audio_id(chain[0], request)
        known = self._known(sentence_id)
        if known is None:
            record = await self._audio.quick_get(sentence_id)
            # Somebody may have begun meanwhile, and even have come to the end.
            known = record or self._known(sentence_id)
        if isinstance(known, AudioRecord):
            self._lookups["hit"].inc()
            return known
        self._lookups["miss" if known is None else "joined"].inc()
        take = known or self._begin(sentence_id, chain, request, gains)
        take.join()
        return take

    def _known(self, sentence_id: str) -> AudioRecord | Take | None:
        take = self._takes.get(sentence_id)
        return take if take is not None and take.is_open else self._audio.hot(sentence_id)

    def _begin(
        self, sentence_id: str, chain: Chain, request: SpeechRequest, gains: dict[Voice, float]
    ) -> Take:
        take = self._takes[sentence_id] = Take(request.text, self._gains, gains)

        async def speaking() -> None:
            try:
                await self._speak(take, chain, request)
            finally:
                if self._takes.get(sentence_id) is take:
                    del self._takes[sentence_id]

        take.begin(speaking())
        return take

    async def _speak(self, take: Take, chain: Chain, request: SpeechRequest) -> None:
        spoken = await speak(chain, take.text, request.options, take)
        clip, voice = await take.end()
        self._refused(spoken, request.voice)
        answering = next(guard for guard in chain if guard.name == spoken.provider)
        self._audio.keep_later(
            recorded(
                audio_id(answering, request),
                encode_clip(clip, _FORMAT),
                clip.duration_s,
                spoken.provider,
                request,
            )
        )
        if not self._gains.is_settled(voice):
            self._audio.chore(self._learn(voice, spoken.clip))

    async def _learn(self, voice: Voice, clip: AudioFrame) -> None:
        _, gain_db = await asyncio.to_thread(normalize_measured, clip)
        self._gains.learn(voice, gain_db, heard_s=clip.duration_s)


class _Reply:
    """The sentences of one reply: one is listened to, and one at most is ready before its time.

    The providers go at their own pace, so that none is kept by whoever listens slowly. Who has spoken goes on
    speaking: a voice that changes to and fro is worse than a fallback.
    """

    def __init__(
        self, streams: SentenceStreams, chain: Chain, sentences: AsyncIterator[str], request: SpeechRequest
    ) -> None:
        self._streams = streams
        self._chain = tuple(chain)
        self._sentences = sentences
        self._request = replace(request, format=_FORMAT)
        self._gains: dict[Voice, float] = {}
        self._joined: list[Take] = []
        self._ready: asyncio.Queue[Take | tuple[str, AudioRecord] | None] = asyncio.Queue()
        self._room = asyncio.Semaphore(1)
        self._making = asyncio.create_task(self._make())

    async def listen(self) -> AsyncGenerator[Said, None]:
        speaker: str | None = None
        while (sentence := await self._ready.get()) is not None:
            self._room.release()
            if isinstance(sentence, Take):
                async with aclosing(sentence.listen(speaker)) as items:
                    async for item in items:
                        yield item
                speaker = sentence.provider
                self._joined.remove(sentence)
                sentence.leave()
                continue
            text, record = sentence
            moved_from = speaker if speaker != record.provider else None
            yield SpokenSentence(text, record.provider, cached=True, moved_from=moved_from)
            for frame in pieces_of(wav_clip(record.data)):
                yield frame
            speaker = record.provider
        await self._making  # raises what went wrong

    async def aclose(self) -> None:
        self._making.cancel()
        for take in self._joined:
            take.leave()
        if not self._making.done():
            await asyncio.wait({self._making})
        if not self._making.cancelled():
            self._making.exception()  # told already, or nobody is there to tell
        for take in self._joined:
            await take.left()
        if isinstance(self._sentences, AsyncGenerator):
            await self._sentences.aclose()

    async def _make(self) -> None:
        try:
            async for text in self._sentences:
                if not is_speakable(text):
                    continue
                await self._room.acquire()
                request = replace(self._request, text=text.strip())
                sentence = await self._streams.sentence(self._chain, request, self._gains)
                if isinstance(sentence, AudioRecord):
                    self._ready.put_nowait((request.text, sentence))
                    continue
                self._joined.append(sentence)
                self._ready.put_nowait(sentence)
                if not await sentence.succeeded():
                    return
                self._stay_with(sentence.provider)
        finally:
            self._ready.put_nowait(None)

    def _stay_with(self, name: str | None) -> None:
        names = [guard.name for guard in self._chain]
        if name in names:
            place = names.index(name)
            self._chain = self._chain[place:] + self._chain[:place]
