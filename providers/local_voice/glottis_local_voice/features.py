"""Speech taken apart and put together again by the WORLD vocoder.

WORLD: M. Morise, F. Yokomori and K. Ozawa, "WORLD: a vocoder-based high-quality speech synthesis system for
real-time applications", IEICE Transactions on Information and Systems E99-D (2016), 1877-1884.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from glottis_local_voice.waveform import Floats

FRAME_MS = 5.0
ORDER = 40
"""Mel-cepstral coefficients a frame, the level included: enough for speech up to 11 kHz."""

F0_FLOOR_HZ, F0_CEIL_HZ = 60.0, 500.0


@dataclass(frozen=True, slots=True)
class Features:
    """Frames of speech, one every 5 ms.

    `f0_hz` is 0 where there is no voice, shape (frames,); `cepstra` mel-cepstra, (frames, ORDER), whose first
    is the level; `aperiodicity` coded by WORLD, (frames, bands).
    """

    f0_hz: Floats
    cepstra: Floats
    aperiodicity: Floats

    def __len__(self) -> int:
        return len(self.f0_hz)

    def between(self, first: int, last: int) -> "Features":
        return Features(self.f0_hz[first:last], self.cepstra[first:last], self.aperiodicity[first:last])

    def with_(self, *, f0_hz: Floats, cepstra: Floats) -> "Features":
        return replace(self, f0_hz=f0_hz, cepstra=cepstra)


def analyse(samples: Floats, *, rate_hz: int, is_careful: bool = False) -> Features:
    """Take speech apart; `is_careful` finds the pitch of recordings better and takes four times as long."""
    import pyworld

    samples = np.ascontiguousarray(samples, dtype=np.float64)
    limits: Any = {"f0_floor": F0_FLOOR_HZ, "f0_ceil": F0_CEIL_HZ, "frame_period": FRAME_MS}
    if is_careful:
        f0_hz, times = pyworld.harvest(samples, rate_hz, **limits)
    else:
        rough, times = pyworld.dio(samples, rate_hz, **limits)
        f0_hz = pyworld.stonemask(samples, rough, times, rate_hz)
    size = pyworld.get_cheaptrick_fft_size(rate_hz, F0_FLOOR_HZ)
    spectrum = pyworld.cheaptrick(samples, f0_hz, times, rate_hz, f0_floor=F0_FLOOR_HZ, fft_size=size)
    aperiodicity = pyworld.d4c(samples, f0_hz, times, rate_hz, fft_size=size)
    return Features(
        f0_hz,
        pyworld.code_spectral_envelope(spectrum, rate_hz, ORDER),
        pyworld.code_aperiodicity(aperiodicity, rate_hz),
    )


def synthesise(features: Features, *, rate_hz: int, stretch: float = 1.0) -> Floats:
    """Put speech together; `stretch` is how many times as long it takes, at the same pitch."""
    import pyworld

    size = pyworld.get_cheaptrick_fft_size(rate_hz, F0_FLOOR_HZ)
    spectrum = pyworld.decode_spectral_envelope(np.ascontiguousarray(features.cepstra), rate_hz, size)
    aperiodicity = pyworld.decode_aperiodicity(np.ascontiguousarray(features.aperiodicity), rate_hz, size)
    samples = pyworld.synthesize(
        np.ascontiguousarray(features.f0_hz), spectrum, aperiodicity, rate_hz, FRAME_MS * stretch
    )
    return np.asarray(samples, dtype=np.float64)
