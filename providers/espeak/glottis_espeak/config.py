"""What a deployment may set of eSpeak NG in plugins.toml."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class EspeakConfig(BaseModel):
    """The options of an instance."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    gender: Literal["male", "female"] = Field(
        "male", description='The voice that "default" stands for, in every language.'
    )
    words_per_minute: int = Field(
        165, ge=80, le=450, description="The pace at speed 1; a caller's speed multiplies it."
    )
    pitch: int = Field(50, ge=0, le=99, description="The height of the voice at rest.")
    volume: int = Field(100, ge=10, le=200, description="The loudness; above 100 loud sounds may be clipped.")
