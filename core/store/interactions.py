"""What was said and done in sessions."""

from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from bson.raw_bson import RawBSONDocument
from glottis.core.store.connection import Database, answering
from glottis.core.store.documents import Interaction, ProjectUsage, collection
from glottis.core.store.errors import StoreError
from glottis.core.store.group_commit import GroupCommit
from glottis.core.store.records import InteractionRecord
from glottis.core.store.transactions import transact
from glottis.core.store.usage import UsageCounter
from pymongo import DESCENDING
from pymongo.asynchronous.client_session import AsyncClientSession

Append = Sequence[tuple[str, RawBSONDocument]]  # project and document of each


class Interactions:
    """The history of all sessions."""

    def __init__(self, database: Database) -> None:
        self._client = database.client
        self._interactions = collection(database, Interaction)
        self._usage = UsageCounter(collection(database, ProjectUsage), "interactions_total")
        self._appends: GroupCommit[Append, None] = GroupCommit(self._commit)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Write while the context lasts."""
        async with self._appends.running():
            yield

    async def append(self, records: Sequence[InteractionRecord]) -> None:
        """Add to history, in order; on return the records outlive a crash of MongoDB.

        Raises:
            RecordInvalid: a record holds what MongoDB cannot; none of `records` is kept.
            StoreUnavailable: MongoDB does not answer.
        """
        if records:
            await self._appends.submit([(record.project, Interaction.encoded(record)) for record in records])

    async def history(self, session_id: str, *, limit: int) -> list[InteractionRecord]:
        """Return the newest `limit` interactions of a session, the oldest of them first."""
        newest = self._interactions.find({"session_id": session_id})
        newest = newest.sort([("at", DESCENDING), ("_id", DESCENDING)]).limit(limit)
        with answering():
            found = await newest.to_list()
        return [Interaction.record(raw) for raw in reversed(found)]

    async def _commit(self, appends: Sequence[Append]) -> list[StoreError | None]:
        documents = [document for append in appends for _, document in append]
        counts = Counter(project for append in appends for project, _ in append)
        tries = 0

        async def insert(session: AsyncClientSession) -> None:
            nonlocal tries
            tries += 1
            await self._interactions.insert_many(documents, session=session)
            await self._usage.add(counts, session=session, is_first_try=tries == 1)

        with answering():
            await transact(self._client, insert)
        return [None] * len(appends)
