"""Text to speech."""

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from glottis.plugins.audio import AudioFrame
from glottis.plugins.capabilities import SynthesizerCapabilities
from glottis.plugins.provider import Provider

DEFAULT_VOICE = "default"


@dataclass(frozen=True, slots=True, kw_only=True)
class SynthesisOptions:
    """How to speak.

    `voice` is one of the provider's own names, or "default"; `language` a BCP 47 tag; `speed` a factor
    (2.0 is twice as fast); `extra` what the caller gave that only this provider may understand.
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


class Synthesizer(Provider, ABC):
    """Turns text into speech."""

    capabilities: SynthesizerCapabilities

    @abstractmethod
    def synthesize(
        self, text: str | AsyncIterator[str], options: SynthesisOptions
    ) -> AsyncGenerator[AudioFrame, None]:
        """Speak. Write it as an async generator; frames may have any length, all of one sample rate.

        Closing the iterator must stop the work and free the backend. A text without anything to speak gives
        no frames; for any other text no frames is a failure.

        Raises:
            ProviderError: and nothing else.
        """

    async def voices(self) -> Sequence[VoiceInfo]:
        """List the voices that `options.voice` may name."""
        return ()
