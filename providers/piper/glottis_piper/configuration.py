"""What plugins.toml may say about an instance of Piper."""

from pathlib import Path
from typing import Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from glottis_piper.packages import PACKAGED


def is_path(voice: str) -> bool:
    """Tell a file or a folder from a voice's name."""
    return "/" in voice or "\\" in voice or voice.startswith("~") or voice.endswith(".onnx")


class PiperConfig(BaseModel):
    """Options of `use = "piper"`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    voice: str = Field(
        default="joe",
        description="The voice that speaks unless a caller names another: a name in `voices`, "
        "the name of a voice that pip installs, an .onnx file, or a folder that holds one.",
    )
    voices: dict[str, Path] = Field(
        default={}, description="More voices: what callers call them, and the .onnx file or folder."
    )
    threads: int | None = Field(
        default=None,
        ge=1,
        description="Threads for one sentence; by default 2, or 1 on one core. "
        "1 speaks most in all when many are served at once.",
    )
    max_concurrency: int | None = Field(
        default=None, ge=1, description="Sentences made at once; by default as many as there are cores."
    )
    noise_scale: float | None = Field(
        default=None, ge=0, le=2, description="Variation of the sound; by default the voice's own."
    )
    noise_w_scale: float | None = Field(
        default=None, ge=0, le=2, description="Variation of the rhythm; by default the voice's own."
    )
    sentence_silence_s: float = Field(
        default=0.0, ge=0, le=5, description="Silence added after each sentence, in seconds."
    )
    longest_piece: int = Field(
        default=200,
        ge=40,
        le=2_000,
        description="Characters after which a sentence is cut at the next best place: "
        "the first audio of a long sentence comes sooner, and memory stays small.",
    )

    @model_validator(mode="after")
    def _default_voice_exists(self) -> Self:
        accepted = sorted({*self.voices, *PACKAGED})
        if self.voice not in accepted and not is_path(self.voice):
            raise ValueError(
                f'no voice is called "{self.voice}": give a path, or one of {", ".join(accepted)}'
            )
        return self
