"""Integrated loudness by ITU-R BS.1770-4: another measure than the one that speech is normalised by."""

import math

import numpy as np
from glottis.plugins import AudioFrame
from numpy.typing import NDArray

_BLOCK_S, _STEP_S = 0.4, 0.1
_ABSOLUTE_GATE_LUFS = -70.0
_RELATIVE_GATE_LU = 10.0
_OFFSET_DB = -0.691

# The two stages of K-weighting as analogue filters (frequency in Hz, Q), by which any sample rate will do:
# https://github.com/jiixyj/libebur128 derives them from the coefficients that the recommendation prints.
_SHELF_HZ, _SHELF_Q, _SHELF_GAIN_DB = 1681.974450955533, 0.7071752369554196, 3.999843853973347
_HIGH_PASS_HZ, _HIGH_PASS_Q = 38.13547087602444, 0.5003270373238773


def loudness_lufs(frame: AudioFrame) -> float:
    """Measure how loud a mono clip is; minus infinity where nothing can be heard."""
    return _gated_level(_k_weighted(_samples(frame), frame.rate_hz), frame.rate_hz)


def peak_to_average_db(frame: AudioFrame) -> float:
    """Measure how far the highest sample stands above the RMS of what is not a pause, unweighted."""
    samples = _samples(frame)
    average = _gated_level(samples, frame.rate_hz) - _OFFSET_DB
    return 20 * math.log10(float(np.abs(samples).max())) - average


def _gated_level(samples: NDArray[np.float64], rate_hz: int) -> float:
    block, step = round(_BLOCK_S * rate_hz), round(_STEP_S * rate_hz)
    if len(samples) < block:
        samples = np.pad(samples, (0, block - len(samples)))
    starts = range(0, len(samples) - block + 1, step)
    powers = np.array([np.mean(np.square(samples[start : start + block])) for start in starts])
    heard = powers[powers > _power(_ABSOLUTE_GATE_LUFS)]
    if not heard.size:
        return -math.inf
    spoken = heard[heard > np.mean(heard) * 10 ** (-_RELATIVE_GATE_LU / 10)]
    return _OFFSET_DB + 10 * math.log10(float(np.mean(spoken)))


def _samples(frame: AudioFrame) -> NDArray[np.float64]:
    return np.frombuffer(frame.pcm, "<i2").astype(np.float64) / 32_768


def _power(lufs: float) -> float:
    return float(10 ** ((lufs - _OFFSET_DB) / 10))


def _k_weighted(samples: NDArray[np.float64], rate_hz: int) -> NDArray[np.float64]:
    """Filter in the frequency domain, with room for the tail of the filters."""
    length = len(samples) + rate_hz
    at = 2 * np.pi * np.fft.rfftfreq(length, 1 / rate_hz) / rate_hz
    z1 = np.exp(-1j * at)
    response = np.ones_like(z1)
    for b, a in (_shelf(rate_hz), _high_pass(rate_hz)):
        response *= (b[0] + b[1] * z1 + b[2] * z1**2) / (a[0] + a[1] * z1 + a[2] * z1**2)
    filtered = np.fft.irfft(np.fft.rfft(samples, length) * response, length)
    return np.asarray(filtered[: len(samples)], dtype=np.float64)


_Biquad = tuple[tuple[float, float, float], tuple[float, float, float]]


def _shelf(rate_hz: int) -> _Biquad:
    k = math.tan(math.pi * _SHELF_HZ / rate_hz)
    high = 10 ** (_SHELF_GAIN_DB / 20)
    band = high**0.4996667741545416
    a0 = 1 + k / _SHELF_Q + k * k
    b = (
        (high + band * k / _SHELF_Q + k * k) / a0,
        2 * (k * k - high) / a0,
        (high - band * k / _SHELF_Q + k * k) / a0,
    )
    return b, (1.0, 2 * (k * k - 1) / a0, (1 - k / _SHELF_Q + k * k) / a0)


def _high_pass(rate_hz: int) -> _Biquad:
    k = math.tan(math.pi * _HIGH_PASS_HZ / rate_hz)
    a0 = 1 + k / _HIGH_PASS_Q + k * k
    return (1.0, -2.0, 1.0), (1.0, 2 * (k * k - 1) / a0, (1 - k / _HIGH_PASS_Q + k * k) / a0)
