"""Turn trips into figures, print them and write them down."""

import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

import jiwer
from rich.console import Console
from rich.table import Table

from benchmarks.machine import QUIET_CORES, describe
from benchmarks.speech.latency import FirstAudio, Latency, Waits, waits
from benchmarks.speech.loudness import loudness_lufs, peak_to_average_db
from benchmarks.speech.round_trip import Trip
from benchmarks.speech.spelling import bare, errors

_TARGET_WER = {"en": 0.12, "ru": 0.30}
_TARGET_SPREAD_DB = 3.0
_LIBRARIES = ("faster-whisper", "ctranslate2", "piper-tts", "jiwer", "num2words")


@dataclass(frozen=True, slots=True)
class Accuracy:
    """Word error rates of a language: `raw` overlooks case and marks, `normalised` also how numbers look."""

    language: str
    spoken_by: str
    heard_by: str
    sentences: int
    exact: int
    raw: float
    normalised: float
    spoken: Waits
    heard: Waits


@dataclass(frozen=True, slots=True)
class Spread:
    """The most less the least of some clips, in dB: of loudness, and of peaks over the average."""

    what: str
    clips: int
    loudness_before: float
    loudness: float
    peak_before: float
    peak: float


@dataclass(frozen=True, slots=True)
class SpeechFigures:
    accuracy: list[Accuracy]
    spreads: list[Spread]
    latency: Latency
    first_audio: list[FirstAudio]
    trips: list[Trip]


@dataclass(frozen=True, slots=True)
class Verdict:
    what: str
    target: str
    measured: str
    is_met: bool


def accuracy_of(trips: Sequence[Trip]) -> Accuracy:
    """Count the errors of one language over all its words."""
    first = trips[0]
    language = first.sentence.language
    compared = [errors(trip.sentence.text, trip.heard, language=language) for trip in trips]
    wrong = sum(each.substitutions + each.deletions + each.insertions for each in compared)
    words = sum(each.substitutions + each.deletions + each.hits for each in compared)
    raw = jiwer.wer([bare(trip.sentence.text) for trip in trips], [bare(trip.heard) for trip in trips])
    return Accuracy(
        language=language,
        spoken_by=first.spoken_by,
        heard_by=first.heard_by,
        sentences=len(trips),
        exact=sum(each.wer == 0 for each in compared),
        raw=raw,
        normalised=wrong / words,
        spoken=waits([trip.spoken_s for trip in trips]),
        heard=waits([trip.heard_s for trip in trips]),
    )


def spread_of(trips: Sequence[Trip]) -> Spread:
    voices = sorted({trip.spoken_by for trip in trips})

    def spread(values: Sequence[float]) -> float:
        return max(values) - min(values)

    return Spread(
        what=" and ".join(voices),
        clips=len(trips),
        loudness_before=spread([loudness_lufs(trip.raw) for trip in trips]),
        loudness=spread([loudness_lufs(trip.clip) for trip in trips]),
        peak_before=spread([peak_to_average_db(trip.raw) for trip in trips]),
        peak=spread([peak_to_average_db(trip.clip) for trip in trips]),
    )


def verdicts(figures: SpeechFigures) -> list[Verdict]:
    """Compare with the targets."""
    found = [
        Verdict(
            f"word error rate, {each.language}, normalised",
            f"<= {_TARGET_WER[each.language]:.0%}",
            f"{each.normalised:.1%}",
            each.normalised <= _TARGET_WER[each.language],
        )
        for each in figures.accuracy
        if each.language in _TARGET_WER
    ]
    spread = figures.spreads[0]
    target = f"<= {_TARGET_SPREAD_DB:g} dB"
    for what, value in (("loudness spread", spread.loudness), ("peak-to-average spread", spread.peak)):
        found.append(Verdict(what, target, f"{value:.1f} dB", value <= _TARGET_SPREAD_DB))
    return found


def print_figures(figures: SpeechFigures, *, console: Console) -> None:
    for trip in figures.trips:
        if errors(trip.sentence.text, trip.heard, language=trip.sentence.language).wer:
            console.print(f"  said   {trip.sentence.text}\n  heard  {trip.heard}\n", markup=False)
    table = _table("word error rate", "by", "raw", "normalised", "exact", "spoken in", "heard in")
    for each in figures.accuracy:
        table.add_row(
            each.language,
            f"{each.spoken_by}, {each.heard_by}",
            f"{each.raw:.1%}",
            f"{each.normalised:.1%}",
            f"{each.exact}/{each.sentences}",
            _milliseconds(each.spoken),
            _milliseconds(each.heard),
        )
    console.print(table, "")
    table = _table("first audio", "characters", "first", "all of it", "audio")
    for voice in figures.first_audio:
        row = (str(len(voice.text)), _milliseconds(voice.first), _milliseconds(voice.whole))
        table.add_row(voice.provider, *row, f"{voice.audio_s:.1f} s")
    console.print(table, "")
    table = _table("spread of", "clips", "loudness before", "after", "peak to average before", "after")
    for spread in figures.spreads:
        values = (spread.loudness_before, spread.loudness, spread.peak_before, spread.peak)
        table.add_row(spread.what, str(spread.clips), *(f"{value:.1f} dB" for value in values))
    console.print(table, "")
    latency = figures.latency
    console.print(
        f"{latency.audio_s:g} s of audio: the engine {_milliseconds(latency.engine)}, "
        f"faster-whisper called directly {_milliseconds(latency.direct)}: {latency.ratio:.2f} of it\n"
    )
    table = _table("target", "", "measured", "")
    for verdict in verdicts(figures):
        result = "met" if verdict.is_met else "MISSED"
        table.add_row(verdict.what, verdict.target, verdict.measured, result)
    console.print(table)
    quiet = sum(trip.foreign_cores < QUIET_CORES for trip in figures.trips)
    console.print(f"\n{quiet} of {len(figures.trips)} sentences were measured in quiet moments")


def write_json(path: Path, figures: SpeechFigures) -> None:
    told = {
        "measured_at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "machine": describe(),
        "versions": {name: version(name) for name in _LIBRARIES},
        "accuracy": [asdict(each) for each in figures.accuracy],
        "spreads": [asdict(each) for each in figures.spreads],
        "latency": asdict(figures.latency),
        "first_audio": [asdict(each) for each in figures.first_audio],
        "targets": [asdict(each) for each in verdicts(figures)],
        "trips": [
            {
                "said": trip.sentence.text,
                "heard": trip.heard,
                "spoken_s": trip.spoken_s,
                "heard_s": trip.heard_s,
                "audio_s": trip.clip.duration_s,
                "foreign_cores": trip.foreign_cores,
            }
            for trip in figures.trips
        ],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _table(*headings: str) -> Table:
    table = Table(box=None, pad_edge=False)
    for heading in headings:
        table.add_column(heading)
    return table


def _milliseconds(times: Waits) -> str:
    return f"{1e3 * times.least_s:,.0f} / {1e3 * times.median_s:,.0f} / {1e3 * times.most_s:,.0f} ms"
