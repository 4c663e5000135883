"""Raw samples: reading them, and telling undeclared ones from everything else."""

import numpy as np
from glottis.core.audio.formats import PcmFormat
from numpy.typing import NDArray

_LOOKED_AT = 1_000_000  # samples: a minute tells, and a large upload should not cost twice its size
_INAUDIBLE = 8  # samples: dither, a muted microphone's offset
_QUIET = 1024  # samples: -30 dBFS; of 16 random bits, one sample in 32 is as small
_SPEECH_CORRELATION = 0.4


def samples_of(data: bytes, pcm: PcmFormat) -> NDArray[np.int16]:
    """Read raw samples as an array of shape (samples, channels); a cut last sample is dropped."""
    whole = len(data) - len(data) % (2 * pcm.channels)
    return np.frombuffer(data[:whole], "<i2").reshape(-1, pcm.channels)


def looks_like_speech(data: bytes) -> bool:
    """Tell whether undeclared bytes are 16-bit little-endian samples of speech, of quiet noise or of silence.

    Neighbouring samples of speech are alike (correlation 0.6 to 0.99 at 16 kHz), the numbers read out of
    compressed or encrypted bytes, text or code are not. Quiet noise is as uncorrelated as those, but lies
    around zero, where theirs fill the range or stay on one side.
    """
    if not data or len(data) % 2:
        return False
    samples = np.frombuffer(data, "<i2", count=min(len(data) // 2, _LOOKED_AT)).astype(np.float32)
    largest = float(np.abs(samples).max())
    if largest <= _INAUDIBLE:
        return True
    mean = float(samples.mean())
    centred = samples - mean
    power = float(centred @ centred)
    if largest <= _QUIET and samples.size >= 64 and mean * mean * samples.size < power / 16:
        return True
    if not power:
        return False
    correlation = float(centred[1:] @ centred[:-1]) / power
    chance = 5 / float(np.sqrt(samples.size))  # five standard deviations of what unrelated numbers show
    return correlation > max(_SPEECH_CORRELATION, chance)
