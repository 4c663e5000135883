import asyncio
import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from glottis.config import Settings
from glottis.core.store import (
    RecordInvalid,
    SessionLimitReached,
    SessionRecord,
    Store,
    StoreError,
    UsageRecord,
)

OpenStore = Callable[..., AbstractAsyncContextManager[Store]]


async def start(store: Store, **chosen: Any) -> SessionRecord:
    facts: dict[str, Any] = {
        "project": "demo",
        "owner": "alice",
        "user_id": "u1",
        "language": "ru-RU",
        "voice_provider": "piper",
        "voice_id": "joe",
        "project_limit": None,
        "now": datetime.now(UTC),
    }
    return await store.sessions.start(**(facts | chosen))


async def try_start(store: Store, **chosen: Any) -> SessionRecord | None:
    try:
        return await start(store, **chosen)
    except SessionLimitReached:
        return None


async def test_a_session_is_kept_as_it_was_started(store: Store) -> None:
    now = datetime(2026, 11, 22, 15, 0, 0, 123_456, UTC)
    session = await start(store, now=now)
    assert await store.sessions.get(session.id) == session
    assert session == SessionRecord(
        id=session.id,
        project="demo",
        owner="alice",
        user_id="u1",
        language="ru-RU",
        voice_provider="piper",
        voice_id="joe",
        started_at=datetime(2026, 11, 22, 15, 0, 0, 123_000, UTC),
        expires_at=session.expires_at,
    )
    assert timedelta(0) <= session.expires_at - now - timedelta(hours=1) < timedelta(seconds=3.6)


async def test_ids_are_128_random_bits(store: Store) -> None:
    sessions = await asyncio.gather(*(start(store) for _ in range(20)))
    assert len({session.id for session in sessions}) == 20
    assert all(len(session.id) == 32 and int(session.id, 16) >= 0 for session in sessions)


async def test_an_unknown_session_is_none(store: Store) -> None:
    assert await store.sessions.get("0" * 32) is None
    assert await store.sessions.end("0" * 32) is None


async def test_a_session_is_live_until_it_expires_or_ends(open_test_store: OpenStore) -> None:
    async with open_test_store(session_timeout_s=1) as store:
        session = await start(store)
        assert session.is_live(session.expires_at - timedelta(milliseconds=1))
        assert not session.is_live(session.expires_at)
        ended = await store.sessions.end(session.id)
        assert ended is not None
        assert not ended.is_live(session.started_at)


@pytest.mark.parametrize("limit", [1, 100])
async def test_parallel_starts_fill_the_limit_exactly(open_test_store: OpenStore, limit: int) -> None:
    async with open_test_store(max_concurrent_sessions=limit) as store:
        sessions = await asyncio.gather(*(try_start(store) for _ in range(500)))
        assert sum(session is not None for session in sessions) == limit
        assert await store.sessions.count_live() == limit
        assert (await store.usage.totals("demo")).sessions_total == limit


async def test_two_stores_share_the_limit_exactly(open_test_store: OpenStore) -> None:
    async with open_test_store() as one, open_test_store() as other:
        sessions = await asyncio.gather(*(try_start(store) for store in (one, other) for _ in range(250)))
        assert sum(session is not None for session in sessions) == 100
        assert await other.sessions.count_live() == 100


STARTER = """
import asyncio, sys
from datetime import UTC, datetime
from glottis.config import Settings
from glottis.core.store import SessionLimitReached, open_store

async def start(store):
    try:
        await store.sessions.start(project="demo", owner=None, user_id=None, language="en", voice_id=None,
                                   voice_provider=None, project_limit=None, now=datetime.now(UTC))
    except SessionLimitReached:
        return 0
    return 1

async def main():
    async with open_store(Settings(mongo_url=sys.argv[1], mongo_database=sys.argv[2])) as store:
        print("ready", flush=True)
        sys.stdin.readline()
        print(sum(await asyncio.gather(*(start(store) for _ in range(170)))))

asyncio.run(main())
"""


async def test_three_processes_share_the_limit_exactly(
    store_settings: Callable[..., Settings], store: Store
) -> None:
    settings = store_settings()
    assert settings.mongo_url is not None
    where = (settings.mongo_url.get_secret_value(), settings.mongo_database)
    pipe = asyncio.subprocess.PIPE
    starters = [
        await asyncio.create_subprocess_exec(sys.executable, "-c", STARTER, *where, stdin=pipe, stdout=pipe)
        for _ in range(3)
    ]
    for starter in starters:
        assert starter.stdout is not None
        assert await starter.stdout.readline() == b"ready\n"
    answers = await asyncio.gather(*(starter.communicate(b"go\n") for starter in starters))
    assert sum(int(output) for output, _ in answers) == 100
    assert await store.sessions.count_live() == 100
    assert (await store.usage.totals("demo")).sessions_total == 100


async def test_a_project_has_a_limit_of_its_own(store: Store) -> None:
    sessions = await asyncio.gather(*(try_start(store, project_limit=7) for _ in range(30)))
    assert sum(session is not None for session in sessions) == 7
    with pytest.raises(SessionLimitReached) as refusal:
        await start(store, project_limit=7)
    assert (refusal.value.scope, refusal.value.project, refusal.value.limit) == ("demo", "demo", 7)
    await start(store, project="other", project_limit=7)
    assert await store.sessions.count_live("demo") == 7
    assert await store.sessions.count_live() == 8


async def test_the_refusal_names_the_server_when_it_is_full(open_test_store: OpenStore) -> None:
    async with open_test_store(max_concurrent_sessions=1) as store:
        await start(store)
        with pytest.raises(SessionLimitReached) as refusal:
            await start(store, project_limit=1)
    assert (refusal.value.scope, refusal.value.project, refusal.value.limit) == ("server", None, 1)


async def test_an_ended_session_frees_its_place_at_once_and_once(open_test_store: OpenStore) -> None:
    async with open_test_store(max_concurrent_sessions=2) as store:
        first, _ = await start(store), await start(store)
        ended = await asyncio.gather(*(store.sessions.end(first.id) for _ in range(10)))
        assert len(set(ended)) == 1
        again = await asyncio.gather(*(try_start(store) for _ in range(10)))
        assert sum(session is not None for session in again) == 1


async def test_a_place_freed_by_one_store_is_seen_by_another_that_was_full(
    open_test_store: OpenStore,
) -> None:
    async with (
        open_test_store(max_concurrent_sessions=1) as one,
        open_test_store(max_concurrent_sessions=1) as other,
    ):
        session = await start(one)
        assert await try_start(other) is None
        await one.sessions.end(session.id)
        assert await try_start(other) is not None


async def test_a_session_ended_by_two_stores_at_once_frees_one_place(open_test_store: OpenStore) -> None:
    async with open_test_store() as one, open_test_store() as other:
        sessions = [await start(one) for _ in range(10)]
        await asyncio.gather(*(store.sessions.end(s.id) for s in sessions[:5] for store in (one, other)))
        assert await one.sessions.count_live() == 5


async def test_an_expired_session_frees_its_place_at_that_instant(open_test_store: OpenStore) -> None:
    async with open_test_store(max_concurrent_sessions=1, session_timeout_s=1) as store:
        session = await start(store)
        just_before = session.expires_at - timedelta(milliseconds=1)
        assert await try_start(store, now=just_before) is None
        assert await try_start(store, now=session.expires_at) is not None


async def test_an_expired_session_is_not_counted(open_test_store: OpenStore) -> None:
    async with open_test_store(session_timeout_s=60) as store:
        await start(store, now=datetime.now(UTC) - timedelta(seconds=70))
        await start(store)
        assert await store.sessions.count_live() == 1


async def test_expired_and_ended_sessions_can_still_be_read(open_test_store: OpenStore) -> None:
    async with open_test_store(session_timeout_s=1) as store:
        long_ago = datetime.now(UTC) - timedelta(hours=1)
        session = await start(store, now=long_ago)
        assert await store.sessions.get(session.id) == session
        ended = await store.sessions.end(session.id)
        assert ended is not None
        assert ended.ended_at is not None
        assert await store.sessions.get(session.id) == ended


async def test_a_caller_that_is_cancelled_leaves_no_session_open(store: Store) -> None:
    tasks = [asyncio.create_task(start(store)) for _ in range(20)]
    await asyncio.sleep(0)
    for task in tasks[:10]:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    late = asyncio.create_task(start(store))
    while not late.done():  # cancel one in the midst of its commit, wherever that is
        await asyncio.sleep(0)
        late.cancel()
    await asyncio.gather(late, return_exceptions=True)
    assert [task.cancelled() for task in tasks] == [True] * 10 + [False] * 10
    await store.sessions.end(tasks[-1].result().id)  # comes after what the cancelled callers left
    assert await store.sessions.count_live() == 9


async def test_a_start_that_is_cancelled_in_its_commit_gives_its_place_back(store: Store) -> None:
    for patience in range(1, 60, 4):
        task = asyncio.create_task(start(store))
        for _ in range(patience):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    last = await start(store)
    await store.sessions.end(last.id)
    assert await store.sessions.count_live() == 0


async def test_what_has_no_form_in_mongodb_fails_its_caller_alone(store: Store) -> None:
    good, bad = await asyncio.gather(
        start(store), start(store, user_id="half a pair: \ud800"), return_exceptions=True
    )
    assert isinstance(good, SessionRecord)
    assert isinstance(bad, RecordInvalid)
    assert isinstance(bad, StoreError)
    assert await store.sessions.count_live() == 1


async def test_usage_counts_sessions_for_good(store: Store) -> None:
    for _ in range(3):
        session = await start(store)
        await store.sessions.end(session.id)
    assert await store.usage.totals("demo") == UsageRecord(sessions_total=3, interactions_total=0)
    assert await store.usage.totals("other") == UsageRecord(sessions_total=0, interactions_total=0)
