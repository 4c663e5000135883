"""What the store takes and gives: plain values, so that nothing outside knows which database holds them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

InteractionType = Literal["recognition", "user", "assistant", "navigation"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionRecord:
    """One voice session; all times are aware UTC datetimes in whole milliseconds.

    `id` is 128 random bits as 32 hexadecimal characters. `owner` is the name of the user who authenticated
    its start, `user_id` what the client called its own user.
    """

    id: str
    project: str
    owner: str | None
    user_id: str | None
    language: str
    voice_provider: str | None
    voice_id: str | None
    started_at: datetime
    expires_at: datetime
    ended_at: datetime | None = None

    def is_live(self, now: datetime) -> bool:
        """Tell whether the session can still be talked to."""
        return self.ended_at is None and now < self.expires_at


@dataclass(frozen=True, slots=True, kw_only=True)
class InteractionRecord:
    """One thing said or done in a session.

    `recognition` was heard and `user` typed. `provider` is the instance that heard or spoke it. `id` is 24
    hexadecimal characters, made when it is appended if it is None. `seq` is its place among the messages of
    its conversation, where it has one.
    """

    session_id: str
    project: str
    user_id: str | None
    at: datetime
    type: InteractionType
    content: Mapping[str, Any]
    latencies_ms: Mapping[str, float] = field(default_factory=dict)
    provider: str | None = None
    id: str | None = None
    seq: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredEvent:
    """What happened to `key` somewhere; the kind "gap" says that events may have been missed."""

    kind: str
    key: str
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The right to a session's conversation, until somebody claims it with a higher epoch.

    `previous_node` is who held it last, None if nobody did or who did has renounced it. `state` is what was
    parked, None if nothing was; it is given to one claim only.
    """

    epoch: int
    previous_node: str | None
    state: bytes | None = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioRecord:
    """One synthesized audio; `id` names everything that changes its sound, `scope` who may hear it."""

    id: str
    scope: str
    content_type: str
    data: bytes
    duration_s: float
    provider: str
    voice: str
    created_at: datetime
    accessed_at: datetime
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioClaim:
    """The right to make one audio: `holder` has it until it completes or abandons it, or its lease lapses."""

    id: str
    holder: str
    lease_until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioTaken:
    """Another holder is making the audio; its lease lapses at `lease_until` if it dies."""

    id: str
    lease_until: datetime


ClaimResult = AudioClaim | AudioTaken | AudioRecord
"""Won, somebody else is at it, or ready."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UserRecord:
    """Who may use the API; `projects` is None for all of them. `password_hash` is an argon2id string."""

    name: str
    password_hash: str = field(repr=False)
    projects: tuple[str, ...] | None
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentDescription:
    """A kind of document in MongoDB, for the reference and for who looks into the database."""

    name: str
    collection: str
    holds: str
    fields: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class UsageRecord:
    """What a project has used since it began; neither number ever falls."""

    sessions_total: int
    interactions_total: int
