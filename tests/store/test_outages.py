import asyncio
import contextlib
import os
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from glottis.config import Settings
from glottis.core.store import (
    InteractionRecord,
    MongoUnsuitable,
    SessionLimitReached,
    SessionRecord,
    Store,
    StoreUnavailable,
    embedded_url,
    open_store,
)
from glottis.core.store.binary import find_mongod
from pydantic import SecretStr
from pymongo import AsyncMongoClient

OpenStore = Callable[..., AbstractAsyncContextManager[Store]]


async def start(store: Store, **chosen: Any) -> SessionRecord:
    return await store.sessions.start(
        project="demo",
        owner=None,
        user_id=None,
        language="en",
        voice_provider=None,
        voice_id=None,
        project_limit=None,
        now=datetime.now(UTC),
        **chosen,
    )


def said(text: str, session_id: str) -> InteractionRecord:
    return InteractionRecord(
        session_id=session_id,
        project="demo",
        user_id=None,
        at=datetime.now(UTC),
        type="user",
        content={"text": text},
    )


class Caller:
    """Starts sessions and says things in them, and remembers what was acknowledged."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.acknowledged: dict[str, list[str]] = {}

    async def call(self, until: asyncio.Event) -> None:
        while not until.is_set():
            with contextlib.suppress(StoreUnavailable):
                session = await start(self.store)
                said_so_far = self.acknowledged.setdefault(session.id, [])
                for number in range(3):
                    await self.store.interactions.append([said(str(number), session.id)])
                    said_so_far.append(str(number))


async def once_back(call: Callable[[], Awaitable[Any]]) -> None:
    """Call until MongoDB answers again."""
    async with asyncio.timeout(30):
        while True:
            with contextlib.suppress(StoreUnavailable):
                await call()
                return


async def test_killing_mongod_under_load_loses_nothing_that_was_acknowledged(
    tmp_path: Path, processes: Any
) -> None:
    async with open_store(Settings(data_dir=tmp_path, max_concurrent_sessions=1_000_000)) as store:
        url = embedded_url(tmp_path)
        assert url is not None
        callers = [Caller(store) for _ in range(16)]
        enough = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            for caller in callers:
                tasks.create_task(caller.call(enough))
            for _ in range(2):
                mongod = processes.mongod_at(url)
                ended = processes.end_of(mongod)
                os.kill(mongod, signal.SIGKILL)
                await ended()
                for _ in range(20):
                    await once_back(lambda: start(store))
            enough.set()
        for caller in callers:
            assert len(caller.acknowledged) > 1
            for session_id, texts in caller.acknowledged.items():
                assert await store.sessions.get(session_id) is not None
                history = await store.interactions.history(session_id, limit=10)
                assert texts == [record.content["text"] for record in history][: len(texts)]
        started = sum(len(caller.acknowledged) for caller in callers)
        assert (await store.usage.totals("demo")).sessions_total >= started


@asynccontextmanager
async def stopped(pid: int) -> AsyncIterator[None]:
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@pytest.mark.parametrize("round_trips", [0, 1])
async def test_ends_that_an_outage_cut_short_leave_no_place_taken(
    open_test_store: OpenStore, mongo_url: str, processes: Any, round_trips: int
) -> None:
    mongod = processes.mongod_at(mongo_url)
    async with open_test_store() as store:
        sessions = await asyncio.gather(*(start(store) for _ in range(50)))
        ending = [asyncio.create_task(store.sessions.end(session.id)) for session in sessions]
        for _ in range(round_trips):  # by then some are marked as ended, and have their places still
            await store.sessions.get("0" * 32)
        await asyncio.sleep(0)
        async with stopped(mongod):
            await asyncio.gather(*ending, return_exceptions=True)
        await once_back(lambda: asyncio.gather(*(store.sessions.end(session.id) for session in sessions)))
        assert await store.sessions.count_live() == 0


@pytest.mark.parametrize("round_trips", [0, 1, 2])
async def test_starts_that_an_outage_cut_short_leave_no_place_taken(
    open_test_store: OpenStore, mongo_url: str, processes: Any, round_trips: int
) -> None:
    mongod = processes.mongod_at(mongo_url)
    async with open_test_store(max_concurrent_sessions=50) as store:
        await store.sessions.end((await start(store)).id)
        starting = [asyncio.create_task(start(store)) for _ in range(80)]
        for _ in range(round_trips):  # by then some have their places, and are not stored yet
            await store.sessions.get("0" * 32)
        await asyncio.sleep(0)
        async with stopped(mongod):
            outcomes = await asyncio.gather(*starting, return_exceptions=True)
        kinds = {type(outcome) for outcome in outcomes}
        assert kinds <= {SessionRecord, SessionLimitReached, StoreUnavailable}
        for outcome in outcomes:
            if isinstance(outcome, SessionRecord):
                await store.sessions.end(outcome.id)
        await once_back(lambda: start(store))
        assert await store.sessions.count_live() == 1


async def test_a_mongod_that_hangs_is_unavailable_soon(store: Store, mongo_url: str, processes: Any) -> None:
    await store.ping()
    async with stopped(processes.mongod_at(mongo_url)):
        began = time.monotonic()
        with pytest.raises(StoreUnavailable):
            await store.ping()
        assert time.monotonic() - began < 10  # two, on a machine with time for it
    await store.ping()


async def test_a_dead_mongod_is_unavailable_soon_for_every_call(tmp_path: Path) -> None:
    async with running_mongod(tmp_path, "--replSet", "rs") as (mongod, url):
        await form_replica_set(url, tmp_path)
        async with open_store(Settings(mongo_url=SecretStr(f"{url}?replicaSet=rs"))) as store:
            session = await start(store)
            mongod.kill()
            await mongod.wait()
            began = time.monotonic()
            outcomes = await asyncio.gather(
                start(store),
                store.sessions.get(session.id),
                store.sessions.end(session.id),
                store.sessions.count_live(),
                store.interactions.append([said("hello", session.id)]),
                store.interactions.history(session.id, limit=1),
                store.usage.totals("demo"),
                store.audio.get("a"),
                store.audio.touch("a"),
                store.audio.claim("a", holder="h", lease_s=1),
                store.audio.abandon("a", "h"),
                store.audio.wait("a", 1),
                store.audio.total_bytes(),
                store.audio.evict(1),
                store.users.add("alice", password_hash="x", projects=None),
                store.users.get("alice"),
                store.users.list(),
                store.users.any(),
                store.users.remove("alice"),
                store.secrets.get_or_create("k"),
                store.events.publish("kind", "key"),
                store.conversations.claim(session.id, node="n", now=datetime.now(UTC)),
                store.conversations.park(session.id, epoch=1, state=b""),
                store.conversations.renounce(session.id, epoch=1),
                store.interactions.amend(session.id, store.interactions.make_id(), {}),
                store.ping(),
                return_exceptions=True,
            )
            assert [type(outcome) for outcome in outcomes] == [StoreUnavailable] * len(outcomes)
            assert time.monotonic() - began < 4


async def test_a_closed_store_is_unavailable(open_test_store: OpenStore) -> None:
    async with open_test_store() as store:
        pass
    with pytest.raises(StoreUnavailable):
        await store.users.any()
    with pytest.raises(StoreUnavailable):
        await start(store)


async def test_a_mongodb_that_is_not_there_is_unavailable_at_the_start(tmp_path: Path) -> None:
    url = f"mongodb://{quote(str(tmp_path / 'none.sock'), safe='')}/?replicaSet=rs"
    with pytest.raises(StoreUnavailable):
        async with open_store(Settings(mongo_url=SecretStr(url))):
            pass


async def test_a_mongodb_without_a_replica_set_is_unsuitable_and_the_error_says_why(tmp_path: Path) -> None:
    async with running_mongod(tmp_path) as (_, url):
        with pytest.raises(MongoUnsuitable, match="--replSet"):
            async with open_store(Settings(mongo_url=SecretStr(url))):
                pass


@pytest.mark.parametrize("url", ["http://user:secret@host/", "mongodb://user:sec/ret@host/", "mongodb://"])
async def test_what_is_no_url_of_mongodb_is_named_without_its_password(url: str) -> None:
    with pytest.raises(MongoUnsuitable, match="GLOTTIS_MONGO_URL") as refusal:
        async with open_store(Settings(mongo_url=SecretStr(url))):
            pass
    assert "sec" not in str(refusal.value)


async def test_a_refused_password_is_named_as_such(mongo_url: str) -> None:
    url = mongo_url.replace("mongodb://", "mongodb://user:secret@")
    with pytest.raises(MongoUnsuitable, match="password") as refusal:
        async with open_store(Settings(mongo_url=SecretStr(url))):
            pass
    assert "secret" not in str(refusal.value)


@asynccontextmanager
async def running_mongod(
    folder: Path, *options: str
) -> AsyncIterator[tuple[asyncio.subprocess.Process, str]]:
    """Run a mongod as an operator would, and stop it."""
    socket = folder / "m.sock"
    where = ("--dbpath", str(folder), "--bind_ip", str(socket), "--logpath", str(folder / "log"))
    cache = ("--wiredTigerCacheSizeGB", "0.25")
    mongod = await asyncio.create_subprocess_exec(
        str(find_mongod(folder)), *where, *cache, *options, stdout=asyncio.subprocess.DEVNULL
    )
    try:
        yield mongod, f"mongodb://{quote(str(socket), safe='')}/"
    finally:
        if mongod.returncode is None:
            mongod.kill()
        await mongod.wait()


async def form_replica_set(url: str, folder: Path) -> None:
    async with AsyncMongoClient[dict[str, Any]](url, directConnection=True) as client:
        members = [{"_id": 0, "host": str(folder / "m.sock")}]
        await client.admin.command("replSetInitiate", {"_id": "rs", "members": members})
