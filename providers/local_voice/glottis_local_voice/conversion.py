"""Turning the frames of one speaker into those of another."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from glottis_local_voice.alignment import Indices, align
from glottis_local_voice.features import ORDER, Features
from glottis_local_voice.waveform import Floats

CONTEXT = 2
"""Frames on each side that a frame's conversion looks at: five in all."""

ROUNDS = 3
"""How often recordings are aligned anew; a fourth round changes nothing that can be heard."""

_ALIGNED_ON = slice(0, 25)
_SHRINKAGE = 100.0
"""Of the ridge, on standardised frames. Similarity and distortion are the same from 1 to 100."""

_LEAST_VOICED = 20
_WIDENED = 0.5
"""How much of the lost spread is given back: all of it costs distortion, none of it similarity."""


@dataclass(frozen=True, slots=True)
class Pair:
    """The same words by both speakers, with no silence at the ends."""

    source: Features
    target: Features


@dataclass(frozen=True, slots=True)
class Conversion:
    """What was learnt: a linear map of the spectrum, and where the pitch and the pace of the target lie.

    `weights`, of shape (ORDER, 5 * ORDER), and `offsets`, (ORDER,), take the mel-cepstra of a frame and its
    neighbours, less `mean` and over `deviation`, to the target's. What comes out lies around `centre`, and
    nearer to it than the target's own: it is widened by `spread`. `pitch` is mean and deviation of log F0, of
    the source and then of the target; `stretch` how many times as long the target takes.
    """

    mean: Floats
    deviation: Floats
    weights: Floats
    offsets: Floats
    centre: Floats
    spread: Floats
    pitch: Floats
    stretch: float

    def convert(self, features: Features) -> Features:
        """Say the same in the other voice, at the pace of the source."""
        cepstra = self.centre + (self.spectrum(features.cepstra) - self.centre) * self.spread
        return features.with_(f0_hz=self.melody(features.f0_hz), cepstra=cepstra)

    def spectrum(self, cepstra: Floats) -> Floats:
        return (stacked(cepstra) - self.mean) / self.deviation @ self.weights.T + self.offsets

    def melody(self, f0_hz: Floats) -> Floats:
        source_mean, source_deviation, mean, deviation = self.pitch
        voiced = f0_hz > 0
        converted = np.zeros_like(f0_hz)
        heights = (np.log(f0_hz[voiced]) - source_mean) / source_deviation
        converted[voiced] = np.exp(mean + heights * deviation)
        return converted


def stacked(cepstra: Floats) -> Floats:
    """Put beside each frame those around it; the ends stand for what would be beyond them."""
    padded = np.pad(cepstra, ((CONTEXT, CONTEXT), (0, 0)), mode="edge")
    return np.concatenate([padded[i : i + len(cepstra)] for i in range(2 * CONTEXT + 1)], axis=1)


def learn(pairs: Sequence[Pair]) -> Iterator[Conversion]:
    """Give ever better conversions, ROUNDS of them: what is converted aligns better with the target.

    Raises:
        ValueError: one of the speakers hardly has a voice in the recordings.
    """
    pitch = np.concatenate([_pitch([pair.source for pair in pairs]), _pitch([pair.target for pair in pairs])])
    stretch = sum(len(pair.target) for pair in pairs) / sum(len(pair.source) for pair in pairs)
    found: Conversion | None = None
    for _ in range(ROUNDS):
        paths = [aligned(pair, found) for pair in pairs]
        found = _fit(pairs, paths, pitch=pitch, stretch=stretch)
        yield found


def aligned(pair: Pair, so_far: Conversion | None) -> tuple[Indices, Indices]:
    """Pair the frames of two recordings, by the source as far as it can be converted."""
    target = pair.target.cepstra[:, _ALIGNED_ON]
    if so_far is None:
        source = pair.source.cepstra[:, _ALIGNED_ON]
        rows, columns, _ = align(_alike(source), _alike(target))
    else:
        rows, columns, _ = align(so_far.spectrum(pair.source.cepstra)[:, _ALIGNED_ON], target)
    return rows, columns


def distortion_db(made: Features, wanted: Features) -> float:
    """Return the mel-cepstral distortion after alignment, the level left out, over 24 coefficients.

    As usual, it is the root mean square difference in dB of two spectra on the mel scale. WORLD's
    coefficients are sqrt(2) times as large as those in the usual formula.
    """
    rows, columns, _ = align(made.cepstra[:, 1:25], wanted.cepstra[:, 1:25])
    apart = made.cepstra[rows, 1:25] - wanted.cepstra[columns, 1:25]
    return float(10 / np.log(10) * np.mean(np.sqrt(np.sum(apart**2, axis=1))))


def _alike(cepstra: Floats) -> Floats:
    """Take out what differs between speakers: mean and spread; let the broad shape count for more."""
    even = (cepstra - cepstra.mean(axis=0)) / (cepstra.std(axis=0) + 1e-9)
    return np.asarray(even / np.sqrt(1 + np.arange(cepstra.shape[1])), dtype=np.float64)


def _fit(
    pairs: Sequence[Pair], paths: Sequence[tuple[Indices, Indices]], *, pitch: Floats, stretch: float
) -> Conversion:
    from sklearn.linear_model import Ridge  # type: ignore[import-untyped]  # ships no types

    inputs = _surroundings(pairs, paths)
    outputs = np.concatenate(
        [pair.target.cepstra[columns] for pair, (_, columns) in zip(pairs, paths, strict=True)]
    )
    mean = inputs.mean(axis=0)
    inputs -= mean
    deviation = np.sqrt(np.einsum("ij,ij->j", inputs, inputs) / len(inputs)) + 1e-9
    inputs /= deviation
    ridge = Ridge(alpha=_SHRINKAGE, copy_X=False).fit(inputs, outputs)
    weights = np.asarray(ridge.coef_, dtype=np.float64)
    offsets = np.asarray(ridge.intercept_, dtype=np.float64)
    made = np.concatenate(
        [(stacked(pair.source.cepstra) - mean) / deviation @ weights.T + offsets for pair in pairs]
    )
    wanted = np.concatenate([pair.target.cepstra for pair in pairs])
    spread = (wanted.std(axis=0) / (made.std(axis=0) + 1e-9)) ** _WIDENED
    return Conversion(mean, deviation, weights, offsets, made.mean(axis=0), spread, pitch, stretch)


def _surroundings(pairs: Sequence[Pair], paths: Sequence[tuple[Indices, Indices]]) -> Floats:
    """Return the aligned frames of the source with those around them: by far the largest array, made once."""
    inputs = np.empty((sum(len(rows) for rows, _ in paths), ORDER * (2 * CONTEXT + 1)))
    first = 0
    for pair, (rows, _) in zip(pairs, paths, strict=True):
        inputs[first : first + len(rows)] = stacked(pair.source.cepstra)[rows]
        first += len(rows)
    return inputs


def _pitch(recordings: Sequence[Features]) -> Floats:
    """Return mean and deviation of log F0."""
    f0_hz = np.concatenate([features.f0_hz for features in recordings])
    voiced = np.log(f0_hz[f0_hz > 0])
    if len(voiced) < _LEAST_VOICED:
        raise ValueError("there is hardly a voiced sound in the recordings")
    return np.array([voiced.mean(), max(voiced.std(), 1e-3)])
