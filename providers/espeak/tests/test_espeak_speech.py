import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from typing import Any

import numpy as np
import pytest
from glottis.plugins import SynthesisOptions
from glottis_espeak.synthesizer import EspeakSynthesizer

MakeEspeak = Callable[..., EspeakSynthesizer]
TEXT = "The quick brown fox jumps over the lazy dog."
ENGLISH = SynthesisOptions(language="en-US")
RUSSIAN = SynthesisOptions(language="ru-RU")


async def pcm_of(espeak: EspeakSynthesizer, text: str | AsyncIterator[str], **options: Any) -> bytes:
    choices = SynthesisOptions(**{"language": "en-US", **options})
    return b"".join([frame.pcm async for frame in espeak.synthesize(text, choices)])


async def test_the_first_audio_comes_before_the_sentence_is_done(espeak: EspeakSynthesizer) -> None:
    frames = [frame async for frame in espeak.synthesize(TEXT, ENGLISH)]
    assert len(frames) > 20
    assert {frame.rate_hz for frame in frames} == {22_050}
    assert frames[0].duration_s < 0.1


async def test_leaving_early_stops_a_long_text_and_frees_the_voice(espeak: EspeakSynthesizer) -> None:
    asked_for = 0

    async def endless() -> AsyncIterator[str]:
        nonlocal asked_for
        while True:
            asked_for += 1
            yield f"{TEXT} "

    async with aclosing(espeak.synthesize(endless(), ENGLISH)) as frames:
        await anext(frames)
    assert asked_for <= 2
    assert await pcm_of(espeak, TEXT)


async def test_callers_at_once_with_other_voices_do_not_change_each_other(
    espeak: EspeakSynthesizer,
) -> None:
    calls: list[dict[str, Any]] = [
        {"text": f"{TEXT} {TEXT}", "language": "en-US"},
        {"text": "Съешь ещё этих мягких булок. Да выпей чаю.", "language": "ru-RU", "speed": 1.5},
        {"text": f"{TEXT} {TEXT}", "voice": "en-GB+f2", "emotion": "sad"},
        {"text": "Guten Tag. Wie geht es Ihnen?", "language": "de-DE", "emotion": "excited"},
    ]
    alone = [await pcm_of(espeak, **call) for call in calls]
    together = await asyncio.gather(*(pcm_of(espeak, **call) for call in calls * 4))
    for spoken, expected in zip(together, alone * 4, strict=True):
        assert sounds_like(spoken, expected)
    assert not sounds_like(alone[0], alone[2])


async def test_instances_with_other_settings_share_the_library(make_espeak: MakeEspeak) -> None:
    slow, fast = make_espeak(words_per_minute=100), make_espeak(words_per_minute=300)
    long, short = await asyncio.gather(pcm_of(slow, TEXT), pcm_of(fast, TEXT))
    assert len(long) > 2 * len(short)
    await slow.aclose()
    assert sounds_like(await pcm_of(fast, TEXT), short)


@pytest.mark.parametrize("speed", [0.6, 1.4, 2.0])
async def test_speed_scales_the_duration(espeak: EspeakSynthesizer, speed: float) -> None:
    usual = len(await pcm_of(espeak, TEXT))
    assert len(await pcm_of(espeak, TEXT, speed=speed)) == pytest.approx(usual / speed, rel=0.2)


async def test_emotions_change_the_sound_in_their_direction(espeak: EspeakSynthesizer) -> None:
    sad, neutral, cheerful = [
        await pcm_of(espeak, TEXT, emotion=emotion) for emotion in ("sad", "neutral", "cheerful")
    ]
    assert len(cheerful) < len(neutral) < len(sad)
    assert pitch_hz(sad) < pitch_hz(neutral) < pitch_hz(cheerful)


async def test_a_woman_speaks_higher_than_a_man(espeak: EspeakSynthesizer) -> None:
    man, woman = [await pcm_of(espeak, TEXT, voice=voice) for voice in ("male", "female")]
    assert pitch_hz(woman) > 1.2 * pitch_hz(man)


async def test_markup_is_spoken_and_not_obeyed(espeak: EspeakSynthesizer) -> None:
    plain = await pcm_of(espeak, "hello")
    spoken = await pcm_of(espeak, "<speak><prosody rate='x-fast'>hello</prosody></speak>")
    assert len(spoken) > 2 * len(plain)
    assert await pcm_of(espeak, "[[h@'loU]] hello") != await pcm_of(espeak, "hello hello")


async def test_control_characters_are_no_commands(espeak: EspeakSynthesizer) -> None:
    # To espeak-ng, \x01 and 99P would raise the pitch for the rest of the text.
    commanded = await pcm_of(espeak, "hello \x0199P there, my friend")
    assert sounds_like(commanded, await pcm_of(espeak, "hello  99P there, my friend"))
    assert sounds_like(await pcm_of(espeak, "hello\x1b\x00there"), await pcm_of(espeak, "hello  there"))


async def test_a_long_text_without_an_end_is_spoken_in_passages(espeak: EspeakSynthesizer) -> None:
    word_s = len(await pcm_of(espeak, "fox"))
    spoken = await pcm_of(espeak, "fox " * 2000)
    assert len(spoken) > 200 * word_s


async def test_text_without_spaces_is_spoken(espeak: EspeakSynthesizer) -> None:
    assert await pcm_of(espeak, "今天天气很好" * 300, language="zh-CN")
    assert await pcm_of(espeak, "ы" * 3000, language="ru-RU")


async def test_lone_surrogates_are_left_out(espeak: EspeakSynthesizer) -> None:
    assert sounds_like(await pcm_of(espeak, "hello \ud83d"), await pcm_of(espeak, "hello"))


def sounds_like(one: bytes, other: bytes) -> bool:
    """Compare length and pitch; flutter and noise make no two utterances of espeak-ng quite the same."""
    return len(one) == pytest.approx(len(other), rel=0.02) and pitch_hz(one) == pytest.approx(
        pitch_hz(other),
        rel=0.12,  # alone, the median of a fast sentence moves by 8 %
    )


def pitch_hz(pcm: bytes) -> float:
    """Estimate the fundamental frequency of speech: the median over frames of the best lag's."""
    samples = np.frombuffer(pcm, "<i2").astype(float)
    width, estimates = 1024, []
    for start in range(0, len(samples) - 2 * width, width):
        frame = samples[start : start + 2 * width]
        if np.abs(frame).max() < 2000:
            continue
        frame = frame - frame.mean()
        correlation = np.correlate(frame, frame, "full")[len(frame) - 1 :]
        lag = 55 + int(np.argmax(correlation[55:370]))  # 60 to 400 Hz at 22,050 Hz
        if correlation[lag] > 0.4 * correlation[0]:
            estimates.append(22_050 / lag)
    return float(np.median(estimates))
