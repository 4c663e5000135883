from collections.abc import AsyncIterator, Callable
from typing import Any

import numpy as np
import pytest
from glottis.plugins import AudioFrame, ErrorCategory, ProviderError, SynthesisOptions
from glottis_mock.synthesizer import MockSynthesizer
from pydantic import ValidationError

TEXT = "Шла Саша по шоссе и сосала сушку, а навстречу ей шёл Карл."

Speak = Callable[..., Any]
Make = Callable[..., MockSynthesizer]


def _loudness(frame: AudioFrame) -> float:
    return float(np.frombuffer(frame.pcm, "<i2").astype(np.float64).std())


async def test_equal_requests_give_equal_audio(speak: Speak) -> None:
    assert await speak(TEXT) == await speak(TEXT)


async def test_it_speaks_at_the_pace_of_speech(speak: Speak) -> None:
    frame = await speak(TEXT)

    assert frame.duration_s == pytest.approx(0.48 + len(TEXT) * 0.067, abs=0.01)


@pytest.mark.parametrize(("words_per_minute", "speed", "letter_s"), [(100, 1.0, 0.1), (150, 2.0, 0.033)])
async def test_the_pace_and_the_speed_are_honoured(
    speak: Speak, words_per_minute: int, speed: float, letter_s: float
) -> None:
    frame = await speak(TEXT, SynthesisOptions(speed=speed), words_per_minute=words_per_minute)

    assert frame.duration_s == pytest.approx(0.48 + len(TEXT) * letter_s, abs=0.01)


async def test_a_speed_of_zero_is_refused(speak: Speak) -> None:
    with pytest.raises(ProviderError) as failure:
        await speak(TEXT, SynthesisOptions(speed=0.0))

    assert failure.value.category is ErrorCategory.INVALID_REQUEST


async def test_voices_and_emotions_sound_different(speak: Speak) -> None:
    voices = {(await speak(TEXT, SynthesisOptions(voice=voice))).pcm for voice in ("default", "high", "low")}
    sad, neutral, angry = [
        _loudness(await speak(TEXT, SynthesisOptions(emotion=emotion)))
        for emotion in ("sad", "neutral", "angry")
    ]

    assert len(voices) == 3
    assert sad < neutral < angry


async def test_nothing_is_clipped_even_in_anger(speak: Speak) -> None:
    frame = await speak(TEXT, SynthesisOptions(emotion="angry"))

    assert np.abs(np.frombuffer(frame.pcm, "<i2").astype(int)).max() < 32_767


async def test_each_sentence_is_a_frame_that_comes_before_the_next_is_known(
    make_synthesizer: Make,
) -> None:
    taken: list[str] = []

    async def pieces() -> AsyncIterator[str]:
        for piece in ("One. ", "Two. ", "Three."):
            taken.append(piece)
            yield piece

    frames = make_synthesizer().synthesize(pieces(), SynthesisOptions())

    await anext(frames)
    assert taken == ["One. "]
    assert len([frame async for frame in frames]) == 2


async def test_voices_can_be_named(make_synthesizer: Make, speak: Speak) -> None:
    voices = {"anna": "high", "boris": "low"}
    listed = await make_synthesizer(voices=voices).voices()

    default = await speak(TEXT, voices=voices)

    assert [voice.id for voice in listed] == ["anna", "boris"]
    assert default == await speak(TEXT, SynthesisOptions(voice="anna"), voices=voices)
    assert default == await speak(TEXT, SynthesisOptions(voice="high"))


async def test_an_unknown_voice_is_named_with_those_there_are(speak: Speak) -> None:
    with pytest.raises(ProviderError, match="there is no voice anna; there are default, high, low"):
        await speak(TEXT, SynthesisOptions(voice="anna"))


async def test_a_mute_synthesizer_gives_no_audio(speak: Speak) -> None:
    assert (await speak(TEXT, mute=True)).pcm == b""


@pytest.mark.parametrize(
    "options",
    [{"rate_hz": 8_000}, {"words_per_minute": 0}, {"voices": {}}, {"fail_with": "boredom"}, {"x": 1}],
)
def test_wrong_options_are_refused(make_synthesizer: Make, options: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        make_synthesizer(**options)
