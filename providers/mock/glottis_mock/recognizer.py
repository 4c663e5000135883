"""Tone code to text."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib import import_module
from typing import TYPE_CHECKING

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

from glottis_mock.configuration import MockConfig
from glottis_mock.trouble import delay, raise_if_told

if TYPE_CHECKING:
    from glottis_mock.receiver import Receiver

LEAST_RATE_HZ = 8_000
LONG_S = 20.0
"""Audio of this length takes some milliseconds, which the event loop is spared."""


class MockRecognizer(Recognizer):
    """Hears what `MockSynthesizer` says, and nothing in any other sound."""

    config: MockConfig

    async def warmup(self) -> None:
        await asyncio.to_thread(import_module, "glottis_mock.listening")

    async def health(self) -> None:
        raise_if_told(self.config)

    @property
    def version(self) -> str:
        return "1"

    async def recognize(self, clip: AudioFrame, options: RecognitionOptions) -> Transcript:
        _check_rate(clip)
        await delay(self.config)
        if clip.duration_s > LONG_S:
            return await asyncio.to_thread(_recognize, clip, options)
        return _recognize(clip, options)

    @asynccontextmanager
    async def open(self, options: RecognitionOptions) -> AsyncIterator[RecognizerStream]:
        raise_if_told(self.config)
        stream = _MockStream(self.config, options, self.capabilities.rate_hz)
        try:
            yield stream
        finally:
            stream.leave()


class _MockStream:
    """Reads in `push`, so that it is never behind; the reader gets the newest state."""

    def __init__(self, config: MockConfig, options: RecognitionOptions, rate_hz: int) -> None:
        from glottis_mock.receiver import Receiver

        self._config, self._options, self._rate_hz = config, options, rate_hz
        self._receiver = Receiver(rate_hz)
        self._changed = asyncio.Event()
        self._heard = 0
        self._is_ended = self._is_left = False

    async def push(self, frame: AudioFrame) -> None:
        if frame.rate_hz != self._rate_hz:
            message = f"this stream is of {self._rate_hz} Hz, not {frame.rate_hz}"
            raise ProviderError(ErrorCategory.INVALID_REQUEST, message)
        self._receiver.feed(frame.pcm)
        heard = self._receiver.count
        if heard > self._heard:
            self._heard = heard
            self._changed.set()

    async def end(self) -> None:
        self._receiver.finish()
        self._is_ended = True
        self._changed.set()

    def leave(self) -> None:
        self._is_left = True
        self._changed.set()

    async def __aiter__(self) -> AsyncIterator[Partial | Transcript]:
        from glottis_mock.listening import text_of

        told = ""
        while not self._is_left:
            await self._changed.wait()
            self._changed.clear()
            if self._is_ended:
                await delay(self._config)
                yield _transcript(self._receiver, self._options)
                return
            text = text_of(self._receiver.packets)
            if text != told:
                told = text
                yield Partial(text, _whole_words(text))


def _whole_words(text: str) -> str:
    """Cut off the word that is still being said."""
    return text[: text.rfind(" ") + 1]


def _recognize(clip: AudioFrame, options: RecognitionOptions) -> Transcript:
    from glottis_mock.receiver import Receiver

    receiver = Receiver(clip.rate_hz)
    receiver.feed(clip.pcm)
    receiver.finish()
    return _transcript(receiver, options)


def _transcript(receiver: "Receiver", options: RecognitionOptions) -> Transcript:
    from glottis_mock.listening import transcript_of

    return transcript_of(receiver.packets, language=options.language, word_times=options.word_times)


def _check_rate(clip: AudioFrame) -> None:
    if clip.rate_hz < LEAST_RATE_HZ:
        message = f"audio of {clip.rate_hz} Hz is too coarse: {LEAST_RATE_HZ} Hz is the least"
        raise ProviderError(ErrorCategory.INVALID_REQUEST, message)
