import numpy as np
import pytest
from glottis.plugins import AudioFrame
from glottis_festival.stretch import at_speed

RATE_HZ = 16_000


def tone(hz: float, seconds: float) -> AudioFrame:
    times = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    samples = 8000 * (np.sin(2 * np.pi * hz * times) + 0.5 * np.sin(4 * np.pi * hz * times))
    return AudioFrame(samples.astype("<i2").tobytes(), rate_hz=RATE_HZ)


def loudest_hz(frame: AudioFrame) -> float:
    samples = np.frombuffer(frame.pcm, "<i2").astype(float)
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(np.argmax(spectrum)) * RATE_HZ / len(samples)


@pytest.mark.parametrize("speed", [0.4, 0.8, 1.0, 1.25, 2.0, 3.0])
def test_speech_changes_its_length_and_keeps_its_pitch_and_loudness(speed: float) -> None:
    frame = tone(120.0, 2.0)
    changed = at_speed(frame, speed)
    assert changed.rate_hz == RATE_HZ
    assert changed.duration_s == pytest.approx(2.0 / speed, rel=0.001)
    assert loudest_hz(changed) == pytest.approx(120.0, abs=3.0)
    level, was = (np.frombuffer(f.pcm, "<i2").astype(float).std() for f in (changed, frame))
    assert level == pytest.approx(was, rel=0.1)


@pytest.mark.parametrize("samples", [0, 1, 17, 700])
def test_a_frame_shorter_than_a_window_is_stretched_too(samples: int) -> None:
    frame = AudioFrame(bytes(2 * samples), rate_hz=RATE_HZ)
    assert at_speed(frame, 0.5).sample_count == 2 * samples


def test_the_loudest_samples_are_not_turned_over() -> None:
    loud = AudioFrame(np.full(8000, 32_767, "<i2").tobytes(), rate_hz=RATE_HZ)
    assert np.frombuffer(at_speed(loud, 1.3).pcm, "<i2").min() > 30_000
