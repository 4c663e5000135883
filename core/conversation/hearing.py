"""One client's microphone: its audio decoded, searched for voice, cut into utterances, read as it comes."""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from glottis.config import Listening
from glottis.core.audio import AudioError, PcmFormat
from glottis.core.audio.live_decoding import LiveDecoder
from glottis.core.errors import GlottisError
from glottis.core.listening import (
    WINDOW_BYTES,
    Endpointer,
    LiveTranscription,
    Speech,
    VoiceActivity,
)

_CHUNKS_WAITING = 32
_BYTES_A_SECOND = 32_000


class Heedful(Protocol):
    """Who is told what is heard; called on the event loop, and must not wait."""

    def speech_began(self) -> None:
        """Somebody speaks."""

    def speech_persists(self) -> None:
        """They have spoken for long enough to mean it."""

    def speech_resumed(self) -> None:
        """They go on after a pause."""

    def speech_faded(self) -> None:
        """They have long been silent, but the client alone says when they have finished."""

    def speech_ended(self, transcription: LiveTranscription, ended_at: float, *, is_settled: bool) -> None:
        """They have finished; the transcription is now the listener's to finish and to close.

        `ended_at` is when the last voice was heard, on `time.perf_counter`'s clock.
        """

    def nothing_heard(self) -> None:
        """Somebody has finished, the client says, who has sent no audio since they last did."""

    def cannot_hear(self, error: GlottisError) -> None:
        """There is nobody to read what is said."""

    def not_audio(self, error: AudioError) -> None:
        """Something cannot be decoded that the client sent as audio."""


@dataclass(frozen=True, slots=True)
class _End:
    """The client says that the utterance is over."""


class Hearing:
    """Works through what a client sends in a task of its own.

    `by_voice`: utterances end when the voice does. Otherwise, and besides, they end when the client says so.
    `patience` makes the silence that ends an utterance so many times longer.
    """

    def __init__(
        self,
        *,
        voice: VoiceActivity,
        listening: Listening,
        transcribe: Callable[[], LiveTranscription],
        listener: Heedful,
        declared: PcmFormat | None = None,
        by_voice: bool = True,
        keeps_unvoiced: bool = False,
    ) -> None:
        self._stream = voice.open()
        self._listening = listening
        self._transcribe = transcribe
        self._listener = listener
        self._by_voice = by_voice
        self._keeps_unvoiced = keeps_unvoiced
        self._decoder = LiveDecoder(declared=declared)
        self._endpointer = Endpointer(listening)
        self._recent: deque[bytes] = deque(maxlen=self._endpointer.most_windows_ago)
        self._unvoiced = bytearray()
        self._rest = b""
        self._transcription: LiveTranscription | None = None
        self._has_persisted = False
        self._is_broken = False
        self._ended_by_voice = False
        self._is_closed = False
        self._length_s = 0.0
        self._chunks: asyncio.Queue[bytes | _End] = asyncio.Queue(_CHUNKS_WAITING)
        self._task = asyncio.create_task(self._run(), name="hearing")

    async def feed(self, chunk: bytes) -> None:
        """Take audio; waits while what was sent before is not yet worked through."""
        await self._put(chunk)

    async def end(self) -> None:
        """Take the client's word that the utterance is over."""
        await self._put(_End())

    async def _put(self, chunk: bytes | _End) -> None:
        if not self._is_closed:
            await self._chunks.put(chunk)

    async def aclose(self) -> None:
        """Stop, and drop what was being said, and what whoever feeds still has in hand."""
        self._is_closed = True
        self._task.cancel()
        await asyncio.wait({self._task})
        while not self._chunks.empty():
            self._chunks.get_nowait()
            await asyncio.sleep(0)
        if self._transcription is not None:
            await self._transcription.aclose()
        await self._decoder.aclose()

    async def _run(self) -> None:
        while True:
            chunk = await self._chunks.get()
            try:
                if isinstance(chunk, _End):
                    await self._finish()
                else:
                    await self._hear(await self._decoder.decode(chunk))
                    self._is_broken = False
            except AudioError as error:
                self._drop()
                if not self._is_broken:
                    self._listener.not_audio(error)
                # One message for a stream of rubbish is enough.
                self._is_broken = not isinstance(chunk, _End)

    async def _hear(self, pcm: bytes) -> None:
        if not pcm:
            return
        probabilities = await self._stream.probabilities(pcm)
        pending = self._rest + pcm
        for index, probability in enumerate(probabilities):
            self._window(pending[index * WINDOW_BYTES : (index + 1) * WINDOW_BYTES], probability)
        self._rest = pending[len(probabilities) * WINDOW_BYTES :]

    def _window(self, window: bytes, probability: float) -> None:
        self._recent.append(window)
        if self._transcription is not None:
            self._transcription.push(window)
            self._length_s += len(window) / _BYTES_A_SECOND
        elif self._keeps_unvoiced and not self._ended_by_voice:
            self._keep(window)
        match self._endpointer.advance(probability):
            case Speech.STARTED:
                self._start()
            case Speech.PAUSED if self._transcription is not None:
                self._transcription.pause()
            case Speech.RESUMED:
                self._listener.speech_resumed()
            case Speech.ENDED if self._by_voice or self._is_too_long():
                self._ended_by_voice = True
                self._conclude(is_settled=self._endpointer.silent_ms >= self._listening.pause_ms)
            case Speech.ENDED:
                self._listener.speech_faded()
        if (
            self._transcription is not None
            and not self._has_persisted
            and self._endpointer.voiced_ms >= self._listening.interrupt_ms
        ):
            self._has_persisted = True
            self._listener.speech_persists()
        if not self._by_voice and self._length_s >= self._listening.longest_turn_s:
            # With all the pauses in it, the endpointer would not see how long it is.
            self._conclude(is_settled=False)
            self._endpointer.reset()

    def _start(self) -> None:
        self._has_persisted = False
        if self._transcription is None:  # else the client alone says when it ends: this goes on
            before = list(self._recent)[-self._endpointer.started_windows_ago :]
            self._transcription = self._begin(b"".join(before))
        if self._transcription is not None:
            self._unvoiced.clear()
            self._listener.speech_began()

    def _begin(self, pcm: bytes) -> LiveTranscription | None:
        try:
            transcription = self._transcribe()
        except GlottisError as error:
            self._listener.cannot_hear(error)
            return None
        self._length_s = len(pcm) / _BYTES_A_SECOND
        transcription.push(pcm)
        return transcription

    def _is_too_long(self) -> bool:
        return self._endpointer.silent_ms < self._listening.silence_ms

    def _keep(self, window: bytes) -> None:
        self._unvoiced += window
        most = int(self._listening.longest_turn_s * _BYTES_A_SECOND)
        if len(self._unvoiced) > most:
            del self._unvoiced[: len(self._unvoiced) - most]

    def _conclude(self, *, is_settled: bool) -> None:
        transcription, self._transcription = self._transcription, None
        self._length_s = 0.0
        if transcription is not None:
            ended_at = time.perf_counter() - self._endpointer.silent_ms / 1_000
            self._listener.speech_ended(transcription, ended_at, is_settled=is_settled)

    async def _finish(self) -> None:
        """End the utterance because the client says so."""
        await self._hear(await self._decoder.end_utterance())
        if self._rest:
            await self._hear(bytes(WINDOW_BYTES - len(self._rest)))
        ended_by_voice, self._ended_by_voice = self._ended_by_voice, False
        if self._transcription is None and self._unvoiced and not ended_by_voice:
            # The detector found no voice in it; the client says that there is something.
            self._transcription = self._begin(bytes(self._unvoiced))
        elif self._transcription is None and not ended_by_voice and not self._is_broken:
            self._listener.nothing_heard()
        self._conclude(is_settled=self._endpointer.is_paused)
        self._is_broken = False
        self._unvoiced.clear()
        self._endpointer.reset()
        self._stream.reset()

    def _drop(self) -> None:
        transcription, self._transcription = self._transcription, None
        if transcription is not None:
            self._listener.speech_ended(transcription, time.perf_counter(), is_settled=False)
        self._unvoiced.clear()
        self._endpointer.reset()
        self._stream.reset()
        self._rest = b""
