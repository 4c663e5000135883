"""What a deployment may set in plugins.toml."""

from pydantic import BaseModel, ConfigDict, Field


class LocalVoiceConfig(BaseModel):
    """The options of an instance."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    base: str | None = Field(
        None,
        min_length=1,
        description="The synthesizer that voices are made from; without it, the first of the route.",
    )
    max_concurrency: int | None = Field(
        None, ge=1, le=64, description="Sentences that are converted at once; without it, one a CPU core."
    )
    most_speech_s: float = Field(
        300.0,
        ge=10,
        le=3600,
        description="Seconds of speech to learn a voice from, of all recordings alike; the rest is left out.",
    )
    longest_piece: int = Field(
        200, ge=40, le=2000, description="Characters after which a long sentence is spoken in pieces."
    )
