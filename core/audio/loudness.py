"""How loud audio is, and making speech of any engine equally loud.

What is aimed at is that no voice sticks out, in both senses of "peak-to-average within 3 dB": the loudest
clip of any engine is within 3 dB of the average of them all, and the peaks of each stand about as high above
its own average as those of the others (ratios within 3 dB), so that players and codecs treat them alike.
"""

import math

import numpy as np
from glottis.plugins import AudioFrame
from numpy.typing import NDArray

TARGET_DBFS = -20.0
"""Gated level of normalised speech: the RMS of what is not a pause, in dB of a full-scale square wave."""
PEAK_DBFS = -6.0
"""No sample of normalised speech is above this: 14 dB over its level. Engines come with 13 to 19 dB."""

LIMITER_STEP_S = 0.001
LIMITER_SIGHT_STEPS = 17
"""As far as the limiter looks to either side: its reach twice, and a step for the line between two steps."""

_FULL_SCALE = np.float32(32_768)
_WINDOW_S = 0.02  # what the level of a moment is
_ABSOLUTE_GATE_DBFS = -60.0
_RELATIVE_GATE_DB = 10.0  # as in EBU R 128: what is that far below the average is a pause
_LIMITER_REACH = 8  # steps before and after a peak in which the gain goes down and comes back
_LIMITER_ROUNDS = 3  # limiting takes a few tenths of a dB, which the next round's gain gives back


def level_dbfs(frame: AudioFrame) -> float:
    """Measure the RMS level: 0 dBFS is a full-scale square wave, digital silence is minus infinity."""
    samples = _samples(frame)
    return _decibels(float(np.mean(samples * samples))) if samples.size else -math.inf


def is_silent(frame: AudioFrame, *, threshold_dbfs: float = -60.0) -> bool:
    """Tell whether nothing can be heard: no 20 ms of it reach `threshold_dbfs`."""
    samples = _samples(frame)
    return not samples.size or _decibels(float(_window_powers(samples, frame.rate_hz).max())) < threshold_dbfs


def normalize(frame: AudioFrame) -> AudioFrame:
    """Bring speech to the common loudness: -20 dBFS where somebody speaks, no sample above -6 dBFS.

    Peaks are lowered by a gain that moves over some milliseconds, so nothing is clipped. Silence is given
    back as it is. One gain serves the whole clip: call it with a sentence or more, not with 20 ms.
    """
    return normalize_measured(frame)[0]


def normalize_measured(frame: AudioFrame) -> tuple[AudioFrame, float | None]:
    """Do as `normalize` does, and tell the gain in dB; `None` for silence."""
    samples = _samples(frame)
    level = _speech_level(samples, frame.rate_hz)
    if level is None:
        return frame, None
    gain, result = 1.0, samples
    for _ in range(_LIMITER_ROUNDS):
        gain *= 10 ** ((TARGET_DBFS - level) / 20)
        result = limited(samples * np.float32(gain), frame.rate_hz)
        level = _speech_level(result, frame.rate_hz) or TARGET_DBFS
    return AudioFrame(to_pcm(result), frame.rate_hz), 20 * math.log10(gain)


def limited(samples: NDArray[np.float32], rate_hz: int) -> NDArray[np.float32]:
    """Lower what is above the ceiling, and its surroundings smoothly with it.

    `samples` have a full scale of 1. What comes of a sample depends on `LIMITER_SIGHT_STEPS` around it.
    """
    ceiling = 10 ** (PEAK_DBFS / 20)
    starts = _starts(samples, rate_hz, LIMITER_STEP_S)
    peaks = np.maximum.reduceat(np.abs(samples), starts)
    if peaks.max() <= ceiling:
        return samples
    needed = np.minimum(1.0, ceiling / np.maximum(peaks, ceiling))
    # Each step takes the least gain near it and then an average of its neighbours: all of those reach this
    # step's own peak, so their average is never more than this step needs. So are lines between two steps,
    # when each joint takes the lower of both.
    reach = _LIMITER_REACH
    near = np.lib.stride_tricks.sliding_window_view(np.pad(needed, reach, mode="edge"), 2 * reach + 1).min(
        axis=1
    )
    fade = np.hanning(2 * reach + 3)[1:-1]
    smooth = np.convolve(np.pad(near, reach, mode="edge"), fade / fade.sum(), mode="valid")
    joints = np.minimum(np.append(smooth, smooth[-1]), np.append(smooth[0], smooth))
    gains = np.interp(np.arange(samples.size), np.append(starts, samples.size), joints)
    lowered: NDArray[np.float32] = (samples * gains).astype(np.float32)
    return lowered


def to_pcm(samples: NDArray[np.float32]) -> bytes:
    """Make PCM16 of samples whose full scale is 1."""
    return bytes(np.rint(samples * _FULL_SCALE).astype("<i2").tobytes())


def _speech_level(samples: NDArray[np.float32], rate_hz: int) -> float | None:
    """Measure the level of what is not a pause, in dBFS; `None` when there is nothing but pauses."""
    if not samples.size:
        return None
    powers = _window_powers(samples, rate_hz)
    audible = powers[powers > 10 ** (_ABSOLUTE_GATE_DBFS / 10)]
    if not audible.size:
        return None
    spoken = audible[audible > audible.mean() * 10 ** (-_RELATIVE_GATE_DB / 10)]
    return _decibels(float(spoken.mean()))


def _window_powers(samples: NDArray[np.float32], rate_hz: int) -> NDArray[np.float32]:
    """Average the power of each 20 ms; the last window may be shorter."""
    starts = _starts(samples, rate_hz, _WINDOW_S)
    lengths = np.diff(np.append(starts, samples.size))
    return (np.add.reduceat(samples * samples, starts) / lengths).astype(np.float32)


def _starts(samples: NDArray[np.float32], rate_hz: int, step_s: float) -> NDArray[np.intp]:
    return np.arange(0, samples.size, max(1, round(step_s * rate_hz)))


def _samples(frame: AudioFrame) -> NDArray[np.float32]:
    return np.frombuffer(frame.pcm, "<i2").astype(np.float32) / _FULL_SCALE


def _decibels(power: float) -> float:
    return 10 * math.log10(power) if power > 0 else -math.inf
