"""The samples of all projects: a document and a file each, which come and go together."""

from collections.abc import Collection, Sequence

from glottis.core.store.connection import DUPLICATE_KEY, Client, Database, answering
from glottis.core.store.documents import collection
from glottis.core.store.encoding import encoded
from glottis.core.store.files import Files
from glottis.core.store.training_documents import TrainingJob, VoiceSample
from glottis.core.store.training_records import SampleRecord
from glottis.core.store.transactions import transact
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.errors import BulkWriteError

_TIMEOUT_S = 20.0
MOST_SAMPLES = 1_000
"""As many as are listed; no project needs more."""


class Samples:
    """Recordings to train with."""

    def __init__(self, client: Client, database: Database, files: Files) -> None:
        self._client = client
        self._files = files
        self._samples = collection(database, VoiceSample)
        self._jobs = collection(database, TrainingJob)

    async def add(self, records: Sequence[SampleRecord]) -> bool:
        """Keep all of these, whose files are pending, or none.

        Returns False if one of them has been there already, and nothing was kept.
        """
        documents = [encoded(_document(record)) for record in records]

        async def work(session: AsyncClientSession) -> None:
            await self._samples.insert_many(documents, session=session)
            for record in records:
                await self._files.keep(record.file_id, session)

        with answering(_TIMEOUT_S):
            try:
                await transact(self._client, work)
            except BulkWriteError as error:
                if any(failure["code"] != DUPLICATE_KEY for failure in error.details["writeErrors"]):
                    raise
                return False
        return True

    async def find(self, project: str, sha256s: Collection[str]) -> tuple[SampleRecord, ...]:
        """Return those of a project that have one of these contents."""
        with answering():
            found = await self._samples.find({"project": project, "sha256": {"$in": list(sha256s)}}).to_list()
        return tuple(VoiceSample.record(raw) for raw in found)

    async def list(self, projects: Collection[str] | None) -> tuple[SampleRecord, ...]:
        """Return the samples of some projects, or of all, the oldest first."""
        wanted = {} if projects is None else {"project": {"$in": list(projects)}}
        found = self._samples.find(wanted).sort([("uploaded_at", 1), ("_id", 1)]).limit(MOST_SAMPLES)
        with answering():
            return tuple(VoiceSample.record(raw) for raw in await found.to_list())

    async def get(self, sample_id: str) -> SampleRecord | None:
        """Return a sample."""
        with answering():
            raw = await self._samples.find_one({"_id": sample_id})
        return None if raw is None else VoiceSample.record(raw)

    async def delete(self, sample_id: str) -> bool:
        """Delete a sample with its file; False if a running job trains with it, and it stays."""
        is_used = False

        async def work(session: AsyncClientSession) -> None:
            nonlocal is_used
            job = await self._jobs.find_one({"active": True, "sample_ids": sample_id}, session=session)
            is_used = job is not None
            if is_used:
                return
            raw = await self._samples.find_one_and_delete({"_id": sample_id}, session=session)
            if raw is not None:
                await self._files.drop(raw["file_id"], session)

        with answering(_TIMEOUT_S):
            await transact(self._client, work)
        return not is_used


def _document(record: SampleRecord) -> VoiceSample:
    fields = {name: getattr(record, name) for name in SampleRecord.__dataclass_fields__}
    return VoiceSample(**{**fields, "problems": [dict(words) for words in record.problems]})
