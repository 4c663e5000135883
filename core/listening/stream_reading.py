"""Reading an utterance while it is being said with a recognizer that takes a stream."""

import asyncio
from collections.abc import Callable
from typing import Any

import numpy as np
import soxr
from glottis.core.listening.recording import BYTES_PER_S, RATE_HZ, Recording
from glottis.core.routing import Guard
from glottis.core.routing.answers import partial_of, transcript_of
from glottis.plugins import (
    AudioFrame,
    ErrorCategory,
    Partial,
    ProviderError,
    RecognitionOptions,
    Recognizer,
    RecognizerStream,
    Transcript,
)

STEP_S = 0.1
"""How much audio is handed over at once."""
SETTLING_S = 1.0
"""A partial that comes when no more than this was recorded after a pause is a reading up to the pause."""
UNKNOWN_CONFIDENCE = 0.5
"""Partials have none."""


class StreamReading:
    """One utterance with one recognizer; `told` hears its partials, `settled` the reading up to a pause."""

    def __init__(
        self,
        guard: Guard[Recognizer],
        recording: Recording,
        options: RecognitionOptions,
        *,
        told: Callable[[Partial], None],
        settled: Callable[[Transcript], None],
    ) -> None:
        self._guard, self._recording, self._options = guard, recording, options
        self._told, self._settled = told, settled
        self._newest = ""
        self._settled_text: str | None = None
        self._settled_at: int | None = None

    async def read(self) -> Transcript:
        """Follow the recording to its end, and give the final.

        Raises:
            ProviderError: the recognizer failed; nothing more comes of it.
        """
        if not self._guard.has_room:
            # To wait would be to fall behind, for as long as somebody else speaks.
            raise ProviderError(
                ErrorCategory.RATE_LIMITED, f"{self._guard.name} is busy", retry_after_s=STEP_S
            )
        async with self._guard.attending(timeout_s=None) as provider, provider.open(self._options) as stream:
            listening = asyncio.create_task(self._listen(stream))
            feeding = asyncio.create_task(self._feed(stream, listening))
            try:
                await asyncio.wait({feeding, listening}, return_when=asyncio.FIRST_COMPLETED)
                if feeding.done():
                    feeding.result()
                    return await self._in_time(listening)
                heard = listening.result()
                if self._recording.ends_at is None:
                    raise ProviderError(
                        ErrorCategory.INTERNAL, f"{self._guard.name} ended before the utterance"
                    )
                return heard
            finally:
                await _drop(feeding, listening)

    async def _in_time(self, listening: asyncio.Task[Transcript]) -> Transcript:
        async with asyncio.timeout(self._guard.limits.timeout_s):
            return await listening

    async def _feed(self, stream: RecognizerStream, listening: asyncio.Task[Transcript]) -> None:
        """Hand the recording over as it grows, and the end of it."""
        recording, step, done, told_pause = self._recording, round(STEP_S * BYTES_PER_S), 0, 0
        fitting = _Fitting(self._guard.capabilities.rate_hz)
        while not listening.done():
            paused_at, ends_at = recording.paused_at or 0, recording.ends_at
            if paused_at > told_pause:
                told_pause = paused_at
                self._settle()
            length = len(recording.pcm) if ends_at is None else ends_at
            while done < length and (length - done >= step or ends_at is not None or paused_at > done):
                upto = min(done + step, length)
                await self._push(stream, fitting.resample(recording.frame(done, upto)))
                done = upto
            if ends_at is not None:
                await self._push(stream, fitting.resample(recording.frame(done, done), is_last=True))
                async with asyncio.timeout(self._guard.limits.timeout_s):
                    await stream.end()
                return
            if recording.ends_at is None:
                await recording.news(length=done + step)

    async def _push(self, stream: RecognizerStream, frame: AudioFrame) -> None:
        if frame.pcm:
            async with asyncio.timeout(self._guard.limits.timeout_s):
                await stream.push(frame)

    async def _listen(self, stream: RecognizerStream) -> Transcript:
        async for item in stream:
            if isinstance(item, Transcript):
                return transcript_of(item, self._options)
            partial = partial_of(item)
            self._newest = partial.text
            self._told(partial)
            self._settle()
        raise ProviderError(ErrorCategory.INTERNAL, f"{self._guard.name} gave no transcript")

    def _settle(self) -> None:
        """Tell what is known of what was said up to a pause, if the speaker has not gone on long ago."""
        at, length = self._recording.paused_at, len(self._recording.pcm)
        if at is None or length - at > SETTLING_S * BYTES_PER_S or not self._newest.strip():
            return
        if (at, self._newest) != (self._settled_at, self._settled_text):
            self._settled_at, self._settled_text = at, self._newest
            self._settled(Transcript(self._newest, UNKNOWN_CONFIDENCE, self._options.language))


class _Fitting:
    """Brings a stream to the sample rate that a recognizer wants."""

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._stream: soxr.ResampleStream | None = None
        if rate_hz != RATE_HZ:
            self._stream = soxr.ResampleStream(RATE_HZ, rate_hz, num_channels=1, dtype="int16", quality="HQ")

    def resample(self, frame: AudioFrame, *, is_last: bool = False) -> AudioFrame:
        if self._stream is None:
            return frame
        resampled = self._stream.resample_chunk(np.frombuffer(frame.pcm, "<i2"), last=is_last)
        return AudioFrame(resampled.astype("<i2", copy=False).tobytes(), self._rate_hz)


async def _drop(*tasks: asyncio.Task[Any]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    for task in tasks:
        if not task.cancelled():
            task.exception()  # it is not missed
