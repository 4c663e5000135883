"""Whether a recording can teach a voice."""

import numpy as np
from glottis.plugins import AudioFrame, Verdict

from glottis_local_voice.waveform import Floats, levels_db, to_samples, trimmed

RATE_HZ = 16_000
LEAST_SPEECH_S, MOST_S = 1.0, 300.0
_LEAST_CONTRAST_DB = 12.0
_LEAST_VOICED_S = 0.3
_SEARCHED_S = 10.0


def verdict(audio: AudioFrame) -> Verdict:
    """Judge a recording; blocks for a tenth of a second."""
    if audio.duration_s > MOST_S:
        return Verdict(False, f"Longer than {MOST_S / 60:g} minutes: cut it into shorter recordings.")
    speech = trimmed(to_samples(audio, rate_hz=RATE_HZ), rate_hz=RATE_HZ)
    if len(speech) < LEAST_SPEECH_S * RATE_HZ:
        return Verdict(False, "Too short: read a whole sentence aloud.")
    levels = levels_db(speech, rate_hz=RATE_HZ)
    loud, quiet = np.percentile(levels, [95, 5])
    if loud - quiet < _LEAST_CONTRAST_DB:
        return Verdict(False, "Too noisy: the voice hardly stands out from what is around it.")
    if _voiced_s(speech[: int(_SEARCHED_S * RATE_HZ)]) < _LEAST_VOICED_S:
        return Verdict(False, "There is no pitch in it: speak aloud, do not whisper.")
    return Verdict(True)


def _voiced_s(speech: Floats) -> float:
    import pyworld

    pitch, times = pyworld.dio(speech, RATE_HZ)
    return float(np.count_nonzero(pitch) * (times[1] - times[0])) if len(times) > 1 else 0.0
