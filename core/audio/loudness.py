"""How loud audio is, and making speech of any engine equally loud."""

import math

import numpy as np
from glottis.plugins import AudioFrame
from numpy.typing import NDArray

FULL_SCALE = 32_768
TARGET_DBFS = -20.0
"""Gated level of normalised speech, in dB of the RMS of a full-scale square wave."""
PEAK_DBFS = -1.0
"""No sample of normalised speech is above this; an MP3 or Opus encoder overshoots by less than the rest."""

_WINDOW_S = 0.02


def level_dbfs(frame: AudioFrame) -> float:
    """Measure the RMS level: 0 dBFS is a full-scale square wave, digital silence is minus infinity."""
    return _dbfs(_rms(_samples(frame)))


def is_silent(frame: AudioFrame, *, threshold_dbfs: float = -60.0) -> bool:
    """Tell whether nothing can be heard: no 20 ms of it reach `threshold_dbfs`."""
    samples = _samples(frame)
    if not samples.size:
        return True
    return _dbfs(float(_window_powers(samples, frame.rate_hz).max()) ** 0.5) < threshold_dbfs


def _samples(frame: AudioFrame) -> NDArray[np.float32]:
    return np.frombuffer(frame.pcm, "<i2").astype(np.float32) / np.float32(FULL_SCALE)


def _rms(samples: NDArray[np.float32]) -> float:
    return math.sqrt(float(np.mean(samples * samples))) if samples.size else 0.0


def _dbfs(amplitude: float) -> float:
    return 20 * math.log10(amplitude) if amplitude > 0 else -math.inf


def _window_powers(samples: NDArray[np.float32], rate_hz: int) -> NDArray[np.float32]:
    """Average the power of each 20 ms; the last window may be shorter."""
    size = max(1, round(_WINDOW_S * rate_hz))
    starts = np.arange(0, samples.size, size)
    lengths = np.diff(np.append(starts, samples.size))
    return (np.add.reduceat(samples * samples, starts) / lengths).astype(np.float32)


def normalize(frame: AudioFrame) -> AudioFrame:
    """Bring speech to the common loudness: gated RMS at -20 dBFS, no sample above -1 dBFS."""
    samples = _samples(frame)
    level = _gated_level(samples, frame.rate_hz)
    if level is None:
        return frame
    gained = samples * 10 ** ((TARGET_DBFS - level) / 20)
    return AudioFrame(
        np.rint(gained * FULL_SCALE).clip(-32_768, 32_767).astype("<i2").tobytes(), frame.rate_hz
    )


def _gated_level(samples: NDArray[np.float32], rate_hz: int) -> float | None:
    if not samples.size:
        return None
    powers = _window_powers(samples, rate_hz)
    loud = powers[powers > 10 ** (-60 / 10)]
    if not loud.size:
        return None
    loud = loud[loud > float(loud.mean()) / 10]
    return 10 * math.log10(float(loud.mean()))
