"""Synthesizers of which each but the first breaks its contract in one way."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from typing import Any

from glottis.plugins import (
    DEFAULT_VOICE,
    AudioFrame,
    ErrorCategory,
    Provider,
    ProviderError,
    SynthesisOptions,
    Synthesizer,
    SynthesizerCapabilities,
    SynthesizerSpec,
    VoiceInfo,
    hookimpl,
    is_speakable,
    sentences,
    silence,
)
from glottis.plugins.conformance import tone

GLOTTIS_API_VERSION = 1

Text = str | AsyncIterator[str]


class Good(Synthesizer):
    async def synthesize(self, text: Text, options: SynthesisOptions) -> AsyncGenerator[AudioFrame, None]:
        if options.voice not in {DEFAULT_VOICE, "other"}:
            raise ProviderError(ErrorCategory.INVALID_REQUEST, f"there is no voice {options.voice}")
        async for sentence in sentences(text):
            if is_speakable(sentence):
                await asyncio.sleep(0)
                yield self.speak(sentence, options)

    def speak(self, sentence: str, options: SynthesisOptions) -> AudioFrame:
        return tone(0.01 * len(sentence) / options.speed)

    async def voices(self) -> Sequence[VoiceInfo]:
        return [VoiceInfo(DEFAULT_VOICE, "The one", ("*",)), VoiceInfo("other", "The other", ("en-GB",))]


class Silent(Good):
    def speak(self, sentence: str, options: SynthesisOptions) -> AudioFrame:
        return silence(0.5, rate_hz=16_000)


class TooShort(Good):
    def speak(self, sentence: str, options: SynthesisOptions) -> AudioFrame:
        return tone(0.001)


class MixedRates(Good):
    def speak(self, sentence: str, options: SynthesisOptions) -> AudioFrame:
        return tone(0.5, rate_hz=24_000 if "?" in sentence else 16_000)


class SaysNothing(Good):
    async def synthesize(self, text: Text, options: SynthesisOptions) -> AsyncGenerator[AudioFrame, None]:
        for _ in ():
            yield silence(0.1, rate_hz=16_000)


class SpeaksDots(Good):
    async def synthesize(self, text: Text, options: SynthesisOptions) -> AsyncGenerator[AudioFrame, None]:
        yield tone()
        async for frame in super().synthesize(text, options):
            yield frame


class Blocking(Good):
    has_loaded = False

    def speak(self, sentence: str, options: SynthesisOptions) -> AudioFrame:
        if not self.has_loaded:
            time.sleep(0.8)
            self.has_loaded = True
        return super().speak(sentence, options)


class Raw(Good):
    async def synthesize(self, text: Text, options: SynthesisOptions) -> AsyncGenerator[Any, None]:
        async for frame in super().synthesize(text, options):
            yield frame.pcm


class List(Good):
    async def synthesize(  # type: ignore[override]  # that is its fault
        self, text: Text, options: SynthesisOptions
    ) -> list[AudioFrame]:
        return [tone()]


class Crashing(Good):
    def speak(self, sentence: str, options: SynthesisOptions) -> AudioFrame:
        if "\x00" in sentence:
            raise ValueError("a null character")
        return super().speak(sentence, options)


class TakesAnyVoice(Good):
    async def synthesize(self, text: Text, options: SynthesisOptions) -> AsyncGenerator[AudioFrame, None]:
        async for frame in super().synthesize(text, SynthesisOptions(speed=options.speed)):
            yield frame


class KnowsFewEmotions(Good):
    def speak(self, sentence: str, options: SynthesisOptions) -> AudioFrame:
        {"neutral": 0}[options.emotion]
        return super().speak(sentence, options)


class Clinging(Good):
    """Takes its time to let go."""

    async def synthesize(self, text: Text, options: SynthesisOptions) -> AsyncGenerator[AudioFrame, None]:
        try:
            async for frame in super().synthesize(text, options):
                yield frame
        except GeneratorExit:
            await asyncio.sleep(2)
            raise


class Stubborn(Good):
    """Swallows its cancellation."""

    async def synthesize(self, text: Text, options: SynthesisOptions) -> AsyncGenerator[AudioFrame, None]:
        frames = super().synthesize(text, options)
        while True:
            try:
                await asyncio.sleep(0)
                yield await anext(frames)
            except asyncio.CancelledError:
                return
            except StopAsyncIteration:
                return


class Wedged(Good):
    """Never serves again after a call that was left."""

    is_wedged = False

    async def synthesize(self, text: Text, options: SynthesisOptions) -> AsyncGenerator[AudioFrame, None]:
        if self.is_wedged:
            await asyncio.Event().wait()
        try:
            async for frame in super().synthesize(text, options):
                yield frame
        except GeneratorExit:
            self.is_wedged = True
            raise


class OneAtATime(Good):
    is_busy = False

    async def synthesize(self, text: Text, options: SynthesisOptions) -> AsyncGenerator[AudioFrame, None]:
        if self.is_busy:
            raise ProviderError(ErrorCategory.UNAVAILABLE, "somebody else is speaking")
        self.is_busy = True
        try:
            async for frame in super().synthesize(text, options):
                yield frame
        finally:
            self.is_busy = False


class Leaking(Good):
    async def warmup(self) -> None:
        self.task = asyncio.ensure_future(asyncio.Event().wait())


class WaitsForAllText(Good):
    async def synthesize(self, text: Text, options: SynthesisOptions) -> AsyncGenerator[AudioFrame, None]:
        whole = text if isinstance(text, str) else " ".join([piece async for piece in text])
        async for frame in super().synthesize(whole, options):
            yield frame


class TakesNoStream(Good):
    async def synthesize(self, text: Text, options: SynthesisOptions) -> AsyncGenerator[AudioFrame, None]:
        for sentence in text.split(". "):  # type: ignore[union-attr]  # that is its fault
            async for frame in super().synthesize(sentence, options):
                yield frame


class MuteVoice(Good):
    def speak(self, sentence: str, options: SynthesisOptions) -> AudioFrame:
        return silence(0.5, rate_hz=16_000) if options.voice == "other" else super().speak(sentence, options)


class TwiceListed(Good):
    async def voices(self) -> Sequence[VoiceInfo]:
        return [*await super().voices(), VoiceInfo("other", "Another", ("en",))]


class OddlySpoken(Good):
    async def voices(self) -> Sequence[VoiceInfo]:
        return [VoiceInfo("other", "Another", ("English, mostly",))]


class IgnoresSpeed(Good):
    def speak(self, sentence: str, options: SynthesisOptions) -> AudioFrame:
        return tone(0.5)


class Hanging(Good):
    async def health(self) -> None:
        await asyncio.Event().wait()


class Unhealthy(Good):
    async def health(self) -> None:
        raise ProviderError(ErrorCategory.UNAVAILABLE, "out of order")


class Mumbling(Good):
    async def synthesize(self, text: Text, options: SynthesisOptions) -> AsyncGenerator[AudioFrame, None]:
        if options.voice not in {DEFAULT_VOICE, "other"}:
            raise ProviderError(ErrorCategory.INVALID_REQUEST, "")
        async for frame in super().synthesize(text, options):
            yield frame


class Fickle(Good):
    count = 0

    @property
    def version(self) -> str:
        self.count += 1
        return str(self.count)


class NotClosing(Good):
    async def aclose(self) -> None:
        raise OSError("no such handle")


class OtherCapabilities(Good):
    async def warmup(self) -> None:
        self.capabilities = {"languages": ["en"]}  # type: ignore[assignment]  # that is its fault


def _slow(context: Any, config: Any) -> Good:
    time.sleep(0.8)
    return Good(context, config)


class Impostor(Provider):
    """Has a life cycle and nothing else."""


CLASSES = [value for value in list(vars().values()) if isinstance(value, type) and issubclass(value, Good)]

STATED = SynthesizerCapabilities(text_stream=True, speed=True)


@hookimpl
def glottis_register_synthesizers(register: Callable[[SynthesizerSpec], None]) -> None:
    for kind in CLASSES:
        register(SynthesizerSpec(name=kind.__name__, create=kind, capabilities=STATED))
    register(SynthesizerSpec(name="SlowToCreate", create=_slow, capabilities=STATED))
    register(SynthesizerSpec(name="Impostor", create=Impostor, capabilities=STATED))
    untagged = SynthesizerCapabilities(languages=frozenset({"en_US!"}))
    register(SynthesizerSpec(name="Untagged", create=Good, capabilities=untagged))
