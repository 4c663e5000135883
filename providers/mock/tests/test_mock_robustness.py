import io
from collections.abc import Callable
from typing import Any

import av
import lameenc
import numpy as np
import pytest
import soxr
from glottis.plugins import AudioFrame, RecognitionOptions, SynthesisOptions, silence
from glottis_mock.recognizer import MockRecognizer
from numpy.typing import NDArray

TEXT = "Покажи мне, пожалуйста, раздел с ценами. The quick brown fox jumps 1234567890 times! Ж — 你好, €5."
RATES = (16_000, 22_050, 24_000, 44_100, 48_000)
VOICES = ("default", "high", "low")

Speak = Callable[..., Any]


def _samples(frame: AudioFrame) -> NDArray[np.float64]:
    return np.frombuffer(frame.pcm, "<i2").astype(np.float64)


def _frame(samples: NDArray[np.float64], rate_hz: int = 16_000) -> AudioFrame:
    return AudioFrame(np.clip(np.round(samples), -32_768, 32_767).astype("<i2").tobytes(), rate_hz)


def _resampled(frame: AudioFrame, rate_hz: int = 16_000) -> AudioFrame:
    return _frame(soxr.resample(_samples(frame), frame.rate_hz, rate_hz), rate_hz)


def _mp3(frame: AudioFrame, kbps: int) -> bytes:
    encoder = lameenc.Encoder()
    encoder.set_bit_rate(kbps)
    encoder.set_in_sample_rate(frame.rate_hz)
    encoder.set_channels(1)
    encoder.silence()
    return bytes(encoder.encode(frame.pcm) + encoder.flush())


def _opus(frame: AudioFrame, kbps: int) -> bytes:
    file = io.BytesIO()
    with av.open(file, "w", format="ogg") as container:
        stream = container.add_stream("libopus", rate=48_000)
        stream.layout = "mono"
        stream.bit_rate = kbps * 1000
        samples = np.frombuffer(_resampled(frame, 48_000).pcm, "<i2")
        audio = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout="mono")
        audio.sample_rate = 48_000
        for packet in (*stream.encode(audio), *stream.encode(None)):
            container.mux(packet)
    return file.getvalue()


def _decoded(file: bytes) -> AudioFrame:
    resampler = av.AudioResampler(format="s16", layout="mono", rate=16_000)
    with av.open(io.BytesIO(file), "r") as container:
        decoded = [part for frame in container.decode(audio=0) for part in resampler.resample(frame)]
    decoded += resampler.resample(None)
    return AudioFrame(b"".join(frame.to_ndarray().tobytes() for frame in decoded), 16_000)


async def _hear(recognizer: MockRecognizer, frame: AudioFrame) -> tuple[str, bool]:
    """Return the text, and whether it was heard without a doubt."""
    heard = await recognizer.recognize(frame, RecognitionOptions())
    return heard.text, heard.confidence > 0.6


@pytest.mark.parametrize("voice", VOICES)
@pytest.mark.parametrize("speed", [1.0, 4.0])
@pytest.mark.parametrize("rate_hz", RATES)
async def test_it_hears_itself_after_resampling_and_encoding(
    speak: Speak, recognizer: MockRecognizer, rate_hz: int, speed: float, voice: str
) -> None:
    frame = await speak(TEXT, SynthesisOptions(voice=voice, speed=speed), rate_hz=rate_hz)

    heard = {
        "as it is": await _hear(recognizer, frame),
        "resampled": await _hear(recognizer, _resampled(frame)),
        "MP3": await _hear(recognizer, _decoded(_mp3(frame, 64))),
        "Opus": await _hear(recognizer, _decoded(_opus(frame, 32))),
    }

    assert heard == dict.fromkeys(heard, (TEXT, True))


@pytest.mark.parametrize("voice", VOICES)
async def test_it_hears_itself_over_a_telephone(speak: Speak, recognizer: MockRecognizer, voice: str) -> None:
    frame = await speak(TEXT, SynthesisOptions(voice=voice))

    assert await _hear(recognizer, _resampled(frame, 8_000)) == (TEXT, True)


@pytest.mark.parametrize("level", [0.01, 0.1, 2.0])
async def test_it_hears_itself_softly_and_too_loudly(
    speak: Speak, recognizer: MockRecognizer, level: float
) -> None:
    frame = await speak(TEXT)

    assert await _hear(recognizer, _frame(_samples(frame) * level)) == (TEXT, True)


async def test_it_hears_itself_through_noise_as_loud_as_itself(
    speak: Speak, recognizer: MockRecognizer
) -> None:
    samples = _samples(await speak(TEXT))
    noise = np.random.default_rng(1).normal(size=len(samples)) * samples.std()

    assert (await _hear(recognizer, _frame(samples + noise)))[0] == TEXT


async def test_it_hears_itself_between_noises_and_pauses(speak: Speak, recognizer: MockRecognizer) -> None:
    spoken = _samples(await speak(TEXT))
    noise = np.random.default_rng(2).normal(size=20_000) * 3_000
    pause = np.zeros(12_345)

    frame = _frame(np.concatenate([pause, noise, spoken, noise, pause]))

    assert await _hear(recognizer, frame) == (TEXT, True)


async def test_it_hears_nothing_in_other_sounds(recognizer: MockRecognizer) -> None:
    seconds = np.arange(80_000) / 16_000
    sounds = {
        "silence": np.zeros(80_000),
        "noise": np.random.default_rng(3).normal(size=80_000) * 8_000,
        "a tone": np.sin(2 * np.pi * 440 * seconds) * 20_000,
        "a hum with harmonics": sum(np.sin(2 * np.pi * 150 * n * seconds) * 2_000 for n in range(1, 20)),
        "a sweep": np.sin(2 * np.pi * (100 + 300 * seconds) * seconds) * 20_000,
        "clicks": np.where(np.arange(80_000) % 800, 0.0, 30_000.0),
    }

    for name, samples in sounds.items():
        heard = await recognizer.recognize(_frame(np.asarray(samples)), RecognitionOptions())
        assert (name, heard.text, heard.confidence) == (name, "", 0.0)


async def test_audio_that_is_cut_off_is_heard_as_far_as_it_goes(
    speak: Speak, recognizer: MockRecognizer
) -> None:
    frame = await speak("one two three four five six")
    half = AudioFrame(frame.pcm[: frame.sample_count // 2 * 2], frame.rate_hz)

    heard = await recognizer.recognize(half, RecognitionOptions())

    assert heard.text
    assert "one two three four five six".startswith(heard.text)
    assert 0.0 < heard.confidence <= 0.5


async def test_damaged_audio_is_heard_with_less_confidence(speak: Speak, recognizer: MockRecognizer) -> None:
    samples = _samples(await speak("one two three four five six"))
    samples[len(samples) // 2 :][:3_000] = 0.0

    heard = await recognizer.recognize(_frame(samples), RecognitionOptions())

    assert heard.text.startswith("one")
    assert 0.0 < heard.confidence <= 0.5


async def test_texts_that_were_spoken_one_after_the_other_are_heard_as_one(
    speak: Speak, recognizer: MockRecognizer
) -> None:
    first, second = await speak("Раз, два."), await speak("Three!", SynthesisOptions(voice="low"))
    pause = silence(0.3, rate_hz=16_000)

    frame = AudioFrame(first.pcm + pause.pcm + second.pcm, 16_000)

    assert await _hear(recognizer, frame) == ("Раз, два. Three!", True)
