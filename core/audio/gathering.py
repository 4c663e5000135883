"""Putting decoded pieces of any layout together as mono PCM16, within a bound."""

from typing import Any

import numpy as np
from glottis.core.audio.errors import AudioTooLong, UndecodableAudio
from glottis.core.audio.formats import MAX_CHANNELS, MAX_RATE_HZ, MIN_RATE_HZ
from glottis.core.audio.resampling import resample_pcm
from glottis.plugins import AudioFrame
from numpy.typing import NDArray


class Gathering:
    """Mono samples so far; refuses the piece that makes them last longer than `max_s`.

    Holds two bytes a sample at the source's rate, whatever the source's width and channels.
    """

    def __init__(self, *, max_s: float) -> None:
        self._max_s = max_s
        self._runs: list[tuple[int, bytearray]] = []  # a chained stream may change its rate
        self._duration_s = 0.0

    @property
    def is_empty(self) -> bool:
        return not self._duration_s

    def add(self, samples: NDArray[Any], rate_hz: int) -> None:
        """Take a piece of shape (samples, channels), of any sample type.

        Raises:
            AudioTooLong: the limit is passed.
            UndecodableAudio: no sound has such a rate or so many channels.
        """
        require_sane(samples, rate_hz)
        self._duration_s += len(samples) / rate_hz
        if self._duration_s > self._max_s:
            raise AudioTooLong(self._max_s)
        if not self._runs or self._runs[-1][0] != rate_hz:
            self._runs.append((rate_hz, bytearray()))
        self._runs[-1][1].extend(as_mono_pcm16(samples))

    def frame(self, *, rate_hz: int | None) -> AudioFrame:
        """Join everything at `rate_hz`, or at the rate of the first piece.

        Raises:
            UndecodableAudio: there was no sound at all.
        """
        rate = rate_hz or (self._runs[0][0] if self._runs else 1)
        pcm = b"".join(resample_pcm(run, source_hz=own, rate_hz=rate) for own, run in self._runs)
        if not pcm:
            raise UndecodableAudio("the audio is empty: there is not one sample in it")
        return AudioFrame(pcm, rate)


def require_sane(samples: NDArray[Any], rate_hz: int) -> None:
    """Refuse samples of shape (samples, channels) that are no sound.

    Raises:
        UndecodableAudio: no sound has such a rate or so many channels.
    """
    if not MIN_RATE_HZ <= rate_hz <= MAX_RATE_HZ:
        raise UndecodableAudio(
            f"a sample rate of {rate_hz} Hz is not accepted: {MIN_RATE_HZ} to {MAX_RATE_HZ} are"
        )
    if not 1 <= samples.shape[1] <= MAX_CHANNELS:
        raise UndecodableAudio(f"{samples.shape[1]} channels are not accepted: 1 to {MAX_CHANNELS} are")


def as_mono_pcm16(samples: NDArray[Any]) -> bytes:
    """Mix samples of shape (samples, channels), of any type, down to PCM16."""
    if samples.dtype == np.int16 and samples.shape[1] == 1:
        return samples.astype("<i2", copy=False).tobytes()
    mono = _as_float(samples).mean(axis=1)
    return bytes(np.clip(np.rint(mono * 32_768), -32_768, 32_767).astype("<i2").tobytes())


def _as_float(samples: NDArray[Any]) -> NDArray[np.float32]:
    """Bring any sample type to -1..1."""
    if samples.dtype == np.uint8:
        return (samples.astype(np.float32) - np.float32(128)) / np.float32(128)
    if np.issubdtype(samples.dtype, np.integer):
        return samples.astype(np.float32) / -np.float32(np.iinfo(samples.dtype).min)
    # A float file may hold infinities and NaN, and may be louder than full scale.
    bounded: NDArray[np.float32] = np.nan_to_num(samples, nan=0.0, posinf=1.0, neginf=-1.0).clip(-1, 1)
    return bounded.astype(np.float32)
