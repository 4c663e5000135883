from pathlib import Path
from typing import Any

import numpy as np
import pytest
from glottis_local_voice.artefact import ArtefactError, read_voice

from .conftest import voice_file


def changed(path: Path, **changes: Any) -> Path:
    """Write a voice again with some of its parts replaced; None takes one out."""
    with np.load(voice_file(path)) as archive:
        parts = {name: archive[name] for name in archive.files} | changes
    with path.open("wb") as file:
        np.savez(file, **{name: part for name, part in parts.items() if part is not None})
    return path


def test_a_voice_reads_back_as_it_was_written(tmp_path: Path) -> None:
    voice = read_voice(voice_file(tmp_path / "voice.npz", base="piper-joe"))

    assert (voice.heading.base, voice.heading.rate_hz) == ("piper-joe", 16_000)
    assert voice.conversion.stretch == 1.2
    assert voice.conversion.weights.shape == (40, 200)
    assert not list(tmp_path.glob("*.new"))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"heading": np.array('{"format": "something"}')}, "something else"),
        ({"heading": np.array('{"format": "glottis-local-voice", "version": 2}')}, "of version 2, not 1"),
        ({"heading": np.array("not JSON")}, "damaged"),
        ({"heading": np.array('{"format": "glottis-local-voice", "version": 1}')}, "damaged: heading"),
        ({"heading": np.array("[]")}, "damaged"),
        ({"pitch": None}, "damaged"),
        ({"pitch": np.zeros(3, dtype=np.float32)}, "damaged: pitch"),
        ({"mean": np.full(200, np.nan, dtype=np.float32)}, "damaged: mean"),
        ({"mean": np.array([{}] * 200)}, "damaged"),
        ({"deviation": np.zeros(200, dtype=np.float32)}, "damaged"),
        ({"extra": np.random.default_rng(0).normal(size=1 << 20)}, "too large"),
    ],
)
def test_a_file_that_is_no_voice_is_refused_with_the_reason(
    tmp_path: Path, changes: dict[str, Any], reason: str
) -> None:
    with pytest.raises(ArtefactError, match=reason):
        read_voice(changed(tmp_path / "voice.npz", **changes))


def test_every_cut_of_a_file_is_refused(tmp_path: Path) -> None:
    file = voice_file(tmp_path / "voice.npz")
    content = file.read_bytes()
    for length in range(0, len(content), 997):
        file.write_bytes(content[:length])
        with pytest.raises(ArtefactError):
            read_voice(file)
