"""What a deployment may set of ElevenLabs in plugins.toml."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

OutputFormat = Literal[
    "pcm_8000", "pcm_16000", "pcm_22050", "pcm_24000", "pcm_32000", "pcm_44100", "pcm_48000"
]
Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,64}$")]
Share = Annotated[float, Field(ge=0.0, le=1.0)]
Seconds = Annotated[float, Field(gt=0.0, le=600.0)]

SLOWEST, FASTEST = 0.7, 1.2
"""The limits of `voice_settings.speed`."""


class ElevenLabsConfig(BaseModel):
    """The options of an instance; everything that it does shares them."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    api_key: SecretStr = Field(description="The account's API key; write ${ELEVENLABS_API_KEY}.")
    base_url: str = Field(
        "https://api.elevenlabs.io",
        pattern=r"^https?://[^\s/@?#]+(/[^\s@?#]*)?$",
        description="Where the API is: a residency region's address, or a gateway's.",
    )
    model_id: Id = Field("eleven_flash_v2_5", description="The model that speaks.")
    recognition_model_id: Id = Field("scribe_v2", description="The model that listens.")
    voice_id: Id = Field("JBFqnCBsd6RMkjVDRZzb", description='What the voice "default" stands for.')
    output_format: OutputFormat = Field(
        "pcm_22050", description="PCM with this sample rate; 44100 and above need a larger plan."
    )
    stability: Share | None = Field(None, description="Lower is livelier; unset: the voice's own.")
    similarity_boost: Share | None = Field(
        None, description="Likeness to the original; unset: the voice's own."
    )
    style: Share | None = Field(
        None, description="Exaggeration of the speaker's style; unset: the voice's own."
    )
    speed: float = Field(
        1.0, ge=SLOWEST, le=FASTEST, description="Pace of the voice; a caller's speed multiplies it."
    )
    stitch: bool = Field(
        default=True,
        description="Tell the model what was said before a sentence, so that the melody goes on.",
    )
    remove_background_noise: bool = Field(
        default=False,
        description="Have the samples of a voice cleaned before it is cloned; harms those without noise.",
    )
    training_timeout_s: Seconds = Field(
        120.0, description="Seconds that ElevenLabs may take for a file of a training, or to clone the voice."
    )
    connect_timeout_s: Seconds = Field(5.0, description="Seconds that a connection may take.")
    read_timeout_s: Seconds = Field(30.0, description="Seconds that the next bytes may take.")

    @field_validator("api_key")
    @classmethod
    def _fits_a_header(cls, value: SecretStr) -> SecretStr:
        # httpx would refuse such a key later, in a message that quotes it.
        key = value.get_secret_value()
        if not key or not key.isascii() or not key.isprintable() or " " in key:
            raise ValueError("is empty, or holds characters that no API key has")
        return value

    @property
    def rate_hz(self) -> int:
        return int(self.output_format.removeprefix("pcm_"))
