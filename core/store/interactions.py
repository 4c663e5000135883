"""What was said and done in sessions."""

from collections import Counter
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from bson import ObjectId
from bson.raw_bson import RawBSONDocument
from glottis.core.store.connection import Database, answering, inserting
from glottis.core.store.documents import Interaction, ProjectUsage, collection
from glottis.core.store.encoding import object_id
from glottis.core.store.errors import RecordInvalid, StoreError
from glottis.core.store.group_commit import GroupCommit
from glottis.core.store.records import InteractionRecord
from glottis.core.store.transactions import transact
from glottis.core.store.usage import UsageCounter
from pymongo import DESCENDING, UpdateOne
from pymongo.asynchronous.client_session import AsyncClientSession


@dataclass(frozen=True, slots=True)
class Append:
    """Add records: the project and the document of each."""

    records: Sequence[tuple[str, RawBSONDocument]]


@dataclass(frozen=True, slots=True)
class Amend:
    """Change a record that is there."""

    update: UpdateOne


Change = Append | Amend


class Interactions:
    """The history of all sessions."""

    def __init__(self, database: Database) -> None:
        self._client = database.client
        self._interactions = collection(database, Interaction)
        self._usage = UsageCounter(collection(database, ProjectUsage), "interactions_total")
        self._changes: GroupCommit[Change, None] = GroupCommit(self._commit)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Write while the context lasts."""
        async with self._changes.running():
            yield

    @staticmethod
    def make_id() -> str:
        """Return an id for a record that is yet to be appended; ids made later in a process sort after it."""
        return str(ObjectId())

    async def append(self, records: Sequence[InteractionRecord]) -> None:
        """Add to history, in order; on return the records outlive a crash of MongoDB.

        Raises:
            RecordInvalid: a record holds what MongoDB cannot, or its id is taken; none of `records` is kept.
            StoreUnavailable: MongoDB does not answer.
        """
        if records:
            documents = [(record.project, Interaction.encoded(record)) for record in records]
            await self._changes.submit(Append(documents))

    async def amend(
        self,
        session_id: str,
        interaction_id: str,
        content: Mapping[str, Any],
        *,
        latencies_ms: Mapping[str, float] | None = None,
    ) -> None:
        """Merge fields into the content of an interaction, which may be one whose append is still under way.

        `latencies_ms` takes the place of those that it has.

        On return the change outlives a crash of MongoDB. Nothing happens where the session has no such
        interaction (any more).

        Raises:
            RecordInvalid: `content` holds what MongoDB cannot, or `interaction_id` is none.
            StoreUnavailable: MongoDB does not answer.
        """
        where = {"_id": object_id(interaction_id), "session_id": session_id}
        await self._changes.submit(Amend(UpdateOne(where, Interaction.amendment(content, latencies_ms))))

    async def history(self, session_id: str, *, limit: int) -> list[InteractionRecord]:
        """Return the newest `limit` interactions of a session, the oldest of them first."""
        newest = self._interactions.find({"session_id": session_id})
        newest = newest.sort([("at", DESCENDING), ("_id", DESCENDING)]).limit(limit)
        with answering():
            found = await newest.to_list()
        return [Interaction.record(raw) for raw in reversed(found)]

    async def _commit(self, changes: Sequence[Change]) -> list[StoreError | None]:
        """Carry out changes; appends come first, so that what they add can be amended in the same batch."""
        appends = [change for change in changes if isinstance(change, Append)]
        amends = [change for change in changes if isinstance(change, Amend)]
        refused = await self._append(appends)
        failure = await self._amend(amends)
        return [failure if isinstance(change, Amend) else refused.get(id(change)) for change in changes]

    async def _append(self, appends: Sequence[Append]) -> dict[int, StoreError]:
        """Insert all together; if an id is taken, one by one, so that only who gave it is refused."""
        refused: dict[int, StoreError] = {}
        if not appends:
            return refused
        try:
            await self._insert(appends)
        except RecordInvalid as error:
            if len(appends) == 1:
                return {id(appends[0]): error}
            for append in appends:
                refused |= await self._append([append])
        return refused

    async def _insert(self, appends: Sequence[Append]) -> None:
        documents = [document for append in appends for _, document in append.records]
        counts = Counter(project for append in appends for project, _ in append.records)
        tries = 0

        async def insert(session: AsyncClientSession) -> None:
            nonlocal tries
            tries += 1
            with inserting():
                await self._interactions.insert_many(documents, session=session)
            await self._usage.add(counts, session=session, is_first_try=tries == 1)

        with answering():
            await transact(self._client, insert)

    async def _amend(self, amends: Sequence[Amend]) -> StoreError | None:
        if not amends:
            return None
        try:
            with answering():
                await self._interactions.bulk_write([amend.update for amend in amends])
        except StoreError as error:  # theirs alone: what was appended in the same batch is kept
            return error
        return None
