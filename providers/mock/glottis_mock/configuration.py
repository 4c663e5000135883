"""What plugins.toml may say about a mock provider."""

from typing import Literal

from glottis.plugins import ErrorCategory
from pydantic import BaseModel, ConfigDict, Field

Pitch = Literal["low", "middle", "high"]


class MockConfig(BaseModel):
    """One model for all of them; each reads what concerns it."""

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
    training_steps: int = Field(10, ge=1, le=10_000, description="Steps of a training, each a checkpoint.")
    training_step_s: float = Field(0.01, ge=0, le=60, description="Seconds that a step takes.")
    training_fails_at: float | None = Field(
        None,
        ge=0,
        le=100,
        description="Fail every training at this percentage, to try out what becomes of it.",
    )
    training_hangs_at: float | None = Field(
        None, ge=0, le=100, description="Do nothing more from this percentage on, as a stuck backend would."
    )
    mute: bool = Field(False, description="Give no audio for any text, to try out how that is detected.")
