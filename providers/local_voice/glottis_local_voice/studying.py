"""The blocking work of a training: everything that a thread does between two words with the engine."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from glottis.plugins import AudioFrame

from glottis_local_voice.conversion import Conversion, Pair, distortion_db, learn
from glottis_local_voice.embedding import SpeakerEncoder, unit
from glottis_local_voice.features import analyse, synthesise
from glottis_local_voice.lessons import Passage
from glottis_local_voice.waveform import Floats, to_samples, trimmed

FULL_RATE_HZ, NARROW_RATE_HZ = 22_050, 16_000
_NARROW_HZ = 8_200
_NARROW_SHARE = 1e-6
_ODDEST_PACE = 1.6
_HELD_OUT = 0.15
LEAST_PASSAGES = 3
_FFT = 2_048
_LISTENED_S = 30.0


@dataclass(frozen=True, slots=True)
class Curriculum:
    """What is learnt from, what is kept to check on, and how many passages were left out as odd."""

    learnt: list[Passage]
    held_out: list[Passage]
    odd: int


@dataclass(frozen=True, slots=True)
class Power:
    """How much of a sound lies beyond what the lower sample rate holds, and how much there is in all."""

    above: float
    whole: float


def power_of(recording: AudioFrame) -> Power:
    """Look at the first half minute of a recording."""
    begun = AudioFrame(recording.pcm[: 2 * round(_LISTENED_S * recording.rate_hz)], recording.rate_hz)
    samples = to_samples(begun, rate_hz=FULL_RATE_HZ)
    frames = samples[: len(samples) // _FFT * _FFT].reshape(-1, _FFT) * np.hanning(_FFT)
    power = np.sum(np.abs(np.fft.rfft(frames, axis=1)) ** 2, axis=0)
    return Power(float(power[int(_NARROW_HZ / FULL_RATE_HZ * _FFT) :].sum()), float(power.sum()))


def rate_for(powers: Sequence[Power]) -> int:
    """Choose a voice's sample rate: 22.05 kHz where the recordings go beyond 8 kHz."""
    above, whole = sum(each.above for each in powers), sum(each.whole for each in powers)
    return FULL_RATE_HZ if above > _NARROW_SHARE * whole else NARROW_RATE_HZ


def compared(
    base: AudioFrame, recording: AudioFrame, *, rate_hz: int, encoder: SpeakerEncoder | None
) -> Passage:
    """Take both speakers' version of the same words apart."""
    source = trimmed(to_samples(base, rate_hz=rate_hz), rate_hz=rate_hz)
    target = trimmed(to_samples(recording, rate_hz=rate_hz), rate_hz=rate_hz)
    nobody = np.zeros(0)
    return Passage(
        Pair(analyse(source, rate_hz=rate_hz), analyse(target, rate_hz=rate_hz, is_careful=True)),
        nobody if encoder is None else encoder.embed(source, rate_hz=rate_hz),
        nobody if encoder is None else encoder.embed(target, rate_hz=rate_hz),
    )


def curriculum(passages: Sequence[Passage]) -> Curriculum:
    """Leave out what was misheard, as far as its pace shows that, and keep some to check on.

    Words that were not said, or said and not heard, make the speakers differ more in length than elsewhere.
    """
    paces = np.log([len(each.pair.target) / max(1, len(each.pair.source)) for each in passages])
    usual = np.median(paces) if len(paces) else 0.0
    sound = [
        each for each, pace in zip(passages, paces, strict=True) if abs(pace - usual) < np.log(_ODDEST_PACE)
    ]
    count = max(1, round(_HELD_OUT * len(sound)))
    held_out = {int(place) for place in np.linspace(0, len(sound), count + 2)[1:-1]}
    return Curriculum(
        [each for place, each in enumerate(sound) if place not in held_out],
        [each for place, each in enumerate(sound) if place in held_out],
        len(passages) - len(sound),
    )


def rounds(passages: Sequence[Passage]) -> Iterator[Conversion]:
    yield from learn([each.pair for each in passages])


def examined(
    conversion: Conversion, lesson: Curriculum, *, rate_hz: int, encoder: SpeakerEncoder | None
) -> dict[str, Any]:
    """Measure a conversion on what it has not learnt from, against the base voice as it is."""
    pairs = [each.pair for each in lesson.held_out]
    made = [conversion.convert(pair.source) for pair in pairs]
    metrics: dict[str, Any] = {
        "held_out": len(pairs),
        "mel_cepstral_distortion_db": _mean(
            [distortion_db(m, p.target) for m, p in zip(made, pairs, strict=True)]
        ),
        "mel_cepstral_distortion_before_db": _mean([distortion_db(p.source, p.target) for p in pairs]),
    }
    if encoder is not None:
        speaker = unit(np.mean([each.vector for each in lesson.learnt], axis=0))
        spoken = [synthesise(each, rate_hz=rate_hz, stretch=conversion.stretch) for each in made]
        vectors = [encoder.embed(each, rate_hz=rate_hz) for each in spoken]
        metrics |= {
            "similarity": _mean([float(vector @ speaker) for vector in vectors]),
            "similarity_before": _mean([float(each.base_vector @ speaker) for each in lesson.held_out]),
            "similarity_ceiling": _mean([float(each.vector @ speaker) for each in lesson.held_out]),
        }
    return metrics


def _mean(values: Sequence[float] | Floats) -> float:
    return round(float(np.mean(values)), 3)
