"""Resampling keeps pitch and length, and lets nothing alias."""

import numpy as np
import pytest
from glottis.core.audio import level_dbfs, resample
from glottis.plugins import AudioFrame
from hypothesis import given
from hypothesis import strategies as st


def tone(frequency_hz: float, *, rate_hz: int, duration_s: float = 1.0) -> AudioFrame:
    time_s = np.arange(round(duration_s * rate_hz)) / rate_hz
    return AudioFrame((16_000 * np.sin(2 * np.pi * frequency_hz * time_s)).astype("<i2").tobytes(), rate_hz)


def pitch_hz(frame: AudioFrame) -> float:
    spectrum = np.abs(np.fft.rfft(np.frombuffer(frame.pcm, "<i2") * np.hanning(frame.sample_count)))
    return float(spectrum.argmax() / frame.duration_s)


@pytest.mark.parametrize("source_hz", [8_000, 22_050, 44_100, 48_000])
@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 24_000, 48_000])
def test_pitch_length_and_level_stay(source_hz: int, rate_hz: int) -> None:
    heard = resample(tone(1_000, rate_hz=source_hz), rate_hz=rate_hz)
    assert heard.rate_hz == rate_hz
    assert heard.duration_s == pytest.approx(1.0, abs=0.001)
    assert pitch_hz(heard) == pytest.approx(1_000, abs=2)
    assert level_dbfs(heard) == pytest.approx(level_dbfs(tone(1_000, rate_hz=source_hz)), abs=0.1)


def test_what_the_new_rate_cannot_hold_is_gone() -> None:
    middle = resample(tone(9_500, rate_hz=48_000), rate_hz=16_000).pcm[3_200:-3_200]
    assert level_dbfs(AudioFrame(middle, 16_000)) < -80


def test_the_same_rate_costs_nothing() -> None:
    frame = tone(440, rate_hz=16_000)
    assert resample(frame, rate_hz=16_000).pcm is frame.pcm


@given(st.binary(max_size=400), st.integers(1, 400_000), st.sampled_from([8_000, 16_000, 48_000]))
def test_any_samples_resample_to_about_their_length(data: bytes, source_hz: int, rate_hz: int) -> None:
    frame = AudioFrame(data[: len(data) // 2 * 2], source_hz)
    heard = resample(frame, rate_hz=rate_hz)
    assert heard.sample_count == pytest.approx(frame.sample_count * rate_hz / source_hz, abs=2, rel=0.01)
