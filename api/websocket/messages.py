"""The messages that a client sends over the WebSocket."""

import json
from typing import Annotated, Any, Literal, Self

from glottis.api.bodies import describe
from glottis.config import Listening
from glottis.core.audio import PcmFormat
from glottis.core.audio.formats import MAX_CHANNELS, MAX_RATE_HZ, MIN_RATE_HZ
from glottis.core.conversation import AudioMode, Manners, StreamFormat, Voice
from glottis.core.errors import GlottisError, InvalidInput
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    model_validator,
)


class BadJson(InvalidInput):
    """A text message is not JSON."""

    code = "bad_json"


class UnknownType(InvalidInput):
    """A message is of no known type."""

    code = "unknown_type"


def _finite(value: dict[str, Any]) -> dict[str, Any]:
    """Refuse NaN and infinity, which pydantic reads but JSON has no way to send back."""
    try:
        json.dumps(value, allow_nan=False)
    except ValueError:
        raise ValueError("numbers must be finite") from None
    return value


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True)


class AudioChunk(_Message):
    """Part of an utterance, base64; the last one says so."""

    type: Literal["audio_chunk"]
    data: str
    sequence: int = Field(0, ge=0)
    is_final: bool = False


class Counted(_Message):
    """May have a number of the same count as the chunks of audio: with it, it is never taken in twice."""

    sequence: int | None = Field(None, ge=0)


class TextInput(Counted):
    """What the person typed."""

    type: Literal["text_input"]
    text: str = Field(min_length=1)


class NavigationCommand(Counted):
    """What the person did on the page."""

    type: Literal["navigation_command"]
    action: str = Field(min_length=1, max_length=100)
    params: Annotated[dict[str, Any], AfterValidator(_finite)] = Field(default_factory=dict)


class Ping(_Message):
    """Asks for a pong."""

    type: Literal["ping"]


class EndOfSpeech(_Message):
    """Says that the person has finished: no need to wait for silence."""

    type: Literal["end_of_speech"]


class Interrupt(Counted):
    """Stops the answer."""

    type: Literal["interrupt"]


class Playback(_Message):
    """Says how much of an answer's audio the person has heard, in milliseconds from its start.

    Without `turn_id`, the last answer is meant.
    """

    type: Literal["playback"]
    turn_id: int | None = Field(None, ge=0)
    position_ms: float = Field(ge=0, le=86_400_000, allow_inf_nan=False)


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class AudioFormat(_Strict):
    """What the binary frames and chunks hold; without it, their own bytes tell."""

    encoding: Literal["pcm16", "auto"] = "auto"
    sample_rate: int = Field(16_000, ge=MIN_RATE_HZ, le=MAX_RATE_HZ)
    channels: int = Field(1, ge=1, le=MAX_CHANNELS)


class ReplyWishes(_Strict):
    """How answers are to be heard: by URL, as binary frames, or not at all."""

    audio: Literal["url", "stream", "none"] = "url"
    format: Literal["mp3", "opus", "wav", "pcm16"] | None = None
    sample_rate: int = Field(24_000, ge=MIN_RATE_HZ, le=48_000)

    @model_validator(mode="after")
    def _raw_is_streamed(self) -> Self:
        if self.audio == "url" and self.format == "pcm16":
            raise ValueError('a file has no format "pcm16"; there are mp3, opus and wav')
        return self


class Endpointing(_Strict):
    """When a turn begins and ends, and what interrupts; what is left out is as the project has it."""

    mode: Literal["voice", "manual"] = "voice"
    silence_ms: float | None = None
    minimum_speech_ms: float | None = None
    interrupt_ms: float | None = None
    longest_turn_s: float | None = None
    speculation: bool | None = None

    @model_validator(mode="after")
    def _fits(self) -> Self:
        self.listening()
        return self

    def listening(self) -> Listening:
        return Listening.model_validate(self.model_dump(exclude={"mode"}, exclude_none=True))


class Start(_Message):
    """Says how the conversation is to go, and from where, if one was cut off."""

    type: Literal["start"]
    audio: AudioFormat = AudioFormat()
    reply: ReplyWishes = ReplyWishes()
    partials: bool = True
    endpointing: Endpointing = Endpointing()
    resume_from: int | None = Field(None, ge=0)
    audio_received: int = Field(0, ge=0, description="bytes of audio that came after message `resume_from`")

    def manners(self) -> Manners:
        """Give the wishes as the conversation knows them."""
        audio = self.audio
        return Manners(
            audio=PcmFormat(sample_rate=audio.sample_rate, channels=audio.channels)
            if audio.encoding == "pcm16"
            else None,
            voice=Voice(mode=AudioMode(self.reply.audio), format=self.reply.format or "mp3"),
            stream_format=StreamFormat(self.reply.format or "pcm16", self.reply.sample_rate),
            wants_partials=self.partials,
            by_voice=self.endpointing.mode == "voice",
            is_extended=True,
            listening=self.endpointing.listening(),
        )


ClientMessage = AudioChunk | TextInput | NavigationCommand | Ping | Start | EndOfSpeech | Interrupt | Playback
_adapter: TypeAdapter[ClientMessage] = TypeAdapter(Annotated[ClientMessage, Field(discriminator="type")])
_TYPE_ERRORS = frozenset({"union_tag_invalid", "union_tag_not_found"})
TYPES = (
    "audio_chunk",
    "text_input",
    "navigation_command",
    "ping",
    "start",
    "end_of_speech",
    "interrupt",
    "playback",
)


def parse(text: str) -> ClientMessage:
    """Read one text message.

    Raises:
        GlottisError: it is not JSON, of no known type, or wrong in a field.
    """
    try:
        return _adapter.validate_json(text)
    except ValidationError as error:
        raise _explained(error) from None


def _explained(error: ValidationError) -> GlottisError:
    findings = error.errors(include_url=False, include_input=False, include_context=False)
    kind = findings[0]["type"]
    if kind == "json_invalid":
        return BadJson("the message is not valid JSON")
    if kind in _TYPE_ERRORS or kind in {"dict_type", "model_attributes_type", "model_type"}:
        return UnknownType(f"type: must be one of {', '.join(TYPES)}")
    return InvalidInput(describe([{**finding, "loc": finding["loc"][1:]} for finding in findings]))
