import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from glottis.plugins import (
    AudioFrame,
    ErrorCategory,
    Partial,
    ProviderError,
    RecognitionOptions,
    Transcript,
    silence,
)
from glottis_mock.recognizer import MockRecognizer

TEXT = "Покажи цены. And then the rest"
OPTIONS = RecognitionOptions(language="ru-RU", word_times=True)

Speak = Callable[..., Any]


def _cut(frame: AudioFrame, samples: int) -> list[AudioFrame]:
    step = samples * 2
    return [AudioFrame(frame.pcm[at : at + step], frame.rate_hz) for at in range(0, len(frame.pcm), step)]


@pytest.mark.parametrize("samples", [37, 320, 4_000, 1_000_000])
async def test_a_stream_is_heard_like_the_whole_however_it_is_cut(
    speak: Speak, recognizer: MockRecognizer, samples: int
) -> None:
    frame = await speak(TEXT)

    async with recognizer.open(OPTIONS) as stream:
        for part in _cut(frame, samples):
            await stream.push(part)
        await stream.end()
        *_, last = [item async for item in stream]

    assert last == await recognizer.recognize(frame, OPTIONS)


async def test_partials_grow_letter_by_letter_while_the_words_before_are_stable(
    speak: Speak, recognizer: MockRecognizer
) -> None:
    async with recognizer.open(OPTIONS) as stream:

        async def read() -> list[Partial | Transcript]:
            return [item async for item in stream]

        reading = asyncio.create_task(read())
        for frame in _cut(await speak("one two"), 320):
            await stream.push(frame)
            await asyncio.sleep(0)
        await stream.end()
        *partials, last = await reading

    expected = [Partial("one two"[:n], "one " if n > 3 else "") for n in range(1, 8)]
    assert partials == expected
    assert isinstance(last, Transcript)


async def test_leaving_a_stream_ends_its_reader(recognizer: MockRecognizer) -> None:
    async with recognizer.open(OPTIONS) as stream:

        async def read() -> list[Partial | Transcript]:
            return [item async for item in stream]

        reading = asyncio.create_task(read())
        await stream.push(silence(1.0, rate_hz=16_000))

    assert await reading == []


async def test_words_have_the_times_at_which_they_are_spoken(
    speak: Speak, recognizer: MockRecognizer
) -> None:
    pause = silence(1.0, rate_hz=16_000)
    frame = await speak("one two")

    heard = await recognizer.recognize(AudioFrame(pause.pcm + frame.pcm, 16_000), OPTIONS)

    assert [word.text for word in heard.words] == ["one", "two"]
    opening_s, letter_s = 1.0 + 0.020 + 7 * 0.040, 0.067
    assert heard.words[0].start_s == pytest.approx(opening_s, abs=0.002)
    assert heard.words[1].start_s == pytest.approx(opening_s + 4 * letter_s, abs=0.002)
    assert heard.words[1].end_s == pytest.approx(opening_s + 7 * letter_s, abs=0.002)


async def test_words_come_only_where_they_are_wanted(speak: Speak, recognizer: MockRecognizer) -> None:
    heard = await recognizer.recognize(await speak("one"), RecognitionOptions(language="en-GB"))

    assert heard.words == ()
    assert heard.language == "en-GB"


async def test_a_long_recording_is_heard(speak: Speak, recognizer: MockRecognizer) -> None:
    text = " ".join(f"Sentence number {number}." for number in range(60))
    frame = await speak(text)

    heard = await recognizer.recognize(frame, RecognitionOptions())

    assert frame.duration_s > 60
    assert heard.text == text


async def test_audio_too_coarse_for_the_tones_is_refused(recognizer: MockRecognizer) -> None:
    with pytest.raises(ProviderError) as failure:
        await recognizer.recognize(silence(1.0, rate_hz=4_000), OPTIONS)

    assert failure.value.category is ErrorCategory.INVALID_REQUEST


async def test_a_stream_refuses_another_sample_rate(recognizer: MockRecognizer) -> None:
    async with recognizer.open(OPTIONS) as stream:
        with pytest.raises(ProviderError) as failure:
            await stream.push(silence(1.0, rate_hz=8_000))

    assert failure.value.category is ErrorCategory.INVALID_REQUEST
