"""What the store takes and gives of voice training."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

Words = Mapping[str, str]
"""A sentence by language; under "" one that is the same for everybody."""


class JobStatus(StrEnum):
    """Where a job is. The last three are final."""

    QUEUED = "queued"
    PREPARING = "preparing"
    TRAINING = "training"
    VALIDATING = "validating"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_final(self) -> bool:
        return self in {JobStatus.COMPLETED, JobStatus.FAILED, JobStatus.CANCELLED}


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleRecord:
    """One recording of a voice; `id` is 32 hexadecimal characters, `sha256` of the file's bytes.

    `speech_share` and `clipped_share` are 0 to 1, `noise_db` is how far speech stands above what is between
    it, None where that cannot be told. `problems` names what makes it unusable.
    """

    id: str
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
    problems: tuple[Words, ...]
    uploaded_at: datetime

    @property
    def is_usable(self) -> bool:
        return not self.problems


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRecord:
    """One training. `attempt` counts how often a worker has taken it: the latest one alone may write.

    `failures` counts attempts that came to nothing since the job last got further.
    """

    id: str
    project: str
    name: str
    language: str
    backend: str
    sample_ids: tuple[str, ...]
    created_at: datetime
    status: JobStatus = JobStatus.QUEUED
    progress: float = 0.0
    message: Words = field(default_factory=dict)
    attempt: int = 0
    failures: int = 0
    checkpoint: str | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    error: Words | None = None
    result: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class VoiceRecord:
    """A trained voice: `id` is what callers name, `voice_id` what the synthesizer of `provider` takes."""

    id: str
    project: str
    name: str
    provider: str
    voice_id: str
    languages: tuple[str, ...]
    artefact: str | None
    metrics: Mapping[str, Any]
    created_at: datetime
