"""What a training has prepared, kept in the job's folder: it goes on from there after being killed.

plan.json       which base voice, which sample rate
lesson-NNN.npz  what sample NNN teaches: passages of both speakers, taken apart
"""

import json
import zipfile
from dataclasses import asdict, dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from glottis.plugins import TrainingSample

from glottis_local_voice.conversion import Pair
from glottis_local_voice.features import FRAME_MS, Features
from glottis_local_voice.waveform import Floats


@dataclass(frozen=True, slots=True)
class Plan:
    """What the first words of the base voice settle for the whole training."""

    base: str
    base_voice: str
    rate_hz: int


@dataclass(frozen=True, slots=True)
class Passage:
    """The same words twice; the vectors say who speaks, and are empty where nothing could tell."""

    pair: Pair
    base_vector: Floats
    vector: Floats


@dataclass(slots=True)
class Lesson:
    """What a sample teaches; `is_whole` unless some of it was left out, as there was enough."""

    passages: list[Passage]
    is_whole: bool = True

    @property
    def speech_s(self) -> float:
        return sum(len(each.pair.target) for each in self.passages) * FRAME_MS / 1_000


class Lessons:
    """The folder of a job."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def plan(self) -> Plan | None:
        try:
            return Plan(**json.loads((self._folder / "plan.json").read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    def settle(self, plan: Plan) -> None:
        self._write("plan.json", json.dumps(asdict(plan)).encode())

    def of(self, number: int, sample: TrainingSample) -> Lesson | None:
        """Give what was prepared of a sample; None where that is still to be done, or cannot be read."""
        try:
            content = BytesIO((self._folder / _name(number)).read_bytes())
            with np.load(content, allow_pickle=False) as archive:
                if str(archive["sample"]) != _fingerprint(sample):
                    return None
                passages = [_unpacked(archive, index) for index in range(int(archive["passages"]))]
                return Lesson(passages, is_whole=bool(archive["is_whole"]))
        except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile):
            return None

    def keep(self, number: int, sample: TrainingSample, lesson: Lesson) -> None:
        """Keep what a sample teaches, in half the bytes: errors of the spectrum are below 0.05 dB."""
        arrays: dict[str, Any] = {
            "sample": np.array(_fingerprint(sample)),
            "passages": np.array(len(lesson.passages)),
            "is_whole": np.array(lesson.is_whole),
        }
        for index, passage in enumerate(lesson.passages):
            for who, features in (("source", passage.pair.source), ("target", passage.pair.target)):
                arrays[f"{index}.{who}.f0_hz"] = features.f0_hz.astype(np.float32)
                arrays[f"{index}.{who}.cepstra"] = features.cepstra.astype(np.float16)
                arrays[f"{index}.{who}.aperiodicity"] = features.aperiodicity.astype(np.float16)
            arrays[f"{index}.base_vector"] = passage.base_vector
            arrays[f"{index}.vector"] = passage.vector
        unfinished = self._folder / "unfinished.npz"
        np.savez_compressed(unfinished, **arrays)
        unfinished.replace(self._folder / _name(number))

    def _write(self, name: str, content: bytes) -> None:
        unfinished = self._folder / f"{name}.new"
        unfinished.write_bytes(content)
        unfinished.replace(self._folder / name)


def _name(number: int) -> str:
    return f"lesson-{number:03}.npz"


def _fingerprint(sample: TrainingSample) -> str:
    """Tell one sample from another that has taken its place."""
    return f"{sample.id} {sample.duration_s:.3f}"


def _unpacked(archive: Any, index: int) -> Passage:
    def features(who: str) -> Features:
        parts = (archive[f"{index}.{who}.{part}"] for part in ("f0_hz", "cepstra", "aperiodicity"))
        return Features(*(np.asarray(part, dtype=np.float64) for part in parts))

    pair = Pair(features("source"), features("target"))
    return Passage(pair, archive[f"{index}.base_vector"], archive[f"{index}.vector"])
