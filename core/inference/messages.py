"""What nodes and workers say to each other: a line of JSON, and after it, where there is any, PCM16.

    worker                              node
      Claim ---------------------------> Order, with the beginning of the clip, or No
      More ----------------------------> Piece, with the next part of the clip, or No
      Alive ---------------------------> Go or No
      Audio, with samples -------------> (Taken, now and then)
      Heard, End or Failed ------------> Go or No
                   Stop <--------------- whenever nobody wants it any more

A worker gives each claim an inbox of its own, `call`, which is also the name of that claim: a node listens to
one claimant alone, that of the latest delivery of its ticket. Neither side believes the other: what cannot be
read is `Malformed`.
"""

from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeAlias, TypeVar

from glottis.plugins import (
    ErrorCategory,
    Kind,
    RecognitionOptions,
    RecognizerCapabilities,
    SynthesisOptions,
    SynthesizerCapabilities,
    Transcript,
    VoiceInfo,
)
from pydantic import Field, TypeAdapter, ValidationError
from pydantic_core import to_json

T = TypeVar("T")

Count = Annotated[int, Field(ge=0, le=2**53)]
RateHz = Annotated[int, Field(gt=0, le=2**31)]

Inbox = Annotated[str, Field(max_length=256, pattern=r"^[^\s.*>]+(\.[^\s.*>]+)*$")]
"""A subject to answer to. NATS sends those away who speak to what is none."""

Why: TypeAlias = Literal["over", "another", "again"]
"""Nobody waits for it any more; another worker has it; or it must be begun anew, as something was lost."""


class Malformed(ValueError):
    """A message is not what it should be; `call` is whose it is, where as much as that can be read."""

    def __init__(self, call: str | None) -> None:
        super().__init__("a message cannot be read")
        self.call = call


@dataclass(frozen=True, slots=True)
class Ticket:
    """What stands in the queue: where the node hears of this call, and how often it was queued before."""

    node: Inbox
    round: Count = 0


@dataclass(frozen=True, slots=True)
class Claim:
    """A worker has a place for this call; `round` is the ticket's, `delivery` counts how often that came.

    A worker that was frozen may bring forth a ticket that others have had since: the later one is right.
    """

    call: Inbox
    round: Count
    delivery: Count
    type: Literal["claim"] = "claim"


@dataclass(frozen=True, slots=True)
class More:
    """A worker asks for the clip from this byte on."""

    call: str
    offset: Count
    type: Literal["more"] = "more"


@dataclass(frozen=True, slots=True)
class Alive:
    """A worker is still at it, and asks whether anybody waits."""

    call: str
    type: Literal["alive"] = "alive"


@dataclass(frozen=True, slots=True)
class Audio:
    """Samples from number `start` of the utterance on, in the body."""

    call: str
    start: Count
    rate_hz: RateHz
    type: Literal["audio"] = "audio"


@dataclass(frozen=True, slots=True)
class Heard:
    """What was said in the clip."""

    call: str
    transcript: Transcript
    type: Literal["heard"] = "heard"


@dataclass(frozen=True, slots=True)
class End:
    """All is spoken; `samples` were sent, with those that the node had before."""

    call: str
    samples: Count
    type: Literal["end"] = "end"


@dataclass(frozen=True, slots=True)
class Failed:
    """The provider raised a `ProviderError`."""

    call: str
    category: ErrorCategory
    message: str
    retry_after_s: float | None = None
    type: Literal["failed"] = "failed"


@dataclass(frozen=True, slots=True)
class Recognize:
    """Hear a clip of `size` bytes."""

    options: RecognitionOptions
    rate_hz: RateHz
    size: Count
    type: Literal["recognize"] = "recognize"


@dataclass(frozen=True, slots=True)
class Speak:
    """Speak a text."""

    text: str
    options: SynthesisOptions
    type: Literal["speak"] = "speak"


Work: TypeAlias = Recognize | Speak


@dataclass(frozen=True, slots=True)
class Order:
    """What is to be done, in how many milliseconds (None: no matter how many).

    Of an utterance the node has `given` samples already, from a worker that is lost, and `taken` of those are
    used up.
    """

    work: Annotated[Work, Field(discriminator="type")]
    left_ms: Count | None = None
    given: Count = 0
    taken: Count = 0
    type: Literal["order"] = "order"


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of the clip, in the body."""

    type: Literal["piece"] = "piece"


@dataclass(frozen=True, slots=True)
class Go:
    """Somebody waits, and has taken so many samples."""

    taken: Count = 0
    type: Literal["go"] = "go"


@dataclass(frozen=True, slots=True)
class No:
    """Nobody waits, at least not for this worker."""

    why: Why = "over"
    type: Literal["no"] = "no"


@dataclass(frozen=True, slots=True)
class Stop:
    """Leave it."""

    why: Why = "over"
    type: Literal["stop"] = "stop"


@dataclass(frozen=True, slots=True)
class Taken:
    """So many samples are used up: there is room for more."""

    samples: Count
    type: Literal["taken"] = "taken"


@dataclass(frozen=True, slots=True, kw_only=True)
class RecognizerPresence:
    """A worker serves a recognizer."""

    worker: str
    instance: str
    capabilities: RecognizerCapabilities
    version: str
    places: Count
    free: Count
    is_leaving: bool = False
    kind: Literal["recognizer"] = "recognizer"


@dataclass(frozen=True, slots=True, kw_only=True)
class SynthesizerPresence:
    """A worker serves a synthesizer."""

    worker: str
    instance: str
    capabilities: SynthesizerCapabilities
    version: str
    places: Count
    free: Count
    voices: tuple[VoiceInfo, ...] = ()
    is_leaving: bool = False
    kind: Literal["synthesizer"] = "synthesizer"


Presence: TypeAlias = RecognizerPresence | SynthesizerPresence
Result: TypeAlias = Heard | End | Failed
FromWorker: TypeAlias = Claim | More | Alive | Audio | Result
Answer: TypeAlias = Order | Piece | Go | No
FromNode: TypeAlias = Stop | Taken

FROM_WORKER: TypeAdapter[FromWorker] = TypeAdapter(Annotated[FromWorker, Field(discriminator="type")])
ANSWER: TypeAdapter[Answer] = TypeAdapter(Annotated[Answer, Field(discriminator="type")])
FROM_NODE: TypeAdapter[FromNode] = TypeAdapter(Annotated[FromNode, Field(discriminator="type")])
TICKET: TypeAdapter[Ticket] = TypeAdapter(Ticket)
PRESENCE: TypeAdapter[Presence] = TypeAdapter(Annotated[Presence, Field(discriminator="kind")])


@dataclass(frozen=True, slots=True)
class _Envelope:
    call: str


_ENVELOPE = TypeAdapter(_Envelope)


def encode(head: Any, body: bytes = b"") -> bytes:
    """Write a message.

    Raises:
        ValueError: it holds what JSON cannot.
    """
    return b"%b\n%b" % (to_json(head), body)


def decode(adapter: TypeAdapter[T], payload: bytes) -> tuple[T, bytes]:
    """Read a message: what it says, and its body.

    Raises:
        Malformed: it is none.
    """
    head, _, body = payload.partition(b"\n")
    try:
        return adapter.validate_json(head, strict=True), body
    except ValidationError:
        raise Malformed(_call_of(head)) from None


def lane_of(kind: Kind | str, instance: str) -> str:
    """Name the lane in which calls to an instance wait."""
    return f"{kind}.{instance}"


def _call_of(head: bytes) -> str | None:
    try:
        return _ENVELOPE.validate_json(head, strict=True).call
    except ValidationError:
        return None
