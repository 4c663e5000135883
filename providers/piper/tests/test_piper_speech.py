import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest
from glottis.plugins import AudioFrame, ErrorCategory, ProviderError, SynthesisOptions, Synthesizer

pytestmark = pytest.mark.asyncio(loop_scope="module")

ENGLISH = SynthesisOptions(language="en-US")


async def speak(
    provider: Synthesizer, text: str | AsyncIterator[str], options: SynthesisOptions = ENGLISH
) -> list[AudioFrame]:
    return [frame async for frame in provider.synthesize(text, options)]


def length_s(frames: list[AudioFrame]) -> float:
    return sum(frame.duration_s for frame in frames)


async def test_each_sentence_is_a_frame_of_its_own(piper: Synthesizer) -> None:
    frames = await speak(piper, "The first sentence. The second one! And a third?")

    assert len(frames) == 3
    assert {frame.rate_hz for frame in frames} == {22_050}
    assert all(0.5 < frame.duration_s < 4 for frame in frames)


async def test_the_first_sentence_is_heard_before_the_last_is_written(piper: Synthesizer) -> None:
    heard = asyncio.Event()

    async def text() -> AsyncIterator[str]:
        yield "The price is twenty euros. And "
        await heard.wait()
        yield "the delivery is free."

    frames = []
    async for frame in piper.synthesize(text(), ENGLISH):
        frames.append(frame)
        heard.set()

    assert len(frames) == 2


async def test_a_long_sentence_comes_in_pieces(piper: Synthesizer) -> None:
    clause = "and then we went on to the next town, which was larger than the one before, "
    stream = piper.synthesize(clause * 8, ENGLISH)
    async with aclosing(stream):
        first = await anext(stream)

    assert first.duration_s < 15


async def test_twice_the_speed_takes_about_half_the_time(piper: Synthesizer) -> None:
    text = "The weather is fine today, so let us go for a walk in the park."
    usual = length_s(await speak(piper, text))
    quick = length_s(await speak(piper, text, SynthesisOptions(language="en", speed=2.0)))

    assert 0.35 < quick / usual < 0.7


async def test_a_speed_out_of_range_is_an_invalid_request(piper: Synthesizer) -> None:
    with pytest.raises(ProviderError) as caught:
        await speak(piper, "Hello.", SynthesisOptions(language="en-US", speed=0.0))

    assert caught.value.category is ErrorCategory.INVALID_REQUEST
    assert "0.25 to 4" in caught.value.public_message


async def test_an_unknown_voice_is_refused_with_the_names_of_the_known(piper: Synthesizer) -> None:
    with pytest.raises(ProviderError) as caught:
        await speak(piper, "Hello.", SynthesisOptions(language="en-US", voice="jo"))

    assert caught.value.category is ErrorCategory.INVALID_REQUEST
    assert caught.value.public_message == 'no voice is called "jo"; there are: default, joe'


async def test_a_language_without_a_voice_is_unsupported(piper: Synthesizer) -> None:
    with pytest.raises(ProviderError) as caught:
        await speak(piper, "Привет.", SynthesisOptions(language="ru-RU"))

    assert caught.value.category is ErrorCategory.UNSUPPORTED
    assert caught.value.public_message == "piper-test speaks en-US, not ru-RU"


async def test_a_voice_that_is_named_speaks_whatever_the_language(piper: Synthesizer) -> None:
    assert await speak(piper, "Hello.", SynthesisOptions(language="ru-RU", voice="joe"))


async def test_the_voice_states_its_language_and_its_checksum(piper: Synthesizer) -> None:
    (voice,) = await piper.voices()

    assert (voice.id, voice.languages) == ("joe", ("en-US",))
    assert piper.capabilities.languages == {"en-US"}
    assert "joe@58afce0321b8" in piper.version


async def test_what_is_said_is_never_logged(piper: Synthesizer, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        await speak(piper, "My secret number.")

    assert "secret" not in caplog.text
