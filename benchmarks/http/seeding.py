"""Fill a database before it is measured, and keep it as full as it was meant to be."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from glottis.config import Settings
from glottis.core.access import hash_password
from glottis.core.store import (
    AudioClaim,
    AudioRecord,
    InteractionRecord,
    SessionRecord,
    Store,
    open_store,
)
from pydantic import SecretStr
from pymongo import AsyncMongoClient

from benchmarks.http.floor import AUDIO_BYTES
from benchmarks.http.servers import PASSWORD, SESSION_LIMIT, SESSION_TIMEOUT_S, USER

STARTED = "started"
"""The project of the sessions that the benchmark starts, and of nothing else."""
SPOKEN = "demo"
"""The project of the sessions that it talks in."""
AUDIO_ID = "a" * 32

_SEEDED = "seeded"
_STORED_AUDIO = 1_000
_STORED_AUDIO_BYTES = 20_000
_AT_ONCE = 1_000  # gathered by the store into few writes
_AUDIO_AT_ONCE = 25  # each a write of its own


async def fill(mongo_url: str, database: str, *, sessions: int) -> None:
    """Add a user, the audio that is fetched, live sessions with a turn each, and other audio beside them."""
    async with _store(mongo_url, database) as store:
        hashed = await asyncio.to_thread(hash_password, PASSWORD)
        await store.users.add(USER, password_hash=hashed, projects=None, replace=True)
        await _add_audio(store, AUDIO_ID, AUDIO_BYTES)
        if not sessions:
            return
        now = datetime.now(UTC)
        # Started all through the last 20 hours: their places in the ledger differ, as they would.
        pause = timedelta(seconds=SESSION_TIMEOUT_S * 20 / 24 / sessions)
        for done in range(0, sessions, _AT_ONCE):
            numbers = range(done, min(sessions, done + _AT_ONCE))
            await asyncio.gather(*(_add_session(store, now - pause * (sessions - n)) for n in numbers))
        for done in range(0, _STORED_AUDIO, _AUDIO_AT_ONCE):
            ids = [f"{number:032x}" for number in range(done, done + _AUDIO_AT_ONCE)]
            await asyncio.gather(*(_add_audio(store, audio_id, _STORED_AUDIO_BYTES) for audio_id in ids))


async def clear(mongo_url: str, database: str) -> None:
    """Remove what measuring has added, so that the next sample finds what the first one did."""
    names = {document.name: document.collection for document in Store.describe()}
    async with AsyncMongoClient[dict[str, object]](mongo_url) as client:
        await client[database][names["VoiceSession"]].delete_many({"project": STARTED})
        await client[database][names["Interaction"]].delete_many({"project": SPOKEN})


@asynccontextmanager
async def _store(mongo_url: str, database: str) -> AsyncIterator[Store]:
    settings = Settings(
        mongo_url=SecretStr(mongo_url),
        mongo_database=database,
        max_concurrent_sessions=SESSION_LIMIT,
        session_timeout_s=SESSION_TIMEOUT_S,
    )
    async with open_store(settings) as store:
        yield store


async def _add_session(store: Store, now: datetime) -> None:
    session = await store.sessions.start(
        project=_SEEDED,
        owner=USER,
        user_id=None,
        language="en-US",
        voice_provider=None,
        voice_id=None,
        project_limit=None,
        now=now,
    )
    asked = _interaction(session, {"text": "Where is my order?"})
    await store.interactions.append([asked, _interaction(session, {"text": "It is on its way."})])


def _interaction(session: SessionRecord, content: dict[str, str]) -> InteractionRecord:
    return InteractionRecord(
        session_id=session.id,
        project=session.project,
        user_id=None,
        at=session.started_at,
        type="user",
        content=content,
    )


async def _add_audio(store: Store, audio_id: str, size: int) -> None:
    claim = await store.audio.claim(audio_id, holder="benchmark", lease_s=60)
    if not isinstance(claim, AudioClaim):
        return
    now = datetime.now(UTC)
    record = AudioRecord(
        id=audio_id,
        scope=f"project:{SPOKEN}",
        content_type="audio/mpeg",
        data=os.urandom(size),
        duration_s=1.0,
        provider="mock",
        voice="default",
        created_at=now,
        accessed_at=now,
        size_bytes=size,
    )
    await store.audio.complete(audio_id, record, holder="benchmark")
