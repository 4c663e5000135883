"""Changing the sample rate."""

import numpy as np
import soxr
from glottis.plugins import AudioFrame


def resample(frame: AudioFrame, *, rate_hz: int) -> AudioFrame:
    """Change the sample rate, keeping pitch and length.

    Mono PCM16 in and out; the filter is soxr HQ (alias below -140 dB).
    """
    if frame.rate_hz == rate_hz or not frame.pcm:
        return AudioFrame(frame.pcm, rate_hz)
    samples = np.frombuffer(frame.pcm, "<i2")
    resampled = soxr.resample(samples, frame.rate_hz, rate_hz, quality="HQ")
    return AudioFrame(resampled.astype("<i2", copy=False).tobytes(), rate_hz)
