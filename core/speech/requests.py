"""What is asked of a voice, and what comes of it."""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

from glottis.core.audio import CONTENT_TYPES
from glottis.core.errors import Unprocessable
from glottis.core.routing import Guard
from glottis.plugins import DEFAULT_VOICE, SynthesisOptions

DEFAULT_FORMAT = "mp3"


@dataclass(frozen=True, slots=True, kw_only=True)
class SpeechRequest:
    """What to say and how. `scope` names who may fetch the audio: a project, a user or anyone."""

    text: str
    scope: str
    project: str = ""
    language: str = "ru-RU"
    voice: str = DEFAULT_VOICE
    provider: str | None = None
    emotion: str = "neutral"
    speed: float = 1.0
    format: str = DEFAULT_FORMAT
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def options(self) -> SynthesisOptions:
        return SynthesisOptions(
            voice=self.voice,
            language=self.language,
            emotion=self.emotion,
            speed=self.speed,
            extra=self.extra,
        )

    @property
    def content_type(self) -> str:
        """The content type of the format asked for.

        Raises:
            Unprocessable: there is no such format.
        """
        if self.format not in CONTENT_TYPES:
            raise Unprocessable(f"options.format: {self.format} is none of {', '.join(CONTENT_TYPES)}")
        return CONTENT_TYPES[self.format]


@dataclass(frozen=True, slots=True)
class SpokenAudio:
    """Audio that can be fetched by its id. `cached`: nothing was synthesized for this request."""

    id: str
    duration_s: float
    provider: str
    content_type: str
    cached: bool


@dataclass(frozen=True, slots=True)
class LiveSpeech:
    """Audio that can be fetched by its id already, while it may still be growing."""

    id: str
    provider: str
    content_type: str
    cached: bool
    finished: Callable[[], Awaitable[SpokenAudio]]
    """Wait until all of it is there.

    Should the provider break off in mid-way, the next says all of it again: under another id then, while
    whoever listens to this one hears it end in an error.

    Raises:
        Unprocessable, Unavailable, TooLarge: as `Speaker.say`.
    """
    leave: Callable[[], None] = lambda: None
    """Say, at most once, that nobody will hear it: if nobody else asked for it, the provider is stopped."""


@dataclass(frozen=True, slots=True)
class SpokenSentence:
    """Announces the frames of one sentence.

    `moved_from` names the instance that spoke before in this reply, if another one speaks now.
    `is_repeated`: a provider broke off in mid-sentence, after some of these words were given away; the
    sentence begins again.
    """

    text: str
    provider: str
    cached: bool
    moved_from: str | None = None
    is_repeated: bool = False


def audio_id(guard: Guard[Any], request: SpeechRequest) -> str:
    """Name audio by everything that changes its sound, and by who may hear it."""
    key = (
        guard.fingerprint,
        request.scope,
        request.text.strip(),
        request.language,
        request.voice,
        request.emotion,
        request.speed,
        request.format,
        request.extra,
    )
    return sha256(json.dumps(key, sort_keys=True, default=str).encode()).hexdigest()[:32]
