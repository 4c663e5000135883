"""Recognizers of which each but the first breaks its contract in one way. Any sound is TEXT to them."""

import asyncio
import time
from array import array
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

from glottis.plugins import (
    AudioFrame,
    ErrorCategory,
    Partial,
    ProviderError,
    RecognitionOptions,
    Recognizer,
    RecognizerCapabilities,
    RecognizerSpec,
    RecognizerStream,
    Transcript,
    Word,
    hookimpl,
)

GLOTTIS_API_VERSION = 1

TEXT = "one two three"


class Good(Recognizer):
    async def recognize(self, clip: AudioFrame, options: RecognitionOptions) -> Transcript:
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        text = TEXT if any(array("h", clip.pcm)) else ""
        words = (Word("one", 0.0, 0.1, 0.8),) if text and options.word_times else ()
        return Transcript(text, 0.8 if text else 0.0, options.language, words)

    @asynccontextmanager
    async def open(self, options: RecognitionOptions) -> AsyncIterator[RecognizerStream]:
        yield Stream(self, options)

    def partials(self) -> list[Any]:
        return [Partial("one"), Partial("one two", "one "), Partial("one two three", "one two ")]


class Stream:
    def __init__(self, recognizer: Good, options: RecognitionOptions) -> None:
        self.recognizer, self.options = recognizer, options
        self.pcm = b""
        self.is_loud = asyncio.Event()
        self.is_over = asyncio.Event()

    async def push(self, frame: AudioFrame) -> None:
        self.pcm += frame.pcm
        if any(array("h", frame.pcm)):
            self.is_loud.set()

    async def end(self) -> None:
        self.is_loud.set()
        self.is_over.set()

    async def __aiter__(self) -> AsyncIterator[Partial | Transcript]:
        await self.is_loud.wait()
        heard = await self.recognizer.recognize(
            AudioFrame(self.pcm, self.recognizer.capabilities.rate_hz), self.options
        )
        for partial in self.recognizer.partials() if heard.text else ():
            yield partial
        await self.is_over.wait()
        yield heard


class Deaf(Good):
    async def recognize(self, clip: AudioFrame, options: RecognitionOptions) -> Transcript:
        heard = await super().recognize(clip, options)
        return Transcript("four five six", 0.8, options.language) if heard.text else heard


class Inventive(Good):
    async def recognize(self, clip: AudioFrame, options: RecognitionOptions) -> Transcript:
        heard = await super().recognize(clip, options)
        return heard if heard.text else Transcript("thank you for watching", 0.4, options.language)


class TooSure(Good):
    async def recognize(self, clip: AudioFrame, options: RecognitionOptions) -> Transcript:
        return Transcript((await super().recognize(clip, options)).text, 87.0, options.language)


class NotSure(Good):
    async def recognize(self, clip: AudioFrame, options: RecognitionOptions) -> Transcript:
        return Transcript((await super().recognize(clip, options)).text, 0.0, options.language)


class Speechless(Good):
    async def recognize(self, clip: AudioFrame, options: RecognitionOptions) -> Transcript:
        return Transcript((await super().recognize(clip, options)).text, 0.5, "")


class JustText(Good):
    async def recognize(self, clip: AudioFrame, options: RecognitionOptions) -> Any:
        return (await super().recognize(clip, options)).text


class Blocking(Good):
    has_loaded = False

    async def recognize(self, clip: AudioFrame, options: RecognitionOptions) -> Transcript:
        if not self.has_loaded:
            time.sleep(0.8)  # noqa: ASYNC251  # that is its fault
            self.has_loaded = True
        return await super().recognize(clip, options)


class Crashing(Good):
    async def recognize(self, clip: AudioFrame, options: RecognitionOptions) -> Transcript:
        if len(clip.pcm) < 100:
            raise IndexError("list index out of range")
        return await super().recognize(clip, options)


class Monolingual(Good):
    async def recognize(self, clip: AudioFrame, options: RecognitionOptions) -> Transcript:
        {"en-US": 0}[options.language]
        return await super().recognize(clip, options)


class Wedged(Good):
    is_wedged = False

    async def recognize(self, clip: AudioFrame, options: RecognitionOptions) -> Transcript:
        if self.is_wedged:
            raise ProviderError(ErrorCategory.INTERNAL, "still busy with the one before")
        try:
            return await super().recognize(clip, options)
        except asyncio.CancelledError:
            self.is_wedged = True
            raise


class Stubborn(Good):
    async def recognize(self, clip: AudioFrame, options: RecognitionOptions) -> Transcript:
        try:
            return await super().recognize(clip, options)
        except asyncio.CancelledError:
            return Transcript("", 0.0, options.language)


class OneAtATime(Good):
    is_busy = False

    async def recognize(self, clip: AudioFrame, options: RecognitionOptions) -> Transcript:
        if self.is_busy:
            raise ProviderError(ErrorCategory.UNAVAILABLE, "somebody else is talking")
        self.is_busy = True
        try:
            return await super().recognize(clip, options)
        finally:
            self.is_busy = False


class Timeless(Good):
    async def recognize(self, clip: AudioFrame, options: RecognitionOptions) -> Transcript:
        return await super().recognize(clip, RecognitionOptions(language=options.language))


class OutOfTime(Good):
    async def recognize(self, clip: AudioFrame, options: RecognitionOptions) -> Transcript:
        heard = await super().recognize(clip, options)
        words = (Word("one", 900.0, 901.0, 0.8),)
        return Transcript(heard.text, heard.confidence, heard.language, words)


class Fickle(Good):
    def partials(self) -> list[Any]:
        return [Partial("one two", "one two"), Partial("won too", "won ")]


class FickleAtTheEnd(Good):
    def partials(self) -> list[Any]:
        return [Partial("won two", "won ")]


class Confused(Good):
    def partials(self) -> list[Any]:
        return [Partial("one", "two")]


class Retentive(Good):
    @asynccontextmanager
    async def open(self, options: RecognitionOptions) -> AsyncIterator[RecognizerStream]:
        yield _Retentive(self, options)


class _Retentive(Stream):
    async def push(self, frame: AudioFrame) -> None:
        self.pcm += frame.pcm


class OnlyWhole(Good):
    async def recognize(self, clip: AudioFrame, options: RecognitionOptions) -> Transcript:
        heard = await super().recognize(clip, options)
        return Transcript("", 0.0, options.language) if options.draft else heard


class WithoutPartials(Good):
    def partials(self) -> list[Any]:
        return []


class OddPartials(Good):
    def partials(self) -> list[Any]:
        return ["one"]


class NeverDone(Good):
    @asynccontextmanager
    async def open(self, options: RecognitionOptions) -> AsyncIterator[RecognizerStream]:
        yield _NeverDone(self, options)


class _NeverDone(Stream):
    async def __aiter__(self) -> AsyncIterator[Partial | Transcript]:
        await self.is_over.wait()
        yield Partial("one")


class Swallowing(Good):
    @asynccontextmanager
    async def open(self, options: RecognitionOptions) -> AsyncIterator[RecognizerStream]:
        with suppress(Exception):
            yield Stream(self, options)


class LeavesATask(Good):
    @asynccontextmanager
    async def open(self, options: RecognitionOptions) -> AsyncIterator[RecognizerStream]:
        self.task = asyncio.ensure_future(asyncio.Event().wait())
        yield Stream(self, options)


class Clinging(Good):
    @asynccontextmanager
    async def open(self, options: RecognitionOptions) -> AsyncIterator[RecognizerStream]:
        stream = Stream(self, options)
        yield stream
        if not stream.is_over.is_set():
            await asyncio.sleep(2)


class PromisesStreams(Good):
    def open(self, options: RecognitionOptions) -> Any:
        raise ProviderError(ErrorCategory.UNSUPPORTED, "no streams")


class NoStreams(Recognizer):
    """States no streams and does not refuse them as it should."""

    recognize = Good.recognize

    def open(self, options: RecognitionOptions) -> Any:
        raise NotImplementedError


CLASSES = [
    value
    for value in list(vars().values())
    if isinstance(value, type) and issubclass(value, Recognizer) and value is not Recognizer
]


@hookimpl
def glottis_register_recognizers(register: Callable[[RecognizerSpec], None]) -> None:
    for kind in CLASSES:
        streams = kind is not NoStreams
        stated = RecognizerCapabilities(streaming=streams, partials=streams, word_times=True)
        register(RecognizerSpec(name=kind.__name__, create=kind, capabilities=stated))
    unstated = RecognizerCapabilities(streaming=True)
    register(RecognizerSpec(name="UnstatedPartials", create=Good, capabilities=unstated))
    contradiction = RecognizerCapabilities(partials=True)
    register(RecognizerSpec(name="Contradiction", create=Good, capabilities=contradiction))
