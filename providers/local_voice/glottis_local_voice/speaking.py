"""What a thread does for a sentence: the base voice's words in the trained voice."""

from collections.abc import Sequence

import numpy as np
from glottis.plugins import AudioFrame

from glottis_local_voice.artefact import LocalVoice
from glottis_local_voice.features import analyse, synthesise
from glottis_local_voice.waveform import Floats, speech_bounds, to_frame, to_samples

_FADE_S = 0.005
_LOUDEST = 0.95
_SHORTEST_S = 0.05


def converted(frames: Sequence[AudioFrame], voice: LocalVoice, *, speed: float) -> AudioFrame:
    """Turn a sentence of the base voice into the trained one; silence at its ends stays silence."""
    rate_hz = voice.heading.rate_hz
    samples = np.concatenate([to_samples(frame, rate_hz=rate_hz) for frame in _joined(frames)])
    first, last = speech_bounds(samples, rate_hz=rate_hz)
    if last - first < _SHORTEST_S * rate_hz:
        first, last = 0, len(samples)
    features = analyse(samples[first:last], rate_hz=rate_hz)
    stretch = voice.conversion.stretch / speed
    spoken = _faded(synthesise(voice.conversion.convert(features), rate_hz=rate_hz, stretch=stretch), rate_hz)
    peak = float(np.max(np.abs(spoken), initial=0.0))
    quiet = [np.zeros(round(length * stretch)) for length in (first, len(samples) - last)]
    whole = np.concatenate([quiet[0], spoken * min(1.0, _LOUDEST / max(peak, 1e-9)), quiet[1]])
    return to_frame(whole, rate_hz=rate_hz)


def _joined(frames: Sequence[AudioFrame]) -> list[AudioFrame]:
    """Put frames together where their rates allow it, so that resampling leaves no seams."""
    rates = {frame.rate_hz for frame in frames}
    if len(rates) > 1:
        return list(frames)
    return [AudioFrame(b"".join(frame.pcm for frame in frames), rates.pop())]


def _faded(samples: Floats, rate_hz: int) -> Floats:
    """Let speech begin and end without a click."""
    length = min(int(_FADE_S * rate_hz), len(samples) // 2)
    ramp = np.linspace(0, 1, length, endpoint=False)
    samples = samples.copy()
    samples[:length] *= ramp
    samples[len(samples) - length :] *= ramp[::-1]
    return samples
