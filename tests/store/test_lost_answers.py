"""What becomes of places when MongoDB fails in the midst of a change: MongoDB's own fail points say where."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from glottis.config import Settings
from glottis.core.store import (
    SessionLimitReached,
    SessionRecord,
    Store,
    StoreError,
    StoreUnavailable,
    open_store,
)
from pydantic import SecretStr
from pymongo import AsyncMongoClient

from tests.faulty_mongo import failing

DATABASE = "glottis"


@pytest.fixture
async def client(faulty_url: str) -> AsyncIterator[AsyncMongoClient[dict[str, Any]]]:
    async with AsyncMongoClient[dict[str, Any]](faulty_url) as client:
        await client.drop_database(DATABASE)
        yield client


@pytest.fixture
async def store(faulty_url: str, client: object) -> AsyncIterator[Store]:  # noqa: ARG001 - it empties the database
    settings = {"mongo_url": SecretStr(faulty_url), "mongo_database": DATABASE, "max_concurrent_sessions": 2}
    async with open_store(Settings.model_validate(settings)) as store:
        await store.sessions.end((await start(store)).id)
        yield store


async def start(store: Store) -> SessionRecord:
    return await store.sessions.start(
        project="demo",
        owner=None,
        user_id=None,
        language="en",
        voice_provider=None,
        voice_id=None,
        project_limit=None,
        now=datetime.now(UTC),
    )


LEDGER = {"namespace": f"{DATABASE}.session_ledger"}
SESSIONS = {"namespace": f"{DATABASE}.voice_sessions"}


async def test_a_session_that_could_not_be_stored_leaves_its_place(
    store: Store, client: AsyncMongoClient[dict[str, Any]]
) -> None:
    async with failing(client, "insert", errorCode=8, **SESSIONS):
        for _ in range(3):
            with pytest.raises(StoreError):
                await start(store)
    await start(store)
    await start(store)
    assert await store.sessions.count_live() == 2


async def test_a_session_whose_commit_was_not_confirmed_leaves_its_place(
    store: Store, client: AsyncMongoClient[dict[str, Any]]
) -> None:
    async with failing(client, "commitTransaction", closeConnection=True):
        with pytest.raises(StoreUnavailable):
            await start(store)
    await start(store)
    await start(store)
    assert await store.sessions.count_live() == 2


async def test_a_start_that_was_not_written_takes_no_place(
    store: Store, client: AsyncMongoClient[dict[str, Any]]
) -> None:
    async with failing(client, "update", closeConnection=True, **LEDGER):
        with pytest.raises(StoreUnavailable):
            await start(store)
    await start(store)
    await start(store)
    assert await store.sessions.count_live() == 2


@pytest.mark.parametrize("is_waited_for", [True, False], ids=["made before", "still on its way"])
async def test_a_write_that_mongodb_makes_after_we_gave_up_counts_once(
    store: Store, client: AsyncMongoClient[dict[str, Any]], *, is_waited_for: bool
) -> None:
    ended = await start(store)
    late: dict[str, Any] = {"blockConnection": True, "blockTimeMS": 3_000, **LEDGER}
    async with failing(client, "update", mode={"times": 1}, **late):
        outcomes = await asyncio.gather(
            store.sessions.end(ended.id), start(store), start(store), return_exceptions=True
        )
        assert {type(outcome) for outcome in outcomes} == {StoreUnavailable}
        if is_waited_for:
            await pause(client)
        sessions = [await start(store), await start(store)]
        with pytest.raises(SessionLimitReached):
            await start(store)
        await pause(client)
        assert await store.sessions.count_live() == 2
        for session in sessions:
            await store.sessions.end(session.id)
        assert await store.sessions.count_live() == 0


async def pause(client: AsyncMongoClient[dict[str, Any]]) -> None:
    """Let MongoDB sleep for a second, in which it makes what was blocked."""
    await client.admin.command({"sleep": 1, "secs": 1, "lock": "none"})
