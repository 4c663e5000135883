"""The messages that a client sends over the WebSocket."""

import json
from typing import Annotated, Any, Literal

from glottis.api.bodies import describe
from glottis.core.errors import GlottisError, InvalidInput
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, TypeAdapter, ValidationError


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


class TextInput(_Message):
    """What the person typed."""

    type: Literal["text_input"]
    text: str = Field(min_length=1)


class NavigationCommand(_Message):
    """What the person did on the page."""

    type: Literal["navigation_command"]
    action: str = Field(min_length=1, max_length=100)
    params: Annotated[dict[str, Any], AfterValidator(_finite)] = Field(default_factory=dict)


class Ping(_Message):
    """Asks for a pong."""

    type: Literal["ping"]


ClientMessage = AudioChunk | TextInput | NavigationCommand | Ping
_adapter: TypeAdapter[ClientMessage] = TypeAdapter(Annotated[ClientMessage, Field(discriminator="type")])
_TYPE_ERRORS = frozenset({"union_tag_invalid", "union_tag_not_found"})
TYPES = ("audio_chunk", "text_input", "navigation_command", "ping")


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
