"""The documents of voice training. They stay inside this package, as those of `documents.py` do."""

from datetime import UTC, datetime
from typing import Any

from beanie import Document
from glottis.core.store.connection import Raw
from glottis.core.store.training_records import JobRecord, JobStatus, SampleRecord, VoiceRecord
from pymongo import ASCENDING, DESCENDING, IndexModel

AT_ONCE = datetime(1970, 1, 1, tzinfo=UTC)
_IS_ACTIVE: Raw = {"active": True}


class VoiceSample(Document):
    """A recording to train with; its file is in GridFS, and both come and go together."""

    id: str  # type: ignore[assignment] # Beanie declares an ObjectId, and lets it be overridden
    project: str
    sha256: str
    file_id: str
    filename: str
    content_type: str
    size_bytes: int
    duration_s: float
    speech_share: float
    clipped_share: float
    noise_db: float | None
    problems: list[dict[str, str]]
    uploaded_at: datetime

    class Settings:
        """Where Beanie keeps it."""

        name = "voice_samples"
        indexes = (
            IndexModel([("project", ASCENDING), ("sha256", ASCENDING)], unique=True),
            IndexModel([("uploaded_at", ASCENDING), ("_id", ASCENDING)]),
        )

    @staticmethod
    def record(raw: Raw) -> SampleRecord:
        """Return what the outside sees."""
        fields = {name: value for name, value in raw.items() if name != "_id"}
        return SampleRecord(id=raw["_id"], **{**fields, "problems": tuple(raw["problems"])})


class TrainingJob(Document):
    """A training and how far it is; `due_at` is when a worker may take it: at once, or when a lease ends."""

    id: str  # type: ignore[assignment] # Beanie declares an ObjectId, and lets it be overridden
    project: str
    name: str
    language: str
    backend: str
    sample_ids: list[str]
    message: dict[str, str]
    created_at: datetime
    status: JobStatus = JobStatus.QUEUED
    progress: float = 0.0
    attempt: int = 0
    failures: int = 0
    checkpoint: str | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    error: dict[str, str] | None = None
    result: dict[str, Any] | None = None
    # What only the store knows; `active` is not there once the status is final.
    active: bool | None = True
    due_at: datetime = AT_ONCE
    is_held: bool = False
    node: str | None = None
    kept_progress: float = 0.0

    class Settings:
        """Where Beanie keeps it."""

        name = "training_jobs"
        indexes = (
            IndexModel(
                [("project", ASCENDING)],
                name="one_running_job_a_project",
                unique=True,
                partialFilterExpression=_IS_ACTIVE,
            ),
            IndexModel([("active", ASCENDING), ("due_at", ASCENDING)], partialFilterExpression=_IS_ACTIVE),
            IndexModel([("project", ASCENDING), ("created_at", DESCENDING), ("_id", DESCENDING)]),
            IndexModel([("created_at", DESCENDING), ("_id", DESCENDING)]),
        )

    @staticmethod
    def record(raw: Raw) -> JobRecord:
        """Return what the outside sees."""
        return JobRecord(
            id=raw["_id"],
            project=raw["project"],
            name=raw["name"],
            language=raw["language"],
            backend=raw["backend"],
            sample_ids=tuple(raw["sample_ids"]),
            created_at=raw["created_at"],
            status=JobStatus(raw["status"]),
            progress=raw["progress"],
            message=raw["message"],
            attempt=raw["attempt"],
            failures=raw["failures"],
            checkpoint=raw["checkpoint"],
            started_at=raw["started_at"],
            finished_at=raw["finished_at"],
            error=raw["error"],
            result=raw["result"],
        )


class Voice(Document):
    """A trained voice; its artefact is in GridFS, if it has one."""

    id: str  # type: ignore[assignment] # Beanie declares an ObjectId, and lets it be overridden
    project: str
    name: str
    provider: str
    voice_id: str
    languages: list[str]
    artefact: str | None
    metrics: dict[str, Any]
    created_at: datetime

    class Settings:
        """Where Beanie keeps it."""

        name = "voices"
        indexes = (IndexModel([("project", ASCENDING)]),)

    @staticmethod
    def record(raw: Raw) -> VoiceRecord:
        """Return what the outside sees."""
        fields = {name: value for name, value in raw.items() if name != "_id"}
        return VoiceRecord(id=raw["_id"], **{**fields, "languages": tuple(raw["languages"])})
