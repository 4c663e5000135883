"""How something is to be spoken, and the voices there are to speak with."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

DEFAULT_VOICE = "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class SynthesisOptions:
    """How to speak.

    `voice` is one of the provider's own names, a trained voice that it was given, or "default"; `language` a
    BCP 47 tag; `speed` a factor (2.0 is twice as fast); `extra` what the caller gave that only this provider
    may understand.
    """

    voice: str = DEFAULT_VOICE
    language: str = "ru-RU"
    emotion: str = "neutral"
    speed: float = 1.0
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class VoiceInfo:
    """A voice that `SynthesisOptions.voice` may name."""

    id: str
    name: str
    languages: tuple[str, ...]
    gender: str | None = None
