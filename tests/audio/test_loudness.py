"""Levels are measured, and every engine comes out equally loud."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from glottis.core.audio import is_silent, level_dbfs, normalize
from glottis.plugins import AudioFrame, silence
from hypothesis import given, settings
from hypothesis import strategies as st

Voice = Callable[..., AudioFrame]


def frame_of(samples: object, rate_hz: int = 16_000) -> AudioFrame:
    clipped = np.clip(np.rint(np.asarray(samples, dtype=np.float64) * 32_767), -32_768, 32_767)
    return AudioFrame(clipped.astype("<i2").tobytes(), rate_hz)


def amplitudes(frame: AudioFrame) -> "np.ndarray[tuple[int], np.dtype[np.float64]]":
    return np.frombuffer(frame.pcm, "<i2").astype(np.float64) / 32_768


def spoken_level_db(frame: AudioFrame) -> float:
    """Measure the level of the louder part by its 50 ms windows: another way than the code's own."""
    whole = amplitudes(frame)
    size = frame.rate_hz // 20
    windows = np.sqrt((whole[: whole.size // size * size].reshape(-1, size) ** 2).mean(axis=1))
    return float(20 * np.log10(np.sqrt((windows[windows > windows.max() / 5] ** 2).mean())))


def peak_db(frame: AudioFrame) -> float:
    return float(20 * np.log10(np.abs(amplitudes(frame)).max()))


def test_levels_are_those_of_known_signals() -> None:
    time_s = np.arange(16_000) / 16_000
    assert level_dbfs(frame_of(np.sin(2 * np.pi * 440 * time_s))) == pytest.approx(-3.01, abs=0.02)
    assert level_dbfs(frame_of(0.1 * np.sign(np.sin(2 * np.pi * 50 * time_s + 0.1)))) == pytest.approx(
        -20, abs=0.1
    )
    assert level_dbfs(silence(1.0, rate_hz=16_000)) == -math.inf
    assert level_dbfs(AudioFrame(b"", 16_000)) == -math.inf


def test_digital_and_near_silence_is_silent_and_a_short_word_in_it_is_not(voice: Voice) -> None:
    noise = np.random.default_rng(1).normal(0, 0.0003, 160_000)
    assert is_silent(AudioFrame(b"", 16_000))
    assert is_silent(silence(10, rate_hz=16_000))
    assert is_silent(frame_of(noise))
    noise[80_000:82_000] += 0.02 * np.sin(np.arange(2_000) / 5)
    assert not is_silent(frame_of(noise))
    assert not is_silent(voice(1.0))
    assert is_silent(voice(1.0), threshold_dbfs=0)


@pytest.fixture(scope="module")
def engines(voice: Voice) -> dict[str, AudioFrame]:
    """Make the same speech as a quiet, a loud, a peaky, a flat, a noisy, a clipped and a pausing engine."""
    plain = amplitudes(voice(4.0, rate_hz=22_050))
    peaks = plain.copy()
    peaks[::3_001] = np.sign(peaks[::3_001]) * 0.95
    flat = np.tanh(6 * plain / np.abs(plain).max())
    noise = np.random.default_rng(1).normal(0, 0.002, plain.size)
    made = {
        "plain": plain,
        "quiet": 0.02 * plain,
        "loud": plain / np.abs(plain).max(),
        "peaky": 0.5 * peaks,
        "flat": 0.2 * flat,
        "noisy": plain + noise,
        "clipped": np.clip(4 * plain, -1, 1),
        "pausing": np.concatenate([plain, np.zeros(8 * plain.size)]),
        "16 kHz": amplitudes(voice(4.0)),
    }
    return {name: frame_of(each, 16_000 if name == "16 kHz" else 22_050) for name, each in made.items()}


def test_the_loudest_engine_is_within_3_db_of_the_average(engines: dict[str, AudioFrame]) -> None:
    before = [spoken_level_db(frame) for frame in engines.values()]
    after = [spoken_level_db(normalize(frame)) for frame in engines.values()]
    assert max(before) - np.mean(before) > 3
    assert max(after) - np.mean(after) < 1
    assert max(after) - min(after) < 3


def test_peaks_stand_equally_high_above_the_average_within_3_db(engines: dict[str, AudioFrame]) -> None:
    speech = {name: frame for name, frame in engines.items() if name not in ("flat", "clipped")}
    before = [peak_db(frame) - spoken_level_db(frame) for frame in speech.values()]
    after = [peak_db(each) - spoken_level_db(each) for each in map(normalize, speech.values())]
    assert max(before) - min(before) > 3
    assert max(after) - min(after) < 3


def test_nothing_is_clipped_and_nothing_is_lost(engines: dict[str, AudioFrame]) -> None:
    for frame in engines.values():
        result = normalize(frame)
        assert peak_db(result) < -5.9
        assert (result.rate_hz, result.sample_count) == (frame.rate_hz, frame.sample_count)


def test_peaks_are_lowered_without_a_click(engines: dict[str, AudioFrame]) -> None:
    """What limiting adds must be slow: a gain, whose steps from one sample to the next are tiny."""
    before, after = amplitudes(engines["loud"]), amplitudes(normalize(engines["loud"]))
    audible = np.abs(before) > 0.05
    gain = after[audible] / before[audible]
    neighbours = np.diff(np.flatnonzero(audible)) == 1
    assert np.abs(np.diff(gain))[neighbours].max() < 0.01 * gain.max()


def test_what_is_normalised_already_stays_as_it_is(engines: dict[str, AudioFrame]) -> None:
    for frame in engines.values():
        once = normalize(frame)
        assert np.abs(amplitudes(normalize(once)) - amplitudes(once)).max() < 0.01


@pytest.mark.parametrize("frame", [AudioFrame(b"", 16_000), silence(1.0, rate_hz=16_000)])
def test_silence_stays_silence(frame: AudioFrame) -> None:
    assert normalize(frame) == frame


@settings(max_examples=100, deadline=2_000)
@given(st.binary(max_size=2_000), st.sampled_from([8_000, 22_050, 48_000]))
def test_any_samples_come_out_below_the_ceiling(data: bytes, rate_hz: int) -> None:
    frame = AudioFrame(data[: len(data) // 2 * 2], rate_hz)
    result = normalize(frame)
    assert result.sample_count == frame.sample_count
    assert result == frame or np.abs(amplitudes(result)).max() <= 10 ** (-5.9 / 20)
    assert level_dbfs(result) < 0
