"""From the configuration to the files of voices."""

import logging
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from glottis.plugins import ErrorCategory, ProviderError

from glottis_piper.configuration import PiperConfig, is_path
from glottis_piper.packages import PACKAGED


@dataclass(frozen=True, slots=True)
class VoiceSource:
    """An .onnx file that exists; `sha256` is what it must have, where that is known."""

    name: str
    model: Path
    sha256: str | None = None


def find_sources(config: PiperConfig, log: logging.Logger) -> tuple[VoiceSource, ...]:
    """Find the files of all voices, the default one first. Reads the file system.

    Raises:
        ProviderError: UNAVAILABLE, and what to do about it.
    """
    listed = {name: VoiceSource(name, _model(name, path, log)) for name, path in config.voices.items()}
    if config.voice in listed:
        first = listed[config.voice]
    elif is_path(config.voice):
        path = Path(config.voice)
        model = _model(path.stem, path, log)
        first = VoiceSource(model.stem, model)
    else:
        first = _from_package(config.voice)
    listed.pop(first.name, None)
    return (first, *listed.values())


def _model(name: str, path: Path, log: logging.Logger) -> Path:
    """Find the .onnx file of a voice, given itself or its folder, and see that its .json lies beside it."""
    found = path.expanduser()
    models = sorted(found.glob("*.onnx")) if found.is_dir() else [found]
    problem = ""
    if not models:
        problem = "its folder holds no .onnx file"
    elif len(models) > 1:
        problem = f"its folder holds several, name one: {', '.join(model.name for model in models)}"
    else:
        needed = (models[0], models[0].with_name(f"{models[0].name}.json"))
        missing = [file.name for file in needed if not file.is_file()]
        if missing:
            problem = f"there is no file {' and no '.join(missing)}"
    if problem:
        log.error("a Piper voice is not there", extra={"voice": name, "path": str(found)})
        raise _unavailable(f'the Piper voice "{name}" cannot be had: {problem}')
    return models[0]


def _from_package(name: str) -> VoiceSource:
    package = PACKAGED[name]
    spec = find_spec(package.module)
    folders = spec.submodule_search_locations if spec else None
    models = [Path(folder) / package.file for folder in folders or ()]
    if not models or not models[0].is_file():
        raise _unavailable(
            f'the Piper voice "{name}" is not installed: pip install "glottis-piper[{package.extra}]"'
        )
    return VoiceSource(name, models[0], package.sha256)


def _unavailable(message: str) -> ProviderError:
    return ProviderError(ErrorCategory.UNAVAILABLE, message)
