"""Cutting audio into passages of speech that fit the model's window. Blocking."""

from bisect import bisect_right
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

RATE_HZ = 16_000
LONGEST_S = 25.0
"""The longest passage: the window of 30 s, less what must stay silent after the speech."""

Samples = NDArray[np.float32]

_FRAME = RATE_HZ // 50


@dataclass(frozen=True, slots=True)
class Passage:
    """Speech with its long pauses cut out.

    `marks` holds where each piece starts: seconds in the passage, seconds in the whole audio.
    """

    samples: Samples
    marks: tuple[tuple[float, float], ...]

    @property
    def duration_s(self) -> float:
        return len(self.samples) / RATE_HZ

    def original(self, start_s: float, end_s: float) -> tuple[float, float]:
        """Turn the times of a word in the passage into those in the whole audio.

        A word belongs to the piece that holds its middle: the model often lets it start in the pause before.
        """
        index = bisect_right([offset_s for offset_s, _ in self.marks], (start_s + end_s) / 2) - 1
        offset_s, piece_s = self.marks[max(index, 0)]
        return piece_s + max(start_s - offset_s, 0.0), piece_s + end_s - offset_s


def speech_passages(samples: Samples, *, threshold: float) -> list[Passage]:
    """Find the speech in some audio by Silero VAD; pauses of more than two seconds are left out."""
    from faster_whisper.vad import (  # type: ignore[import-untyped]  # ships no types
        VadOptions,
        get_speech_timestamps,
    )

    options = VadOptions(threshold=threshold, max_speech_duration_s=LONGEST_S)
    chunks: list[dict[str, Any]] = get_speech_timestamps(samples, options) if len(samples) else []
    groups: list[list[tuple[int, int]]] = []
    held = 0
    for chunk in chunks:
        start, end = int(chunk["start"]), int(chunk["end"])
        if not groups or held + end - start > LONGEST_S * RATE_HZ:
            groups.append([])
            held = 0
        groups[-1].append((start, end))
        held += end - start
    return [_join(samples, group) for group in groups]


def all_passages(samples: Samples) -> list[Passage]:
    """Cut audio where it is quietest, and keep all of it."""
    passages: list[Passage] = []
    start = 0
    longest = int(LONGEST_S * RATE_HZ)
    while len(samples) - start > longest:
        end = start + _quietest(samples[start : start + longest])
        passages.append(_join(samples, [(start, end)]))
        start = end
    return [*passages, _join(samples, [(start, len(samples))])] if len(samples) > start else passages


def _join(samples: Samples, pieces: list[tuple[int, int]]) -> Passage:
    marks: list[tuple[float, float]] = []
    offset = 0
    for start, end in pieces:
        marks.append((offset / RATE_HZ, start / RATE_HZ))
        offset += end - start
    whole = np.concatenate([samples[start:end] for start, end in pieces])
    return Passage(whole, tuple(marks))


def _quietest(samples: Samples) -> int:
    """Find the middle of the quietest fifth of a second in the last two fifths of some audio."""
    first = len(samples) * 3 // 5 // _FRAME
    frames = samples[: len(samples) // _FRAME * _FRAME].reshape(-1, _FRAME)
    loudness = np.convolve(np.square(frames[first:]).mean(axis=1), np.ones(10), mode="same")
    return (first + int(loudness.argmin())) * _FRAME
