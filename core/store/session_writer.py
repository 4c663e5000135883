"""Commit starts and ends of sessions, many at a time."""

import asyncio
import secrets
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from bson.raw_bson import RawBSONDocument
from glottis.core.store.connection import Database, answering
from glottis.core.store.documents import NodeEvent, ProjectUsage, VoiceSession, collection
from glottis.core.store.errors import SessionLimitReached, StoreError
from glottis.core.store.events import SESSION_ENDED
from glottis.core.store.ledger import Place
from glottis.core.store.places import Places, Wanted
from glottis.core.store.records import SessionRecord
from glottis.core.store.transactions import transact
from glottis.core.store.usage import UsageCounter
from pymongo import DeleteOne, UpdateOne
from pymongo.asynchronous.client_session import AsyncClientSession


@dataclass(frozen=True, slots=True)
class Start:
    """Open a session; `document` is the record as MongoDB keeps it."""

    record: SessionRecord
    document: RawBSONDocument
    wanted: Wanted


@dataclass(frozen=True, slots=True)
class End:
    """End a session."""

    session_id: str


Change = Start | End


class SessionWriter:
    """Writes one batch of changes after the other.

    Places are taken before the sessions are stored, and given back after they are marked as ended: a crash of
    this process in between costs a place until the session would have expired, and never opens one too many.
    """

    def __init__(self, database: Database, places: Places) -> None:
        self._client = database.client
        self._sessions = collection(database, VoiceSession)
        self._events = collection(database, NodeEvent)
        self._usage = UsageCounter(collection(database, ProjectUsage), "sessions_total")
        self._places = places
        self._stillborn: dict[str, Place] = {}
        self._ending: dict[str, str] = {}  # sessions and the marks that they get
        self._untold: set[str] = set()

    async def commit(self, changes: Sequence[Change]) -> list[SessionRecord | StoreError | None]:
        """Carry out changes; ends come first, so that their places are free for the starts."""
        starts = [change for change in changes if isinstance(change, Start)]
        with answering():
            await self._bury_stillborn()
            ended = await self._end([change.session_id for change in changes if isinstance(change, End)])
            telling = asyncio.create_task(self._tell())
            try:
                refused = await self._start(starts)
            finally:
                untold = await telling
        return [
            untold or ended.get(change.session_id)
            if isinstance(change, End)
            else refused.get(change.record.id, change.record)
            for change in changes
        ]

    async def _start(self, starts: Sequence[Start]) -> dict[str, SessionLimitReached]:
        """Write the ledger and store the sessions that got places; return the refusals of the others."""
        now_ms = max((_epoch_ms(start.record.started_at) for start in starts), default=0)
        refusals = await self._places.change([start.wanted for start in starts], now_ms=now_ms)
        refused = {
            start.record.id: refusal
            for start, refusal in zip(starts, refusals, strict=True)
            if refusal is not None
        }
        await self._insert([start for start in starts if start.record.id not in refused])
        return refused

    async def _end(self, session_ids: Sequence[str]) -> dict[str, SessionRecord]:
        """Mark sessions as ended; who made a session's mark gives its place back, once.

        What an outage cut short before is finished first: its mark may be made, its place still taken, and
        no other node told.
        """
        mark = secrets.token_hex(8)
        for session_id in session_ids:
            self._ending.setdefault(session_id, mark)
        if not self._ending:
            return {}
        now = datetime.now(UTC)
        await self._sessions.bulk_write(
            [
                UpdateOne(
                    {"_id": session_id, "ended_at": None}, {"$set": {"ended_at": now, "ended_by": mark}}
                )
                for session_id, mark in self._ending.items()
            ],
            ordered=False,
        )
        self._untold.update(self._ending)
        ended = {}
        for raw in await self._sessions.find({"_id": {"$in": list(self._ending)}}).to_list():
            ended[raw["_id"]] = VoiceSession.record(raw)
            if raw["ended_by"] == self._ending[raw["_id"]]:
                self._places.give_back(_place_of(ended[raw["_id"]]))
        self._ending.clear()
        return ended

    async def _tell(self) -> StoreError | None:
        """Tell all nodes that sessions are ended; not before they are, or who looks would find them live."""
        told = self._untold.copy()
        if not told:
            return None
        events = [NodeEvent.encoded(SESSION_ENDED, session_id, {}) for session_id in told]
        try:
            with answering():
                await self._events.insert_many(events, ordered=False)
        except StoreError as error:  # no reason to refuse the starts; the next commit tells of these ends
            return error
        self._untold -= told
        return None

    async def _insert(self, starts: Sequence[Start]) -> None:
        """Store sessions that have their places, and count them."""
        if not starts:
            return
        documents = [start.document for start in starts]
        counts = Counter(start.record.project for start in starts)
        tries = 0

        async def insert(session: AsyncClientSession) -> None:
            nonlocal tries
            tries += 1
            await self._sessions.insert_many(documents, ordered=False, session=session)
            await self._usage.add(counts, session=session, is_first_try=tries == 1)

        self._stillborn.update({start.record.id: start.wanted.place for start in starts})
        await transact(self._client, insert)
        for start in starts:
            del self._stillborn[start.record.id]

    async def _bury_stillborn(self) -> None:
        """Free the places of sessions that could not be stored, or whose storing was never confirmed.

        Their callers were told of a failure, so nobody knows their ids.
        """
        if not self._stillborn:
            return
        await self._sessions.bulk_write(
            [DeleteOne({"_id": session_id}) for session_id in self._stillborn], ordered=False
        )
        for place in self._stillborn.values():
            self._places.give_back(place)
        self._stillborn.clear()


def _place_of(record: SessionRecord) -> Place:
    return Place(_epoch_ms(record.expires_at), record.project)


def _epoch_ms(at: datetime) -> int:
    return round(at.timestamp() * 1_000)
