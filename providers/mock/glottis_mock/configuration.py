"""What plugins.toml may say about a mock provider."""

from typing import Literal

from glottis.plugins import ErrorCategory
from pydantic import BaseModel, ConfigDict, Field

Pitch = Literal["low", "middle", "high"]


class MockConfig(BaseModel):
    """One model for the three of them; each reads what concerns it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rate_hz: Literal[16_000, 22_050, 24_000, 44_100, 48_000] = Field(
        16_000, description="Sample rate of the synthesizer's audio."
    )
    words_per_minute: int = Field(
        150, ge=40, le=400, description="How fast the synthesizer speaks at speed 1, six characters a word."
    )
    voices: dict[str, Pitch] = Field(
        {"default": "middle", "high": "high", "low": "low"},
        min_length=1,
        description="The synthesizer's voices by pitch; the first is the default if none is named so.",
    )
    delay_s: float = Field(
        0.0, ge=0, le=60, description="Wait before the first result of every call, as a slow backend would."
    )
    fail_with: ErrorCategory | None = Field(
        None, description="Fail every call and health check with this category, to try out a failover."
    )
    mute: bool = Field(False, description="Give no audio for any text, to try out how that is detected.")
