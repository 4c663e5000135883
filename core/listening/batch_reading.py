"""Reading an utterance while it is being said with a recognizer that takes whole clips.

The audio that is not read for good is read again and again, each time a little longer, as a draft. A pause
is read for good at once: mostly it is the end. Where the audio gets long, it is cut, and what lies before the
cut is read once and never again.
"""

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from glottis.core.audio import is_silent, resample
from glottis.core.listening.recording import BYTES_PER_S, RATE_HZ, Recording
from glottis.core.routing import Guard
from glottis.core.routing.answers import transcript_of
from glottis.plugins import (
    Alternative,
    AudioFrame,
    ErrorCategory,
    ProviderError,
    RecognitionOptions,
    Recognizer,
    Transcript,
    primary,
)

DRAFT_EVERY_S = 0.7
"""How much new audio a draft is worth; more, where the last one took longer than that."""
CUT_AT_PAUSE_S = 8.0
"""From this length on, a pause is a cut."""
CUT_S = 15.0
"""From this length on, the quietest place is one. Whisper base takes 1.7 s for 17 s of it, 0.4 s for 8."""
_CUT_MARGIN_S = 1.0
_QUIET_S = 0.2
_UNSPACED = frozenset({"zh", "yue", "ja", "th", "lo", "my", "km", "bo"})


@dataclass(frozen=True, slots=True)
class _Piece:
    """Audio from `start` to `end` that is being read for good."""

    start: int
    end: int
    reading: asyncio.Task[Transcript]


class BatchReading:
    """One utterance with one recognizer.

    `told` hears a reading of all there is, and how much of its text is final; `settled` the reading up to a
    pause.
    """

    def __init__(
        self,
        guard: Guard[Recognizer],
        recording: Recording,
        options: RecognitionOptions,
        *,
        wants_partials: bool,
        told: Callable[[str, str], None],
        settled: Callable[[Transcript], None],
    ) -> None:
        self._guard, self._recording, self._options = guard, recording, options
        self._wants_partials, self._told, self._settled = wants_partials, told, settled
        self._draft_options = replace(options, draft=True, alternatives=0, word_times=False)
        self._tasks: set[asyncio.Task[Any]] = set()
        self._pieces: list[_Piece] = []
        self._at_pause: _Piece | None = None
        self._draft: asyncio.Task[None] | None = None
        self._drafted_to = 0
        self._draft_step = round(DRAFT_EVERY_S * BYTES_PER_S)
        self._open_at = 0

    async def read(self) -> Transcript:
        """Follow the recording to its end, and give the final.

        Raises:
            ProviderError: the recognizer failed; nothing more comes of it.
        """
        try:
            while self._recording.ends_at is None:
                self._raise_failures()
                await self._recording.news(length=self._advance())
            return await self._final(self._recording.ends_at)
        finally:
            await _drop(self._tasks)

    async def _final(self, end: int) -> Transcript:
        """Read what is still open; where the speaker has not gone on after a pause, that has been done."""
        _cancel(self._draft)
        pieces = list(self._pieces)
        if self._at_pause is not None and self._at_pause.end == end:
            pieces.append(self._at_pause)
        elif end > self._open_at:
            self._forget_pause()
            pieces.append(self._read_for_good(self._open_at, end))
        return await self._joined(pieces)

    def _advance(self) -> int:
        """Begin what is due; say at which length of the recording to look again."""
        length, paused_at = len(self._recording.pcm), self._recording.paused_at
        read_to = self._at_pause.end if self._at_pause is not None else self._open_at
        if paused_at is not None and paused_at > read_to:
            _cancel(self._draft)
            self._forget_pause()
            self._at_pause = self._read_for_good(self._open_at, paused_at)
            self._drafted_to = paused_at
            self._spawn(self._settle(self._at_pause))
        while length - self._open_at >= CUT_S * BYTES_PER_S:
            self._cut()
        return self._advance_draft(length)

    def _advance_draft(self, length: int) -> int:
        cut_at = self._open_at + round(CUT_S * BYTES_PER_S)
        draft_at = max(self._drafted_to, self._open_at) + self._draft_step
        is_reading = not (self._draft is None or self._draft.done()) or (
            self._at_pause is not None and not self._at_pause.reading.done()
        )
        if is_reading or not self._wants_partials:
            return cut_at
        if length < draft_at:
            return min(draft_at, cut_at)
        if not self._guard.has_room:
            return min(length + self._draft_step, cut_at)
        self._drafted_to = length
        self._draft = self._spawn(self._read_draft(length))
        return cut_at

    async def _read_draft(self, end: int) -> None:
        loop = asyncio.get_running_loop()
        began, start, pieces = loop.time(), self._open_at, list(self._pieces)
        try:
            draft = await self._recognize(self._recording.frame(start, end), self._draft_options)
        except ProviderError as error:
            if error.category is not ErrorCategory.RATE_LIMITED:
                raise
            return
        took_s = loop.time() - began
        self._draft_step = round(max(DRAFT_EVERY_S, took_s) * RATE_HZ) * 2
        certain = (await self._joined(pieces)).text
        if start == self._open_at:
            self._told(self._glued([certain, draft.text]), certain)

    async def _settle(self, piece: _Piece) -> None:
        heard = await self._joined([*self._pieces, piece])
        if piece is not self._at_pause:
            return
        is_long = piece.end - piece.start >= CUT_AT_PAUSE_S * BYTES_PER_S
        if is_long:
            self._close(piece)
        if self._wants_partials:
            self._told(heard.text, heard.text if is_long else "")
        self._settled(heard)

    def _cut(self) -> None:
        """Read for good what lies before the quietest place."""
        first = self._open_at + round(CUT_AT_PAUSE_S * BYTES_PER_S)
        last = self._open_at + round((CUT_S - _CUT_MARGIN_S) * BYTES_PER_S)
        _cancel(self._draft)
        self._forget_pause()
        cut = first + 2 * _quietest(self._recording.frame(first, last))
        self._close(self._read_for_good(self._open_at, cut))

    def _close(self, piece: _Piece) -> None:
        """Let the next piece begin where this one ends."""
        self._pieces.append(piece)
        self._open_at = piece.end
        self._at_pause = None

    def _forget_pause(self) -> None:
        """Stop reading up to a pause after which the speaker went on."""
        if self._at_pause is not None:
            self._at_pause.reading.cancel()
            self._at_pause = None

    def _read_for_good(self, start: int, end: int) -> _Piece:
        reading = self._spawn(self._recognize(self._recording.frame(start, end), self._options))
        return _Piece(start, end, reading)

    async def _recognize(self, clip: AudioFrame, options: RecognitionOptions) -> Transcript:
        if await asyncio.to_thread(is_silent, clip):
            return Transcript("", 0.0, options.language)
        fitting = await asyncio.to_thread(resample, clip, rate_hz=self._guard.capabilities.rate_hz)

        async def run(provider: Recognizer) -> Transcript:
            return transcript_of(await provider.recognize(fitting, options), options)

        return await self._guard.call(run)

    async def _joined(self, pieces: Sequence[_Piece]) -> Transcript:
        """Put together what the pieces say; one after the other, as each waits for its own reading."""
        heard = [(piece.start, await asyncio.shield(piece.reading)) for piece in pieces]
        spoken = [(start, one) for start, one in heard if one.text]
        if len(spoken) == 1 and spoken[0][0] == 0:
            return spoken[0][1]
        weight = sum(len(one.text) for _, one in spoken)
        sure = sum(len(one.text) * one.confidence for _, one in spoken) / weight if weight else 0.0
        words = tuple(
            replace(word, start_s=word.start_s + start / BYTES_PER_S, end_s=word.end_s + start / BYTES_PER_S)
            for start, one in spoken
            for word in one.words
        )
        text = self._glued([one.text for _, one in spoken])
        return Transcript(text, min(sure, 1.0), self._options.language, words, self._others(spoken))

    def _others(self, spoken: Sequence[tuple[int, Transcript]]) -> tuple[Alternative, ...]:
        """Give the other readings of the last piece, after the best ones of those before it."""
        if not spoken:
            return ()
        before = [one.text for _, one in spoken[:-1]]
        return tuple(
            replace(other, text=self._glued([*before, other.text])) for other in spoken[-1][1].alternatives
        )

    def _glued(self, texts: Sequence[str]) -> str:
        glue = "" if primary(self._options.language) in _UNSPACED else " "
        return glue.join(text for text in texts if text)

    def _spawn(self, doing: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        task = asyncio.create_task(doing)
        self._tasks.add(task)
        task.add_done_callback(lambda _: self._recording.tell())
        return task

    def _raise_failures(self) -> None:
        for task in [task for task in self._tasks if task.done()]:
            self._tasks.discard(task)
            if not task.cancelled():
                task.result()


def _quietest(frame: AudioFrame) -> int:
    """Find the sample in the middle of the quietest fifth of a second."""
    samples = np.frombuffer(frame.pcm, "<i2").astype(np.float32)
    step = RATE_HZ // 50
    powers = np.square(samples[: len(samples) // step * step].reshape(-1, step)).mean(axis=1)
    width = round(_QUIET_S * RATE_HZ / step)
    loudness = np.convolve(powers, np.ones(width), mode="valid")
    return (int(loudness.argmin()) + width // 2) * step


def _cancel(task: asyncio.Task[Any] | None) -> None:
    if task is not None:
        task.cancel()


async def _drop(tasks: set[asyncio.Task[Any]]) -> None:
    """Cancel tasks, and wait until they have let go."""
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks)
    for task in tasks:
        if not task.cancelled():
            task.exception()  # it is not missed
