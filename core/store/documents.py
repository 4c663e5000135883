"""The documents in MongoDB: their fields, collections and indexes. They stay inside this package.

Beanie binds a document to one database for the whole process, which could then have but one store. So the
documents serve here as schema, codec and index definitions, and every store reads and writes the collections
beneath them. What is read back is trusted, which halves the cost of a read.
"""

import inspect
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Self

from beanie import Document, PydanticObjectId, init_beanie
from bson import ObjectId
from bson.raw_bson import RawBSONDocument
from glottis.core.store.connection import Collection, Database, Raw
from glottis.core.store.encoding import as_bson, check_depth, object_id
from glottis.core.store.records import (
    AudioRecord,
    Claim,
    DocumentDescription,
    InteractionRecord,
    InteractionType,
    SessionRecord,
    StoredEvent,
    UserRecord,
)
from glottis.core.store.training_documents import TrainingJob, Voice, VoiceSample
from pydantic import Field
from pymongo import ASCENDING, IndexModel
from pymongo.errors import OperationFailure

EVENT_TTL_S = 300  # to look at: a change stream that lags reads the log of MongoDB and not the collection
AUDIO_BY_AGE = [("accessed_at", ASCENDING), ("size_bytes", ASCENDING), ("_id", ASCENDING)]
_INDEX_OPTIONS_CONFLICT = 85


class VoiceSession(Document):
    """A session and who started it; `ended_by` is the mark of who ended it, and so gives its place back."""

    id: str  # type: ignore[assignment] # Beanie declares an ObjectId, and lets it be overridden
    project: str
    owner: str | None
    user_id: str | None
    language: str
    voice_provider: str | None
    voice_id: str | None
    started_at: datetime
    expires_at: datetime
    ended_at: datetime | None = None
    ended_by: str | None = None

    class Settings:
        """Where Beanie keeps it."""

        name = "voice_sessions"

    @classmethod
    def of(cls, record: SessionRecord) -> Self:
        """Return the document of a record."""
        return cls(
            id=record.id,
            project=record.project,
            owner=record.owner,
            user_id=record.user_id,
            language=record.language,
            voice_provider=record.voice_provider,
            voice_id=record.voice_id,
            started_at=record.started_at,
            expires_at=record.expires_at,
            ended_at=record.ended_at,
        )

    @staticmethod
    def record(raw: Raw) -> SessionRecord:
        """Return what the outside sees."""
        return SessionRecord(
            id=raw["_id"],
            project=raw["project"],
            owner=raw["owner"],
            user_id=raw["user_id"],
            language=raw["language"],
            voice_provider=raw["voice_provider"],
            voice_id=raw["voice_id"],
            started_at=raw["started_at"],
            expires_at=raw["expires_at"],
            ended_at=raw["ended_at"],
        )


class Interaction(Document):
    """One thing said or done in a session; its id orders what a process added in the same millisecond."""

    id: PydanticObjectId = Field(default_factory=PydanticObjectId)
    session_id: str
    project: str
    user_id: str | None
    at: datetime
    type: InteractionType
    content: dict[str, Any]
    latencies_ms: dict[str, float]
    provider: str | None
    seq: int | None = None

    class Settings:
        """Where Beanie keeps it."""

        name = "interactions"
        indexes = (IndexModel([("session_id", ASCENDING), ("at", ASCENDING), ("_id", ASCENDING)]),)

    @staticmethod
    def encoded(record: InteractionRecord) -> RawBSONDocument:
        """Return a record as MongoDB keeps it: written by hand, as every turn writes two.

        Raises:
            RecordInvalid: it holds what MongoDB cannot, or too much of it.
        """
        check_depth(record.content)
        return as_bson(
            {
                "_id": ObjectId() if record.id is None else object_id(record.id),
                "session_id": record.session_id,
                "project": record.project,
                "user_id": record.user_id,
                "at": record.at,
                "type": record.type,
                "content": record.content,
                "latencies_ms": record.latencies_ms,
                "provider": record.provider,
                "seq": record.seq,
            }
        )

    @staticmethod
    def record(raw: Raw) -> InteractionRecord:
        """Return what the outside sees."""
        return InteractionRecord(
            session_id=raw["session_id"],
            project=raw["project"],
            user_id=raw["user_id"],
            at=raw["at"],
            type=raw["type"],
            content=raw["content"],
            latencies_ms=raw["latencies_ms"],
            provider=raw["provider"],
            id=str(raw["_id"]),
            seq=raw.get("seq"),
        )

    @staticmethod
    def amendment(content: Mapping[str, Any], latencies_ms: Mapping[str, float] | None) -> list[Raw]:
        """Return the update that merges fields into an interaction's content, whatever they are called.

        Raises:
            RecordInvalid: they hold what MongoDB cannot, or too much of it.
        """
        check_depth(content)
        changed: Raw = {"content": {"$mergeObjects": ["$content", {"$literal": as_bson(content)}]}}
        if latencies_ms is not None:
            changed["latencies_ms"] = {"$literal": as_bson(latencies_ms)}
        return [{"$set": changed}]


class CachedAudio(Document):
    """A claim (`holder`, `lease_until`) or an audio (the rest): one update turns one into the other."""

    id: str  # type: ignore[assignment] # Beanie declares an ObjectId, and lets it be overridden
    accessed_at: datetime
    holder: str | None = None
    lease_until: datetime | None = None
    scope: str | None = None
    content_type: str | None = None
    data: bytes | None = None
    duration_s: float | None = None
    provider: str | None = None
    voice: str | None = None
    created_at: datetime | None = None
    size_bytes: int | None = None

    class Settings:
        """Where Beanie keeps it."""

        name = "cached_audio"
        indexes = (IndexModel(AUDIO_BY_AGE),)

    @staticmethod
    def fields(record: AudioRecord) -> Raw:
        """Return the fields that make an audio of a claim."""
        return {
            "accessed_at": record.accessed_at,
            "scope": record.scope,
            "content_type": record.content_type,
            "data": record.data,
            "duration_s": record.duration_s,
            "provider": record.provider,
            "voice": record.voice,
            "created_at": record.created_at,
            "size_bytes": len(record.data),
        }

    @staticmethod
    def record(raw: Raw) -> AudioRecord:
        """Return what the outside sees."""
        return AudioRecord(
            id=raw["_id"],
            scope=raw["scope"],
            content_type=raw["content_type"],
            data=raw["data"],
            duration_s=raw["duration_s"],
            provider=raw["provider"],
            voice=raw["voice"],
            created_at=raw["created_at"],
            accessed_at=raw["accessed_at"],
            size_bytes=raw["size_bytes"],
        )


class ProjectUsage(Document):
    """One of several documents that together count a project; never deleted."""

    id: str  # type: ignore[assignment] # Beanie declares an ObjectId, and lets it be overridden
    project: str
    sessions_total: int = 0
    interactions_total: int = 0

    class Settings:
        """Where Beanie keeps it."""

        name = "project_usage"
        indexes = (IndexModel([("project", ASCENDING)]),)


class SessionLedger(Document):
    """The places that are taken: how many expire when, by project (see `ledger.py`)."""

    id: str  # type: ignore[assignment] # Beanie declares an ObjectId, and lets it be overridden
    revision: int
    places: dict[str, dict[str, int]]
    writers: dict[str, tuple[int, int]]

    class Settings:
        """Where Beanie keeps it."""

        name = "session_ledger"


class User(Document):
    """Who may use the API, and for which projects."""

    id: str  # type: ignore[assignment] # Beanie declares an ObjectId, and lets it be overridden
    password_hash: str
    projects: list[str] | None
    created_at: datetime

    class Settings:
        """Where Beanie keeps it."""

        name = "users"

    @staticmethod
    def record(raw: Raw) -> UserRecord:
        """Return what the outside sees."""
        projects = raw["projects"]
        return UserRecord(
            name=raw["_id"],
            password_hash=raw["password_hash"],
            projects=None if projects is None else tuple(projects),
            created_at=raw["created_at"],
        )


class SharedKey(Document):
    """A random key that all nodes share."""

    id: str  # type: ignore[assignment] # Beanie declares an ObjectId, and lets it be overridden
    value: bytes
    created_at: datetime

    class Settings:
        """Where Beanie keeps it."""

        name = "shared_keys"


class NodeEvent(Document):
    """Something that other nodes should know at once; they hear of it by their change streams."""

    id: PydanticObjectId = Field(default_factory=PydanticObjectId)
    kind: str
    key: str
    data: dict[str, Any]
    at: datetime

    class Settings:
        """Where Beanie keeps it."""

        name = "events"

    @staticmethod
    def encoded(kind: str, key: str, data: Mapping[str, Any]) -> RawBSONDocument:
        """Return an event as MongoDB keeps it.

        Raises:
            RecordInvalid: `data` holds what MongoDB cannot, or too much of it.
        """
        check_depth(data)
        event = {"_id": ObjectId(), "kind": kind, "key": key, "data": data, "at": datetime.now(UTC)}
        return as_bson(event)

    @staticmethod
    def record(raw: Raw) -> StoredEvent:
        """Return what the outside sees."""
        return StoredEvent(kind=raw.get("kind", ""), key=raw.get("key", ""), data=raw.get("data", {}))


class VoiceConversation(Document):
    """Which node holds a session's conversation, under an epoch that only grows, and what it parked."""

    id: str  # type: ignore[assignment] # Beanie declares an ObjectId, and lets it be overridden
    epoch: int
    node: str | None
    state: bytes | None
    forget_at: datetime

    class Settings:
        """Where Beanie keeps it."""

        name = "voice_conversations"

    @staticmethod
    def claimed(before: Raw | None) -> Claim:
        """Return the claim that was made of a conversation as it was before."""
        if before is None:
            return Claim(epoch=1, previous_node=None, state=None)
        return Claim(epoch=before["epoch"] + 1, previous_node=before["node"], state=before["state"])


DOCUMENTS: tuple[type[Document], ...] = (
    VoiceSession,
    Interaction,
    CachedAudio,
    ProjectUsage,
    SessionLedger,
    User,
    SharedKey,
    NodeEvent,
    VoiceConversation,
    VoiceSample,
    TrainingJob,
    Voice,
)


def descriptions() -> tuple[DocumentDescription, ...]:
    """Describe every kind of document."""
    return tuple(
        DocumentDescription(
            name=document.__name__,
            collection=document.Settings.name,
            holds=(inspect.getdoc(document) or "").partition("\n")[0],
            fields=tuple(field for field in document.model_fields if field != "revision_id"),
        )
        for document in DOCUMENTS
    )


async def prepare(database: Database, *, history_ttl_s: int, audio_ttl_s: int) -> None:
    """Make collections and indexes, and have MongoDB forget what is too old."""
    await init_beanie(database=database, document_models=list(DOCUMENTS))
    await _forget_after(collection(database, VoiceSession), "expires_at", history_ttl_s)
    await _forget_after(collection(database, Interaction), "at", history_ttl_s)
    await _forget_after(collection(database, CachedAudio), "accessed_at", audio_ttl_s)
    await _forget_after(collection(database, NodeEvent), "at", EVENT_TTL_S)
    await _forget_after(collection(database, VoiceConversation), "forget_at", 0)


async def _forget_after(documents: Collection, field: str, seconds: int) -> None:
    try:
        await documents.create_index(field, expireAfterSeconds=seconds)
    except OperationFailure as error:
        if error.code != _INDEX_OPTIONS_CONFLICT:
            raise
        index = {"keyPattern": {field: ASCENDING}, "expireAfterSeconds": seconds}
        await documents.database.command("collMod", documents.name, index=index)


def collection(database: Database, document: type[Document]) -> Collection:
    """Return the collection of a document in a store's own database."""
    return database[document.Settings.name]
