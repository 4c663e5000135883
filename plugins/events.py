"""What `glottis_on_event` is told, off the audio path. Nothing that a person said is in an event."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened in this process; `at` is epoch seconds."""

    at: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionStarted(Event):
    session_id: str
    project: str
    language: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionEnded(Event):
    session_id: str
    project: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TurnFinished(Event):
    """`seconds` is the time from the person's text to the answer with its audio."""

    session_id: str
    project: str
    intent: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFinished(Event):
    """A training ended here; `status` is "completed", "failed" or "cancelled"."""

    job_id: str
    project: str
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderFailed(Event):
    """A call failed; `category` is an `ErrorCategory`."""

    instance: str
    kind: str
    category: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerChanged(Event):
    """A provider was taken out of service (`open`) or came back (`closed`)."""

    instance: str
    state: str
