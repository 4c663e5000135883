"""What clients send. Each field may also be spelt in camelCase."""

from typing import Annotated, Any, Literal, TypeVar

from glottis.core.errors import InvalidInput, TooLarge, Unprocessable
from pydantic import (
    AliasChoices,
    AliasGenerator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StrictBool,
    ValidationError,
    model_validator,
)
from pydantic.alias_generators import to_camel
from pydantic.config import JsonDict
from quart import request

_PRINTABLE = r"^[^\x00-\x1f\x7f]*$"
_BASE64 = "^(data:[^,]*,)?([A-Za-z0-9+/]{4})*([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$"
Language = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z]{2,8}([-_][A-Za-z0-9]{1,8})*$",
        max_length=35,
        description="BCP 47 tag",
        examples=["ru-RU"],
    ),
]
Project = Annotated[str, Field(pattern=r"^\w[\w .:@+-]*$", max_length=100, examples=["demo"])]
Said = Annotated[str, Field(min_length=1, examples=["Покажи мне раздел с ценами"])]
Label = Annotated[str, Field(min_length=1, max_length=200, pattern=_PRINTABLE)]
Body = TypeVar("Body", bound="ApiBody")
_MOST_WITHOUT_AUDIO_BYTES = 1024**2
"""Reading a body keeps every other request waiting; only audio needs a large one."""


def _no_text(value: Any) -> Any:
    """Refuse what pydantic would make a number of: "3" and true."""
    if isinstance(value, str | bool):
        raise ValueError("must be a number")  # noqa: TRY004 - a TypeError would not be pydantic's
    return value


Whole = Annotated[int, BeforeValidator(_no_text)]


def _given(field: str) -> JsonDict:
    """Describe, for OpenAPI, a body in which a field has a text."""
    return {"required": [field], "properties": {field: {"type": "string", "minLength": 1}}}


class ApiBody(BaseModel):
    """A JSON request body; fields that it does not name are ignored."""

    model_config = ConfigDict(
        # The first choice is the one that OpenAPI shows.
        alias_generator=AliasGenerator(validation_alias=lambda name: AliasChoices(name, to_camel(name))),
        frozen=True,
    )


class VoicePreference(ApiBody):
    provider: Label | None = None
    voice_id: Label | None = None


class SessionStart(ApiBody):
    project: Project
    user_id: Label | None = None
    language: Language = "ru-RU"
    voice_preference: VoicePreference | None = None


class DeclaredAudio(ApiBody):
    """Says what raw audio is; audio in a container says so itself."""

    encoding: Literal["pcm16"] = "pcm16"
    sample_rate: Whole = Field(16_000, ge=8_000, le=192_000)
    channels: Whole = Field(1, ge=1, le=8)


class Recognize(ApiBody):
    model_config = ConfigDict(json_schema_extra={"anyOf": [_given("audio_base64"), _given("text_hint")]})

    # Decoding checks it, faster than a pattern would.
    audio_base64: Annotated[str, Field(json_schema_extra={"pattern": _BASE64})] | None = None
    text_hint: Annotated[str, Field(max_length=20_000)] | None = None
    language: Language = "ru-RU"
    project: Project | None = None
    provider: Label | None = None
    audio: DeclaredAudio | None = None
    max_alternatives: Whole = Field(0, ge=0, le=10)
    word_times: StrictBool = False

    @model_validator(mode="after")
    def _has_something(self) -> "Recognize":
        if not self.audio_base64 and not self.text_hint:
            raise ValueError("audio_base64 or text_hint is required")
        return self


class SynthesisChoices(ApiBody):
    """`options` of a synthesis: what is named here, and what only a provider understands."""

    model_config = ConfigDict(extra="allow")

    format: Annotated[str, Field(pattern="^(mp3|opus|wav)$")] = "mp3"
    provider: Label | None = None
    speed: Annotated[float, BeforeValidator(_no_text)] = Field(1.0, ge=0.25, le=4.0)


class Synthesize(ApiBody):
    text: Said
    voice: Label = "default"
    language: Language = "ru-RU"
    emotion: Label = "neutral"
    options: SynthesisChoices = SynthesisChoices()
    project: Project | None = None


class IntentContext(ApiBody):
    current_page: Annotated[str, Field(max_length=2_000)] | None = None
    previous_intents: list[Annotated[str, Field(max_length=200)]] = Field(
        default_factory=list, max_length=100
    )


class Intent(ApiBody):
    text: Said
    project: Project
    context: IntentContext = IntentContext()
    language: Language = "ru-RU"


class Respond(ApiBody):
    session_id: Label
    project: Project
    text: Said


class TrainForm(ApiBody):
    project: Project
    name: Label | None = None
    language: Language = "ru-RU"


class SamplesForm(ApiBody):
    project: Project
    files: list[bytes] = Field(min_length=1, description="Audio files")


async def read_body(model: type[Body]) -> Body:
    """Read the request's body as a model.

    Raises:
        TooLarge: it is large without having audio in it.
        InvalidInput: it is not JSON.
        Unprocessable: it is, but not this model; the detail names each field and what is wrong with it.
    """
    data = await request.get_data()
    if len(data) > _MOST_WITHOUT_AUDIO_BYTES and model is not Recognize:
        raise TooLarge("the request is too large")
    try:
        return model.model_validate_json(data)
    except ValidationError as error:
        findings = error.errors(include_url=False, include_input=False, include_context=False)
        if findings[0]["type"] == "json_invalid":
            raise InvalidInput("the body is not valid JSON") from None
        raise Unprocessable(describe(findings)) from None


def describe(findings: list[Any]) -> str:
    """Say in one line which fields are wrong, and how."""
    return "; ".join(
        f"{'.'.join(str(part) for part in finding['loc']) or 'body'}: {_message(finding)}"
        for finding in findings[:5]
    )


def _message(finding: Any) -> str:
    message = str(finding["msg"]).removeprefix("Value error, ")
    return "is required" if finding["type"] == "missing" else message
