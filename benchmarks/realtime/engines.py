"""Whisper and Piper, as the shipped plugins.toml has them: how long somebody waits who has said something."""

import statistics
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from benchmarks.machine import ForeignLoad
from benchmarks.noop.plugin import ROOT
from benchmarks.realtime.figures import Row, plain
from benchmarks.realtime.measuring import Bench, percentiles
from benchmarks.realtime.overhead import STREAM
from benchmarks.speech.round_trip import read_sentences

CONFIG = ROOT / "plugins.toml"
_FIRST_AUDIO_MS = 800.0


def sentences(count: int) -> list[str]:
    """Give so many English sentences, some of them twice if there are not enough."""
    texts = [sentence.text for sentence in read_sentences() if sentence.language == "en"]
    return [texts[number % len(texts)] for number in range(count)]


async def answered(bench: Bench, speeches: Sequence[Path], *, tell: Callable[[str], None]) -> list[Row]:
    """Say sentences in real time; measure from the last sound to the text, and to the first audio."""
    rows: list[Row] = []
    warm = await bench.paths(1)
    await bench.run("utterances", paths=warm, start=STREAM, speeches=[str(speeches[0])])
    for speculation in (True, False):
        how = "with speculation" if speculation else "without speculation"
        tell(f"{len(speeches)} utterances to real engines, {how}")
        start = {**STREAM, "endpointing": {"speculation": speculation}}
        load = ForeignLoad()
        paths = await bench.paths(len(speeches))
        sample = await bench.run("utterances", paths=paths, start=start, speeches=list(map(str, speeches)))
        found: list[dict[str, Any]] = sample.told["utterances"]
        told = {"utterances": found, "foreign_cores": round(load.cores(), 2)}
        rows += _rows(how, found, told)
    return rows


def _rows(how: str, found: Sequence[dict[str, Any]], told: dict[str, Any]) -> list[Row]:
    final = percentiles([each["final_ms"] / 1_000 for each in found if each["final_ms"]])
    audio = percentiles([each["first_audio_ms"] / 1_000 for each in found if each["first_audio_ms"]])
    missing = sum(not each["first_audio_ms"] for each in found)
    used = statistics.mean(each["speculated"] for each in found)
    final_text = f"median {final['p50']:.0f} ms, p95 {final['p95']:.0f} ms"
    audio_text = f"median {audio['p50']:.0f} ms, p95 {audio['p95']:.0f} ms"
    audio_text += f" ({missing} without, {100 * used:.0f} % speculated)"
    return [
        plain(f"end of speech -> final text, {how}", final_text, samples=[told]),
        Row(
            f"end of speech -> first audio, {how}",
            f"median <= {_FIRST_AUDIO_MS:.0f} ms",
            audio_text,
            audio["p50"] <= _FIRST_AUDIO_MS,
        ),
    ]
