"""Trainings as clients see them, and the conversations that are told of them."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import datetime

from glottis.api.state import ServerState, state
from glottis.core.conversation import Conversation
from glottis.core.store import JobRecord, SampleRecord
from glottis.core.training import in_language


def described_sample(sample: SampleRecord, language: str) -> dict[str, object]:
    """Describe a sample to a reader of a language."""
    return {
        "id": sample.id,
        "project": sample.project,
        "file_id": sample.file_id,
        "filename": sample.filename,
        "content_type": sample.content_type,
        "size_bytes": sample.size_bytes,
        "duration_seconds": round(sample.duration_s, 3),
        "uploaded_at": _epoch_s(sample.uploaded_at),
        "usable": sample.is_usable,
        "problems": [in_language(problem, language) for problem in sample.problems],
        "speech_share": round(sample.speech_share, 3),
        "clipped_share": round(sample.clipped_share, 5),
        "noise_db": None if sample.noise_db is None else round(sample.noise_db, 1),
    }


def described_job(job: JobRecord, language: str) -> dict[str, object]:
    """Describe a job to a reader of a language."""
    return {
        "id": job.id,
        "project": job.project,
        "status": str(job.status),
        "progress": round(job.progress, 1),
        "message": in_language(job.message, language),
        "created_at": _epoch_s(job.created_at),
        "started_at": _epoch_s(job.started_at),
        "finished_at": _epoch_s(job.finished_at),
        "name": job.name,
        "language": job.language,
        "provider": job.backend,
        "attempt": job.attempt,
        "result": None if job.result is None else dict(job.result),
    }


@asynccontextmanager
async def trainings_told(here: ServerState) -> AsyncIterator[None]:
    """Tell the conversations of a project of its jobs while the context lasts."""

    def tell(job: JobRecord) -> None:
        for conversation in here.listeners.get(job.project, ()):
            conversation.outbox.put("training", job=described_job(job, conversation.session.language))

    with here.platform.training.feed.heard(tell):
        yield


@contextmanager
def told_of_trainings(conversation: Conversation) -> Iterator[None]:
    """Tell a conversation of its project's jobs while it has a connection; for a handler of a WebSocket."""
    listeners = state().listeners
    own = listeners.setdefault(conversation.session.project, set())
    own.add(conversation)
    try:
        yield
    finally:
        own.discard(conversation)
        if not own and listeners.get(conversation.session.project) is own:
            del listeners[conversation.session.project]


def _epoch_s(moment: datetime | None) -> float | None:
    return None if moment is None else round(moment.timestamp(), 3)
