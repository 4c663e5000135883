"""Changing the sample rate."""

import numpy as np
import soxr
from glottis.plugins import AudioFrame


def resample(frame: AudioFrame, *, rate_hz: int) -> AudioFrame:
    """Change the sample rate, keeping pitch and length.

    Mono PCM16 in and out; the filter is soxr HQ (alias below -140 dB).
    """
    if frame.rate_hz == rate_hz:
        return frame
    return AudioFrame(resample_pcm(frame.pcm, source_hz=frame.rate_hz, rate_hz=rate_hz), rate_hz)


def resample_pcm(pcm: bytes | bytearray, *, source_hz: int, rate_hz: int) -> bytes:
    """Change the sample rate of mono PCM16, without a copy of it."""
    if source_hz == rate_hz or not pcm:
        return bytes(pcm)
    resampled = soxr.resample(np.frombuffer(pcm, "<i2"), source_hz, rate_hz, quality="HQ")
    return bytes(resampled.astype("<i2", copy=False).tobytes())
