"""A trained voice as a file: numpy's .npz, with what it is, and for which base voice."""

import json
import zipfile
from dataclasses import asdict, dataclass, fields
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from glottis_local_voice.conversion import CONTEXT, Conversion
from glottis_local_voice.features import ORDER
from glottis_local_voice.waveform import Floats

FORMAT = "glottis-local-voice"
VERSION = 1
_MOST_BYTES = 4 << 20
_RATES_HZ = (8_000, 48_000)
_WIDE = ORDER * (2 * CONTEXT + 1)
_SHAPES: dict[str, tuple[int, ...]] = {
    "mean": (_WIDE,),
    "deviation": (_WIDE,),
    "weights": (ORDER, _WIDE),
    "offsets": (ORDER,),
    "centre": (ORDER,),
    "spread": (ORDER,),
    "pitch": (4,),
}


class ArtefactError(ValueError):
    """A file is no voice of ours; the message says why, in a sentence."""


@dataclass(frozen=True, slots=True)
class Heading:
    """What a voice is: it was learnt from the voice `base_voice` of the instance `base`."""

    rate_hz: int
    language: str
    base: str
    base_voice: str


@dataclass(frozen=True, slots=True)
class LocalVoice:
    """A voice that can be spoken with."""

    heading: Heading
    conversion: Conversion


def write_voice(path: Path, voice: LocalVoice) -> None:
    """Write a voice, whole or not at all."""
    arrays = {name: getattr(voice.conversion, name).astype(np.float32) for name in _SHAPES}
    heading = {
        "format": FORMAT,
        "version": VERSION,
        "stretch": voice.conversion.stretch,
        **asdict(voice.heading),
    }
    unfinished = path.with_suffix(".new")
    with unfinished.open("wb") as file:
        np.savez_compressed(file, heading=np.array(json.dumps(heading)), **arrays)
    unfinished.replace(path)


def read_voice(path: Path) -> LocalVoice:
    """Read a voice.

    Raises:
        ArtefactError: it is damaged, of another kind, or of a newer version.
    """
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise ArtefactError("the voice's file is too large to be one")
        with np.load(BytesIO(path.read_bytes()), allow_pickle=False) as archive:
            heading = json.loads(str(archive["heading"]))
            if heading.get("format") != FORMAT:
                raise ArtefactError("the file holds something else than a local voice")
            if heading.get("version") != VERSION:
                raise ArtefactError(
                    f"the voice is of version {heading.get('version')}, not {VERSION}: train it again"
                )
            arrays = {name: _checked(archive[name], name) for name in _SHAPES}
    except (OSError, EOFError, KeyError, ValueError, AttributeError, zipfile.BadZipFile) as error:
        if isinstance(error, ArtefactError):
            raise
        raise ArtefactError("the voice's file is damaged") from error
    return _assembled(heading, arrays)


def _checked(array: Any, name: str) -> Floats:
    if array.shape != _SHAPES[name] or array.dtype != np.float32 or not np.isfinite(array).all():
        raise ArtefactError(f"the voice's file is damaged: {name}")
    return np.asarray(array, dtype=np.float64)


def _assembled(heading: dict[str, Any], arrays: dict[str, Floats]) -> LocalVoice:
    stretch, rate_hz = heading.get("stretch"), heading.get("rate_hz")
    texts = {field.name: heading.get(field.name) for field in fields(Heading) if field.name != "rate_hz"}
    if not (
        isinstance(stretch, float)
        and 0.2 < stretch < 5
        and isinstance(rate_hz, int)
        and _RATES_HZ[0] <= rate_hz <= _RATES_HZ[1]
        and all(isinstance(text, str) for text in texts.values())
        and (arrays["deviation"] > 0).all()
        and (arrays["pitch"][[1, 3]] > 0).all()
    ):
        raise ArtefactError("the voice's file is damaged: heading")
    return LocalVoice(
        Heading(rate_hz=rate_hz, **{name: str(text) for name, text in texts.items()}),
        Conversion(**arrays, stretch=float(stretch)),
    )
