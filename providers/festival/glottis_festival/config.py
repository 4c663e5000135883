"""What a deployment may set of Festival in plugins.toml."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

VoiceName = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,63}$")]


class FestivalConfig(BaseModel):
    """The options of an instance."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    processes: int = Field(
        1,
        ge=1,
        le=16,
        description="Processes of each voice; as many sentences of it are spoken at once.",
    )
    voices: tuple[VoiceName, ...] = Field(
        (),
        description="The voices to offer, a language's default first; empty: all that are installed.",
    )
    program: str = Field("festival", min_length=1, description="The program, looked for on PATH.")
    sentence_timeout_s: float = Field(
        10.0, gt=0, le=600, description="Seconds after which a sentence is given up and its process replaced."
    )
