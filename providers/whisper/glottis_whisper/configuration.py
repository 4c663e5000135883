"""What plugins.toml may say about an instance of Whisper."""

import re
from difflib import get_close_matches
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from glottis_whisper.packages import DOWNLOADED, PACKAGED

NAMES = tuple(sorted({*DOWNLOADED, *PACKAGED}))

_HUB_ID = re.compile(r"[\w.-]+/[\w.-]+")


def is_path(model: str) -> bool:
    """Tell a folder from a model's name: it begins with a slash, a dot or a tilde."""
    return model.startswith(("/", ".", "~")) or "\\" in model


class WhisperConfig(BaseModel):
    """Options of `use = "whisper"`."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    model: str = Field(
        default="base",
        description="A model's name, a folder in CTranslate2's format that begins with /, ./ or ~, "
        "or the name of one on Hugging Face (owner/name). An installed package comes first.",
    )
    download: bool = Field(
        default=True, description="Whether a model that is not installed may be downloaded at start-up."
    )
    device: Literal["auto", "cpu", "cuda"] = Field(default="auto", description="Where the model runs.")
    compute_type: (
        Literal["int8", "int8_float32", "int8_float16", "int8_bfloat16", "float16", "bfloat16", "float32"]
        | None
    ) = Field(default=None, description="Precision; by default int8 on the CPU, the fastest on a GPU.")
    num_workers: int | None = Field(
        default=None, ge=1, le=64, description="Utterances at once; by default from the number of cores."
    )
    cpu_threads: int | None = Field(
        default=None, ge=1, le=64, description="Threads for each; by default from the number of cores."
    )
    max_waiting: int = Field(
        default=16, ge=0, description="Utterances that may wait for a worker; the next one is refused."
    )
    beam_size: int = Field(default=5, ge=1, le=10, description="Readings that are followed at once.")
    window_s: float = Field(
        default=10.0,
        ge=5.0,
        le=30.0,
        description="Seconds of audio that the model looks at for a short utterance. "
        "30 is what it was trained on, and several times slower.",
    )
    vad_filter: bool = Field(
        default=True, description="Whether only what sounds like speech reaches the model."
    )
    vad_threshold: float = Field(default=0.5, gt=0, lt=1, description="How sure that filter must be.")
    no_speech_threshold: float = Field(
        default=0.6, ge=0, le=1, description="From which probability of silence on a reading is dropped."
    )

    @field_validator("model")
    @classmethod
    def _known(cls, model: str) -> str:
        if is_path(model) or model in NAMES or _HUB_ID.fullmatch(model):
            return model
        near = get_close_matches(model, NAMES, n=1)
        hint = f'; did you mean "{near[0]}"?' if near else ""
        raise ValueError(f'no model is called "{model}"{hint} There are: {", ".join(NAMES)}, or a folder')
