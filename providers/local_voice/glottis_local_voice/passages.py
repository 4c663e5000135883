"""Cutting a recording into passages short enough to be heard, spoken and aligned."""

import numpy as np

from glottis_local_voice.waveform import Floats, levels_db, speech_bounds

SHORTEST_S, LONGEST_S = 0.8, 10.0
_EARLIEST_S, _LATEST_S = 3.0, 8.0
_STEP_S = 0.02
_PAUSE_STEPS = 9


def passages(samples: Floats, *, rate_hz: int) -> list[Floats]:
    """Cut at the quietest places until nothing is longer than LONGEST_S; take the silence off each end."""
    found = []
    rest = samples
    while len(rest) > LONGEST_S * rate_hz:
        cut = _quietest(rest, rate_hz)
        found.append(rest[:cut])
        rest = rest[cut:]
    found.append(rest)
    bounds = [speech_bounds(each, rate_hz=rate_hz) for each in found]
    cut_out = [each[first:last] for each, (first, last) in zip(found, bounds, strict=True)]
    return [each for each in cut_out if len(each) >= SHORTEST_S * rate_hz]


def _quietest(samples: Floats, rate_hz: int) -> int:
    """Find the middle of the quietest 180 ms of those that may end a passage, as a sample."""
    first, last = int(_EARLIEST_S * rate_hz), int(_LATEST_S * rate_hz)
    levels = levels_db(samples[first:last], rate_hz=rate_hz)
    around = np.convolve(levels, np.ones(_PAUSE_STEPS) / _PAUSE_STEPS, mode="valid")
    return first + int((int(np.argmin(around)) + _PAUSE_STEPS // 2) * int(_STEP_S * rate_hz))
