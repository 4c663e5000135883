"""The training jobs of all nodes: who works on which, and what has come of it.

Times are MongoDB's own, so that no node's clock decides whose lease has ended. A worker that takes a job gets
the next attempt number, and what it writes is taken only while that is still the job's: one that was given up
for dead cannot write any more, however it comes back.
"""

import secrets
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from glottis.core.store.connection import Client, Database, Raw, answering
from glottis.core.store.documents import collection
from glottis.core.store.encoding import check_depth, encoded
from glottis.core.store.files import Files
from glottis.core.store.training_documents import TrainingJob, Voice
from glottis.core.store.training_records import JobRecord, JobStatus, VoiceRecord, Words
from glottis.core.store.transactions import transact
from pymongo import ReturnDocument
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.errors import DuplicateKeyError

_TIMEOUT_S = 20.0
_IS_DUE: Raw = {"active": True, "$expr": {"$lte": ["$due_at", "$$NOW"]}}
_OVER: Raw = {"finished_at": "$$NOW", "is_held": False, "node": None, "checkpoint": None}


class TrainingJobs:
    """The jobs, of which each project has at most one that is not over."""

    def __init__(self, client: Client, database: Database, files: Files) -> None:
        self._client = client
        self._files = files
        self._jobs = collection(database, TrainingJob)
        self._voices = collection(database, Voice)

    async def queue(
        self,
        *,
        project: str,
        name: str,
        language: str,
        backend: str,
        sample_ids: Sequence[str],
        message: Words,
    ) -> tuple[JobRecord, bool]:
        """Queue a job, or return the one that the project has running; tells whether it is new.

        Raises:
            RecordInvalid: a text has no form in UTF-8.
            StoreUnavailable: MongoDB does not answer.
        """
        job = TrainingJob(
            id=secrets.token_hex(16),
            project=project,
            name=name,
            language=language,
            backend=backend,
            sample_ids=list(sample_ids),
            message=dict(message),
            created_at=datetime.now(UTC),
        )
        encoded_job, raw = encoded(job), job.model_dump(by_alias=True)
        with answering():
            while True:
                try:
                    await self._jobs.insert_one(encoded_job)
                    return TrainingJob.record(raw), True
                except DuplicateKeyError:
                    # The index lets a project have one; if it is over by now, there is room again.
                    running = await self._jobs.find_one({"project": project, "active": True})
                    if running is not None:
                        return TrainingJob.record(running), False

    async def get(self, job_id: str) -> JobRecord | None:
        """Return a job."""
        with answering():
            raw = await self._jobs.find_one({"_id": job_id})
        return None if raw is None else TrainingJob.record(raw)

    async def newest(self, projects: Collection[str] | None, *, limit: int) -> tuple[JobRecord, ...]:
        """Return the jobs of some projects, or of all, the newest first."""
        wanted = {} if projects is None else {"project": {"$in": list(projects)}}
        found = self._jobs.find(wanted).sort([("created_at", -1), ("_id", -1)]).limit(limit)
        with answering():
            return tuple(TrainingJob.record(raw) for raw in await found.to_list())

    async def claim(
        self, *, node: str, backends: Collection[str], lease_s: float, job_id: str | None = None
    ) -> JobRecord | None:
        """Take the oldest job that waits for a worker, or whose worker has let its lease end, or this one."""
        wanted = {**_IS_DUE, "backend": {"$in": list(backends)}, **({"_id": job_id} if job_id else {})}
        taken: list[Raw] = [
            {
                "$set": {
                    "attempt": {"$add": ["$attempt", 1]},
                    "failures": {"$add": ["$failures", {"$cond": ["$is_held", 1, 0]}]},
                    "is_held": True,
                    "node": node,
                    "due_at": _in(lease_s),
                    "started_at": {"$ifNull": ["$started_at", "$$NOW"]},
                    "status": str(JobStatus.PREPARING),
                }
            }
        ]
        with answering():
            raw = await self._jobs.find_one_and_update(
                wanted, taken, sort=[("created_at", 1)], return_document=ReturnDocument.AFTER
            )
        return None if raw is None else TrainingJob.record(raw)

    async def due(self, *, limit: int = 1_000) -> tuple[tuple[str, str], ...]:
        """List the ids and backends of jobs that nobody works on, the oldest first."""
        found = self._jobs.find(_IS_DUE, {"backend": 1}).sort("created_at", 1).limit(limit)
        with answering():
            return tuple((raw["_id"], raw["backend"]) for raw in await found.to_list())

    async def due_in_s(self, job_id: str) -> float | None:
        """Tell how long a job is still somebody's, or pauses; None if it is over."""
        waits: Raw = {"wait_ms": {"$max": [0, {"$subtract": ["$due_at", "$$NOW"]}]}}
        with answering():
            found = await self._jobs.find_one({"_id": job_id, "active": True}, waits)
        return None if found is None else float(found["wait_ms"]) / 1_000

    async def renew(self, job: JobRecord, *, lease_s: float) -> bool:
        """Prolong a lease; False if the job is somebody else's by now, or over."""
        return await self._write(job, {"due_at": _in(lease_s)}) is not None

    async def report(
        self, job: JobRecord, *, status: JobStatus, progress: float, message: Words
    ) -> JobRecord | None:
        """Note how far a job is, which never goes back; None if it is somebody else's by now, or over."""
        return await self._write(
            job,
            {
                "status": str(status),
                "progress": {"$max": ["$progress", progress]},
                "message": {"$literal": dict(message)},
            },
        )

    async def keep(self, job: JobRecord, *, checkpoint: str, progress: float) -> bool:
        """Keep a pending file as the checkpoint, instead of the last one; False as for `renew`.

        A job that got further than at any checkpoint before is given all of its attempts again.
        """
        is_further: Raw = {"$gt": [progress, "$kept_progress"]}
        changes = {
            "checkpoint": checkpoint,
            "failures": {"$cond": [is_further, 0, "$failures"]},
            "kept_progress": {"$max": ["$kept_progress", progress]},
        }
        is_ours = False

        async def work(session: AsyncClientSession) -> None:
            nonlocal is_ours
            before = await self._jobs.find_one_and_update(_held(job), [{"$set": changes}], session=session)
            is_ours = before is not None
            if before is None:
                return
            await self._files.keep(checkpoint, session)
            if before["checkpoint"] is not None:
                await self._files.drop(before["checkpoint"], session)

        with answering(_TIMEOUT_S):
            await transact(self._client, work)
        return is_ours

    async def complete(
        self, job: JobRecord, voice: VoiceRecord, *, result: Mapping[str, Any], message: Words
    ) -> JobRecord | None:
        """Keep the voice, with its pending artefact, and end the job; None as for `report`: nothing is kept.

        Raises:
            RecordInvalid: the metrics hold what MongoDB cannot.
        """
        check_depth(result)
        document = encoded(_voice_document(voice))
        changes = {
            **_OVER,
            "status": str(JobStatus.COMPLETED),
            "progress": 100.0,
            "message": {"$literal": dict(message)},
            "result": {"$literal": dict(result)},
        }

        async def work(session: AsyncClientSession) -> None:
            await self._voices.insert_one(document, session=session)
            if voice.artefact is not None:
                await self._files.keep(voice.artefact, session)

        return await self._end(_held(job), changes, work)

    async def fail(self, job: JobRecord, *, error: Words) -> JobRecord | None:
        """End a job without a voice; None as for `report`."""
        said = {"$literal": dict(error)}
        return await self._end(
            _held(job), {**_OVER, "status": str(JobStatus.FAILED), "message": said, "error": said}
        )

    async def cancel(self, job_id: str, *, message: Words) -> JobRecord | None:
        """End a job, whoever works on it; None if it is over already."""
        said = {"$literal": dict(message)}
        return await self._end(
            {"_id": job_id, "active": True}, {**_OVER, "status": str(JobStatus.CANCELLED), "message": said}
        )

    async def has_done_without(self, job: JobRecord, *, provider: str, voice_id: str) -> bool:
        """Tell whether a job is over, and has not kept this voice of a provider's: nobody can any more."""
        with answering():
            # In this order: what ends a job keeps its voice in the same transaction.
            if await self._jobs.find_one({"_id": job.id, "active": True}) is not None:
                return False
            return await self._voices.find_one({"provider": provider, "voice_id": voice_id}) is None

    async def put_back(
        self, job: JobRecord, *, message: Words, after_s: float = 0.0, has_failed: bool = False
    ) -> JobRecord | None:
        """Let another worker go on with a job, after a while; None as for `report`."""
        return await self._write(
            job,
            {
                "status": str(JobStatus.QUEUED),
                "message": {"$literal": dict(message)},
                "failures": {"$add": ["$failures", int(has_failed)]},
                "due_at": _in(after_s),
                "is_held": False,
                "node": None,
            },
        )

    async def _write(self, job: JobRecord, changes: Raw) -> JobRecord | None:
        with answering():
            raw = await self._jobs.find_one_and_update(
                _held(job), [{"$set": changes}], return_document=ReturnDocument.AFTER
            )
        return None if raw is None else TrainingJob.record(raw)

    async def _end(self, which: Raw, changes: Raw, also: Any = None) -> JobRecord | None:
        ended: Raw | None = None

        async def work(session: AsyncClientSession) -> None:
            nonlocal ended
            before = await self._jobs.find_one(which, projection={"checkpoint": 1}, session=session)
            ended = await self._jobs.find_one_and_update(
                which,
                [{"$set": changes}, {"$unset": "active"}],
                return_document=ReturnDocument.AFTER,
                session=session,
            )
            if ended is None or before is None:
                return
            if before["checkpoint"] is not None:
                await self._files.drop(before["checkpoint"], session)
            if also is not None:
                await also(session)

        with answering(_TIMEOUT_S):
            await transact(self._client, work)
        return None if ended is None else TrainingJob.record(ended)


def _held(job: JobRecord) -> Raw:
    """Find a job as long as it is the worker's who was given it like this."""
    return {"_id": job.id, "attempt": job.attempt, "active": True, "is_held": True}


def _in(seconds: float) -> Raw:
    return {"$add": ["$$NOW", round(seconds * 1_000)]}


def _voice_document(voice: VoiceRecord) -> Voice:
    check_depth(voice.metrics)
    fields = {name: getattr(voice, name) for name in VoiceRecord.__dataclass_fields__}
    return Voice(**{**fields, "languages": list(voice.languages), "metrics": dict(voice.metrics)})
