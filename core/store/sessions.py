"""Voice sessions, within limits that hold exactly over all processes and nodes."""

import re
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from glottis.core.store.connection import Database, answering
from glottis.core.store.documents import SessionLedger, VoiceSession, collection
from glottis.core.store.encoding import encoded
from glottis.core.store.group_commit import GroupCommit
from glottis.core.store.ledger import Place, expiry_of
from glottis.core.store.places import Places, Wanted
from glottis.core.store.records import SessionRecord
from glottis.core.store.session_writer import Change, End, SessionWriter, Start

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MILLISECOND = timedelta(milliseconds=1)
_ID = re.compile("[0-9a-f]{32}")


class Sessions:
    """The sessions of all nodes."""

    def __init__(self, database: Database, *, limit: int, timeout_s: int) -> None:
        self._sessions = collection(database, VoiceSession)
        self._places = Places(collection(database, SessionLedger), limit=limit)
        self._timeout_s = timeout_s
        writer = SessionWriter(database, self._places)
        self._reads: GroupCommit[str, SessionRecord | None] = GroupCommit(self._read)
        self._changes: GroupCommit[Change, SessionRecord | None] = GroupCommit(
            writer.commit, unclaimed=self._end_unclaimed
        )

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Write while the context lasts."""
        async with self._changes.running(), self._reads.running():
            yield

    async def start(
        self,
        *,
        project: str,
        owner: str | None,
        user_id: str | None,
        language: str,
        voice_provider: str | None,
        voice_id: str | None,
        project_limit: int | None,
        now: datetime,
    ) -> SessionRecord:
        """Open a session if the server and the project have a place for it.

        Raises:
            SessionLimitReached: every place is taken.
            StoreUnavailable: MongoDB does not answer.
            RecordInvalid: a text has no form in UTF-8.
        """
        started_ms = (now - EPOCH) // MILLISECOND
        expiry_ms = expiry_of(started_ms, self._timeout_s)
        record = SessionRecord(
            id=secrets.token_hex(16),
            project=project,
            owner=owner,
            user_id=user_id,
            language=language,
            voice_provider=voice_provider,
            voice_id=voice_id,
            started_at=EPOCH + started_ms * MILLISECOND,
            expires_at=EPOCH + expiry_ms * MILLISECOND,
        )
        wanted = Wanted(place=Place(expiry_ms, project), project_limit=project_limit)
        start = Start(record, encoded(VoiceSession.of(record)), wanted)
        await self._changes.submit(start)
        return record

    async def get(self, session_id: str) -> SessionRecord | None:
        """Return a session, also one that has ended or expired, while its history is kept."""
        if not _ID.fullmatch(session_id):
            return None
        return await self._reads.submit(session_id)

    async def end(self, session_id: str) -> SessionRecord | None:
        """End a session, freeing its place at once; ending it again changes nothing.

        Returns the session as it now is, or None where there is none.
        """
        return await self._changes.submit(End(session_id))

    async def count_live(self, project: str | None = None) -> int:
        """Count the places taken now in a project, or in all."""
        with answering():
            return await self._places.live(project)

    async def _read(self, session_ids: Sequence[str]) -> list[SessionRecord | None]:
        """Look up all that was asked for while the last look-up was under way: one query for many callers."""
        found = self._sessions.find({"_id": {"$in": list(set(session_ids))}})
        with answering():
            records = {raw["_id"]: VoiceSession.record(raw) for raw in await found.to_list()}
        return [records.get(session_id) for session_id in session_ids]

    def _end_unclaimed(self, record: SessionRecord | None) -> None:
        """End a session whose caller went away before it knew the id."""
        if record is not None and record.ended_at is None:
            self._changes.submit_unattended(End(record.id))
