"""From the bytes that a caller sends to a transcript."""

import asyncio
import contextlib

import pytest
from glottis.core.audio import encode_clip
from glottis.core.errors import TooLarge, Unavailable, UnsupportedAudio
from glottis.plugins import (
    AudioFrame,
    ErrorCategory,
    ProviderError,
    RecognitionOptions,
    RecognizerCapabilities,
    Transcript,
    silence,
)
from glottis.plugins.conformance import ScriptedRecognizer, tone

from .conftest import OpenEngine

TOML = """
[providers.first]
use = "one"
[providers.second]
use = "two"
[routes]
recognize = ["first", "second"]
"""
ENGLISH = RecognitionOptions(language="en-US")
DOWN = ProviderError(ErrorCategory.TIMEOUT, "late")


@pytest.mark.parametrize("audio_format", ["wav", "mp3", "opus"])
async def test_every_format_reaches_the_recognizer_at_the_rate_that_it_wants(
    engine_of: OpenEngine, audio_format: str
) -> None:
    one = ScriptedRecognizer("hello", capabilities=RecognizerCapabilities(rate_hz=8_000))
    two = ScriptedRecognizer()
    async with engine_of(TOML, one.spec("one"), two.spec("two")) as engine:
        heard = await engine.recognition.hear(encode_clip(tone(0.5, rate_hz=24_000), audio_format), ENGLISH)
    assert (heard.transcript.text, heard.provider) == ("hello", "first")
    assert one.calls[0].frames[0].rate_hz == 8_000
    assert one.calls[0].frames[0].duration_s == pytest.approx(0.5, abs=0.15)


async def test_a_recognizer_that_fails_is_followed_by_the_next(engine_of: OpenEngine) -> None:
    one, two = ScriptedRecognizer(DOWN), ScriptedRecognizer("second try")
    async with engine_of(TOML, one.spec("one"), two.spec("two")) as engine:
        heard = await engine.recognition.hear(encode_clip(tone(0.5), "wav"), ENGLISH)
    assert (heard.transcript.text, heard.provider) == ("second try", "second")


async def test_when_every_recognizer_fails_the_caller_may_try_again(engine_of: OpenEngine) -> None:
    one, two = ScriptedRecognizer(DOWN), ScriptedRecognizer(DOWN)
    async with engine_of(TOML, one.spec("one"), two.spec("two")) as engine:
        with pytest.raises(Unavailable):
            await engine.recognition.hear(encode_clip(tone(0.5), "wav"), ENGLISH)


class Stubborn(ScriptedRecognizer):
    """Does not heed its cancellation: it waits until the test lets it go."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = asyncio.Event()

    async def recognize(self, clip: AudioFrame, options: RecognitionOptions) -> Transcript:
        while not self.gate.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await self.gate.wait()
        return Transcript("too late", 1.0, options.language)


async def test_a_recognizer_that_heeds_no_cancellation_is_left_behind(engine_of: OpenEngine) -> None:
    one, two = Stubborn(), ScriptedRecognizer("second try")
    toml = TOML.replace('use = "one"', 'use = "one"\nlimits.timeout_s = 0.05')
    async with engine_of(toml, one.spec("one"), two.spec("two")) as engine:
        heard = await engine.recognition.hear(encode_clip(tone(0.5), "wav"), ENGLISH)
        one.gate.set()
    assert (heard.transcript.text, heard.provider) == ("second try", "second")


async def test_silence_is_nothing_said_and_asks_nobody(engine_of: OpenEngine) -> None:
    one, two = ScriptedRecognizer("invention"), ScriptedRecognizer("invention")
    async with engine_of(TOML, one.spec("one"), two.spec("two")) as engine:
        heard = await engine.recognition.hear(encode_clip(silence(1.0, rate_hz=16_000), "wav"), ENGLISH)
    assert (heard.transcript.text, heard.transcript.confidence, heard.provider) == ("", 0.0, None)
    assert not one.calls


async def test_what_is_not_audio_is_refused(engine_of: OpenEngine) -> None:
    one, two = ScriptedRecognizer(), ScriptedRecognizer()
    async with engine_of(TOML, one.spec("one"), two.spec("two")) as engine:
        with pytest.raises(UnsupportedAudio):
            await engine.recognition.hear(b"\x89PNG\r\n\x1a\n" + bytes(200), ENGLISH)


async def test_audio_that_is_too_long_is_refused(engine_of: OpenEngine) -> None:
    one, two = ScriptedRecognizer(), ScriptedRecognizer()
    async with engine_of(TOML, one.spec("one"), two.spec("two")) as engine:
        engine.recognition._max_s = 0.2
        with pytest.raises(TooLarge):
            await engine.recognition.hear(encode_clip(tone(0.5), "wav"), ENGLISH)
