"""What a server says, each kind of message as a dataclass of its own."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Literal

from glottis.api.client.errors import ProtocolError


@dataclass(frozen=True, slots=True, kw_only=True)
class _Numbered:
    seq: int
    """Its number; they rise by one, and one is missing only where a client reads too little."""
    turn_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Status(_Numbered):
    """What the server does: listening, thinking, speaking, or recovering from an error."""

    status: str
    message: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Transcription(_Numbered):
    """What was heard; until `is_final`, it is what it sounds like so far, and `stable_prefix` will stay."""

    text: str
    is_final: bool
    confidence: float = 0.0
    stable_prefix: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where an answer comes from."""

    title: str
    url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """What the page is asked to do, such as to `navigate`; `params` is the rest of it."""

    type: str
    params: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Response(_Numbered):
    """The answer; `audio_url` is where it can be heard, if it is not streamed."""

    text: str
    audio_url: str | None = None
    sources: tuple[Source, ...] = ()
    suggested_actions: tuple[Action, ...] = ()
    intent: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Audio(_Numbered):
    """Audio of an answer begins: as `AudioData`, or at `audio_url` where it grows while it is fetched."""

    format: str
    sample_rate: int | None = None
    channels: int = 1
    audio_url: str | None = None
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sentence(_Numbered):
    """The audio that follows says this; `moved_from` is the provider that failed over, if one did."""

    text: str
    position_ms: float = 0.0
    provider: str | None = None
    moved_from: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioData:
    """A piece of the audio of a turn, in the format that its `Audio` tells."""

    data: bytes
    turn_id: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioEnd(_Numbered):
    """The audio of the turn is complete."""

    duration_ms: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Paused(_Numbered):
    """Somebody speaks over the answer: stop playing, and keep what there is; it is soon told what follows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumedSpeaking(_Numbered):
    """It was nothing: play on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Interrupted(_Numbered):
    """The answer is cut off: drop all audio of the turn. `heard` are the words that were heard of it."""

    reason: Literal["speech", "client", "text"] | str = ""  # noqa: PYI051  # the known ones, for the reader
    heard: str = ""
    position_ms: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Metrics(_Numbered):
    """A turn is over: how long after the end of speech each thing came."""

    latencies_ms: Mapping[str, float]
    speculated: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumed(_Numbered):
    """The conversation goes on after a cut; if not `is_complete`, something that was said is lost.

    `sent_before` frames of this connection came before it was taken up again, and do not count.
    """

    resume_from: int
    is_complete: bool
    next_sequence: int | None = None
    sent_before: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem(_Numbered):
    """Something went wrong; the conversation goes on. `code` is one of the documented ones."""

    message: str
    code: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pong(_Numbered):
    """The answer to a ping: all that was sent before it has been taken in."""


Message = (
    Status
    | Transcription
    | Response
    | Audio
    | Sentence
    | AudioData
    | AudioEnd
    | Paused
    | ResumedSpeaking
    | Interrupted
    | Metrics
    | Resumed
    | Problem
)
_KINDS: Mapping[str, type[_Numbered]] = {
    "status": Status,
    "transcription": Transcription,
    "response": Response,
    "audio": Audio,
    "sentence": Sentence,
    "audio_end": AudioEnd,
    "paused": Paused,
    "resumed_speaking": ResumedSpeaking,
    "interrupted": Interrupted,
    "metrics": Metrics,
    "resumed": Resumed,
    "error": Problem,
    "pong": Pong,
}
_NAMES: Mapping[str, frozenset[str]] = {
    kind: frozenset(each.name for each in fields(made)) for kind, made in _KINDS.items()
}


def parse(text: str) -> tuple[int, Message | Pong | None]:
    """Read a message: its number, and what it says; None where it is of a kind that came after this client.

    Raises:
        ProtocolError: it is nothing that a server says.
    """
    try:
        raw = json.loads(text)
        seq, kind = int(raw["seq"]), raw["type"]
        if kind not in _KINDS:
            return seq, None
        known = {name: raw[name] for name in _NAMES[kind] if name in raw}
        if kind == "response":
            known["sources"] = tuple(_source(each) for each in known.get("sources", ()))
            known["suggested_actions"] = tuple(_action(each) for each in known.get("suggested_actions", ()))
        return seq, _KINDS[kind](**known)  # type: ignore[return-value]  # the kinds are those of the union
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ProtocolError(f"the server says something unknown: {text[:200]!r}") from error


def _source(raw: Mapping[str, Any]) -> Source:
    return Source(title=raw["title"], url=raw.get("url"))


def _action(raw: Mapping[str, Any]) -> Action:
    return Action(type=raw["type"], params={name: value for name, value in raw.items() if name != "type"})
