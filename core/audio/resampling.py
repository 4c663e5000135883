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


class RateMatcher:
    """Brings frames of changing rates to one; the filter's memory runs through frames of equal rate.

    A new one passes frames of `rate_hz` on as they are, and gives PCM16 at that rate for all others.
    """

    def __init__(self, rate_hz: int) -> None:
        self._rate_hz = rate_hz
        self._source_hz = rate_hz
        self._stream: soxr.ResampleStream | None = None

    def push(self, frame: AudioFrame) -> bytes:
        rest = b""
        if frame.rate_hz != self._source_hz:
            rest = self.finish()
            self._source_hz = frame.rate_hz
            if frame.rate_hz != self._rate_hz:
                self._stream = soxr.ResampleStream(
                    frame.rate_hz, self._rate_hz, num_channels=1, dtype="int16", quality="HQ"
                )
        return rest + self._through(frame.pcm, last=False)

    def finish(self) -> bytes:
        """Give what the filter still holds; what is pushed after it begins anew."""
        rest = self._through(b"", last=True)
        self._stream, self._source_hz = None, self._rate_hz
        return rest

    def _through(self, pcm: bytes, *, last: bool) -> bytes:
        if self._stream is None:
            return pcm
        samples = np.frombuffer(pcm, "<i2")
        return bytes(self._stream.resample_chunk(samples, last=last).astype("<i2", copy=False).tobytes())
