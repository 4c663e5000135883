"""The trained voices of all projects."""

from glottis.core.store.connection import Client, Database, answering
from glottis.core.store.documents import collection
from glottis.core.store.files import Files
from glottis.core.store.training_documents import Voice
from glottis.core.store.training_records import VoiceRecord
from glottis.core.store.transactions import transact
from pymongo.asynchronous.client_session import AsyncClientSession

_TIMEOUT_S = 20.0


class TrainedVoices:
    """Voices; completing a job makes them (see `TrainingJobs.complete`)."""

    def __init__(self, client: Client, database: Database, files: Files) -> None:
        self._client = client
        self._files = files
        self._voices = collection(database, Voice)

    async def all(self) -> tuple[VoiceRecord, ...]:
        """Return every voice, the oldest first."""
        with answering():
            found = await self._voices.find().sort([("created_at", 1), ("_id", 1)]).to_list()
        return tuple(Voice.record(raw) for raw in found)

    async def get(self, voice_id: str) -> VoiceRecord | None:
        """Return a voice by the id under which callers name it."""
        with answering():
            raw = await self._voices.find_one({"_id": voice_id})
        return None if raw is None else Voice.record(raw)

    async def delete(self, voice_id: str) -> None:
        """Delete a voice with its artefact."""

        async def work(session: AsyncClientSession) -> None:
            raw = await self._voices.find_one_and_delete({"_id": voice_id}, session=session)
            if raw is not None and raw["artefact"] is not None:
                await self._files.drop(raw["artefact"], session)

        with answering(_TIMEOUT_S):
            await transact(self._client, work)
