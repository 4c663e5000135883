"""Audio as WORLD takes it: float64 samples from -1 to 1, one channel."""

from typing import Any

import numpy as np
import numpy.typing as npt
from glottis.plugins import AudioFrame

Floats = npt.NDArray[np.float64]

_FULL_SCALE = 32_768.0
_WINDOW_S = 0.02
_RANGE_DB, _LEAST_RANGE_DB, _ABOVE_NOISE_DB = 35.0, 20.0, 5.0


def to_samples(frame: AudioFrame, *, rate_hz: int) -> Floats:
    """Return the samples of a frame at a rate: soxr's HQ filter where that is another one."""
    samples = np.frombuffer(frame.pcm, dtype="<i2").astype(np.float64) / _FULL_SCALE
    return samples if frame.rate_hz == rate_hz else resampled(samples, frame.rate_hz, rate_hz)


def to_frame(samples: Floats, *, rate_hz: int) -> AudioFrame:
    """Make a frame, clipped where it is too loud."""
    pcm = np.clip(np.rint(samples * _FULL_SCALE), -_FULL_SCALE, _FULL_SCALE - 1).astype("<i2")
    return AudioFrame(pcm.tobytes(), rate_hz)


def resampled(samples: Floats, from_hz: int, to_hz: int) -> Floats:
    import soxr

    changed: Any = soxr.resample(samples, from_hz, to_hz)
    return np.asarray(changed, dtype=np.float64)


def levels_db(samples: Floats, *, rate_hz: int) -> Floats:
    """Return the level of each 20 ms in dB of full scale; what is left over at the end is not counted."""
    length = int(_WINDOW_S * rate_hz)
    whole = samples[: len(samples) // length * length].reshape(-1, length)
    return np.asarray(10 * np.log10(np.mean(whole**2, axis=1) + 1e-10), dtype=np.float64)


def speech_bounds(samples: Floats, *, rate_hz: int) -> tuple[int, int]:
    """Find where speech begins and ends, as samples: within 35 dB of its loud parts, above noise."""
    levels = levels_db(samples, rate_hz=rate_hz)
    if not len(levels):
        return 0, 0
    noise, peak = np.percentile(levels, [5, 95])
    floor = max(peak - _RANGE_DB, min(noise + _ABOVE_NOISE_DB, peak - _LEAST_RANGE_DB))
    loud = np.flatnonzero(levels > floor)
    if not len(loud):
        return 0, 0
    length = int(_WINDOW_S * rate_hz)
    return max(0, int(loud[0]) - 2) * length, min(len(levels), int(loud[-1]) + 3) * length


def trimmed(samples: Floats, *, rate_hz: int) -> Floats:
    """Cut the silence off both ends."""
    first, last = speech_bounds(samples, rate_hz=rate_hz)
    return samples[first:last]
