"""Making speech equally loud while it is still being spoken."""

import numpy as np
from glottis.core.audio.loudness import (
    LIMITER_SIGHT_STEPS,
    LIMITER_STEP_S,
    limited,
    normalize_measured,
    to_pcm,
)
from glottis.plugins import AudioFrame
from numpy.typing import NDArray

_MEASURED_S = 0.5
"""How much of an unknown voice is heard before its gain is chosen: a few syllables."""
_MOST_GAIN_DB = 30.0
_LITTLE_BYTES = 8 * 1024  # 0.2 s
_FULL_SCALE = 32_768.0


class LiveLoudness:
    """Brings a stream of frames of one sample rate to the common loudness, by one gain for all of it.

    Without a gain the first half second is held back and measured. Peaks are lowered as `normalize` does,
    which holds back the last 17 ms until more comes. Costs 0.1 ms for a frame of 20 ms.
    """

    def __init__(self, gain: float | None = None) -> None:
        self.gain_db = gain
        """The gain, as soon as it is known."""
        self._rate_hz = 0
        self._unmeasured = bytearray()
        self._seen: NDArray[np.float32] = np.empty(0, np.float32)  # given out already, for the limiter to see
        self._held: NDArray[np.float32] = np.empty(0, np.float32)

    def is_little(self, frame: AudioFrame | None = None) -> bool:
        """Tell whether pushing this, or finishing, takes less time than handing it to a thread."""
        waiting = len(frame.pcm) if frame is not None else 0
        return waiting + len(self._unmeasured) <= _LITTLE_BYTES

    def push(self, frame: AudioFrame) -> bytes:
        """Take a frame; gives the samples that are ready, which may be none yet."""
        self._rate_hz = frame.rate_hz
        if self.gain_db is not None:
            return self._louder(frame.pcm, is_last=False)
        self._unmeasured += frame.pcm
        if len(self._unmeasured) < 2 * _MEASURED_S * frame.rate_hz:
            return b""
        return self._louder(self._measured(), is_last=False)

    def finish(self) -> bytes:
        """Give the rest. Nothing may be pushed after it."""
        if not self._rate_hz:
            return b""
        return self._louder(self._measured() if self._unmeasured else b"", is_last=True)

    def _measured(self) -> bytes:
        """Choose the gain by what has been heard so far; silence is given back as it is."""
        pcm, self._unmeasured = bytes(self._unmeasured), bytearray()
        _, measured = normalize_measured(AudioFrame(pcm, self._rate_hz))
        if measured is None:
            return pcm
        self.gain_db = max(-_MOST_GAIN_DB, min(measured, _MOST_GAIN_DB))
        return pcm

    def _louder(self, pcm: bytes, *, is_last: bool) -> bytes:
        factor = np.float32(10 ** ((self.gain_db or 0.0) / 20) / _FULL_SCALE)
        samples = np.frombuffer(pcm, "<i2").astype(np.float32) * factor
        held = np.concatenate((self._held, samples))
        step = max(1, round(LIMITER_STEP_S * self._rate_hz))
        sight = LIMITER_SIGHT_STEPS * step
        ready = held.size if is_last else max(0, held.size - sight) // step * step
        if not ready:
            self._held = held
            return b""
        seen = self._seen.size
        result = limited(np.concatenate((self._seen, held)), self._rate_hz)[seen : seen + ready]
        self._seen = np.concatenate((self._seen, held[:ready]))[-sight:]
        self._held = held[ready:]
        return to_pcm(result)
