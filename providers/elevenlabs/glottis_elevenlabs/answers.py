"""The JSON that ElevenLabs answers with, as far as it is used here."""

from typing import Any, Literal, TypeVar

from glottis.plugins import ErrorCategory
from pydantic import BaseModel, Field, ValidationError

from glottis_elevenlabs.failures import failure


class Answer(BaseModel):
    """Keys that are not named here are none of our business."""


class Account(Answer):
    """`GET /v1/user/subscription`."""

    character_count: int = 0
    character_limit: int | None = None
    max_credit_limit_extension: int | Literal["unlimited"] | None = None

    @property
    def is_exhausted(self) -> bool:
        """Whether not a character more can be spoken."""
        if self.character_limit is None or self.max_credit_limit_extension == "unlimited":
            return False
        return self.character_count >= self.character_limit + (self.max_credit_limit_extension or 0)


class VerifiedLanguage(Answer):
    language: str
    locale: str | None = None


class Verification(Answer):
    """Whether the account's owner has to prove whose voice it is, before it speaks."""

    requires_verification: bool = False
    is_verified: bool = False


class Voice(Answer):
    voice_id: str
    name: str | None = None
    labels: dict[str, str] | None = None
    verified_languages: list[VerifiedLanguage] | None = None
    voice_verification: Verification | None = None


class VoicePage(Answer):
    """`GET /v2/voices`."""

    voices: list[Voice]
    has_more: bool = False
    next_page_token: str | None = None


class Created(Answer):
    """`POST /v1/voices/add`."""

    voice_id: str = Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")
    requires_verification: bool = False


class HeardWord(Answer):
    """`logprob` is the natural logarithm of a probability; `type` is word, spacing or audio_event."""

    text: str
    type: str = "word"
    start: float | None = None
    end: float | None = None
    logprob: float | None = None


class Heard(Answer):
    """`POST /v1/speech-to-text`."""

    text: str
    language_code: str = ""
    language_probability: float | None = Field(None, ge=0.0, le=1.0)
    words: list[HeardWord] = Field(default_factory=list)


A = TypeVar("A", bound=Answer)


def decode(kind: type[A], content: Any) -> A:
    """Read an answer.

    Raises:
        ProviderError: INTERNAL, if it has another shape.
    """
    try:
        return kind.model_validate(content)
    except ValidationError:
        pass
    raise failure(ErrorCategory.INTERNAL)
