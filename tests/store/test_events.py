"""What one process publishes, every process hears, whatever becomes of MongoDB and of the way to it."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import pytest
from glottis.config import Settings
from glottis.core.store import (
    GAP,
    SESSION_ENDED,
    RecordInvalid,
    SessionRecord,
    Store,
    StoredEvent,
    StoreError,
    StoreUnavailable,
    embedded_url,
    open_store,
)
from pydantic import SecretStr
from pymongo import AsyncMongoClient

from tests.faulty_mongo import failing

OpenStore = Callable[..., AbstractAsyncContextManager[Store]]
Client = AsyncMongoClient[dict[str, Any]]

DATABASE = "glottis_events"
EVENTS = {"namespace": f"{DATABASE}.events"}


class Listener:
    """Remembers what a store hears, and waits for more."""

    def __init__(self) -> None:
        self.heard: asyncio.Queue[StoredEvent] = asyncio.Queue()

    async def next(self) -> StoredEvent:
        async with asyncio.timeout(30):
            return await self.heard.get()

    async def keys(self, count: int) -> list[str]:
        return [(await self.next()).key for _ in range(count)]

    def __call__(self, event: StoredEvent) -> None:
        self.heard.put_nowait(event)


async def publish_once_back(store: Store, kind: str, key: str) -> None:
    """Publish, when MongoDB answers again."""
    async with asyncio.timeout(30):
        while True:
            with suppress(StoreUnavailable):
                return await store.events.publish(kind, key)


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


async def test_every_store_hears_an_event_as_it_was_published(open_test_store: OpenStore) -> None:
    mine, theirs = Listener(), Listener()
    async with open_test_store() as one, open_test_store() as other:
        with one.events.subscribe("job", mine), other.events.subscribe("job", theirs):
            await one.events.publish("job", "j1", {"progress": 0.5, "Ключ": [b"\x00", None]})
            await other.events.publish("job", "j2")
            first = StoredEvent(kind="job", key="j1", data={"progress": 0.5, "Ключ": [b"\x00", None]})
            for listener in (mine, theirs):
                assert await listener.next() == first
                assert await listener.next() == StoredEvent(kind="job", key="j2", data={})


async def test_events_come_in_their_order_and_once(open_test_store: OpenStore) -> None:
    listener = Listener()
    async with open_test_store() as one, open_test_store() as other:
        with other.events.subscribe("count", listener):
            for number in range(300):
                await one.events.publish("count", str(number))
            await one.events.publish("count", "end")
            assert await listener.keys(301) == [*map(str, range(300)), "end"]


async def test_a_subscription_is_of_one_kind_and_ends(store: Store) -> None:
    kept, ended = Listener(), Listener()
    with store.events.subscribe("wanted", kept):
        with store.events.subscribe("wanted", ended):
            await store.events.publish("other", "x")
            await store.events.publish("wanted", "1")
            assert (await kept.next()).key == (await ended.next()).key == "1"
        await store.events.publish("wanted", "2")
        assert (await kept.next()).key == "2"
    assert ended.heard.empty()


async def test_a_subscriber_that_fails_is_reported_and_harms_no_other(store: Store) -> None:
    listener, reported = Listener(), []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: reported.append(context["exception"]))

    def fails(event: StoredEvent) -> None:
        raise ZeroDivisionError(event.key)

    with store.events.subscribe("kind", fails), store.events.subscribe("kind", listener):
        for key in ("1", "2"):
            await store.events.publish("kind", key)
            assert (await listener.next()).key == key
    assert [str(error) for error in reported] == ["1", "2"]


async def test_what_mongodb_cannot_hold_is_not_published(store: Store) -> None:
    for data in ({"n": 2**70}, {"text": "x" * 2_000_000}, {"ref": {"$ref": "users"}}):
        with pytest.raises(RecordInvalid):
            await store.events.publish("kind", "key", data)


async def test_an_ended_session_is_told_to_every_store(open_test_store: OpenStore) -> None:
    listener = Listener()
    async with open_test_store() as one, open_test_store() as other:
        with other.events.subscribe(SESSION_ENDED, listener):
            sessions = [await start(one) for _ in range(5)]
            await asyncio.gather(*(one.sessions.end(session.id) for session in sessions))
            told = await listener.keys(5)
            assert sorted(told) == sorted(session.id for session in sessions)
            record = await other.sessions.get(told[0])
            assert record is not None
            assert record.ended_at is not None


async def test_events_go_on_when_mongod_is_killed_and_started_again(tmp_path: Path, processes: Any) -> None:
    mine, theirs = Listener(), Listener()
    async with open_store(Settings(data_dir=tmp_path)) as one:
        url = embedded_url(tmp_path)
        assert url is not None
        async with open_store(Settings(mongo_url=SecretStr(url))) as other:
            with one.events.subscribe("count", mine), other.events.subscribe("count", theirs):
                for round_ in range(2):
                    await one.events.publish("count", f"before {round_}")
                    mongod = processes.mongod_at(url)
                    ended = processes.end_of(mongod)
                    os.kill(mongod, signal.SIGKILL)
                    await ended()
                    await publish_once_back(other, "count", f"after {round_}")
                    for listener in (mine, theirs):
                        assert await listener.keys(2) == [f"before {round_}", f"after {round_}"]


class Way:
    """The way to a MongoDB: it can be cut, or fall silent, when connections stay and bring nothing."""

    def __init__(self, target: str) -> None:
        self._target = target
        self._writers: set[asyncio.StreamWriter] = set()
        self._silent: set[asyncio.StreamWriter] = set()
        self._is_lost = False

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._is_lost:
            writer.close()
            return
        inner_reader, inner_writer = await asyncio.open_unix_connection(self._target)
        self._writers |= {writer, inner_writer}
        await asyncio.gather(self._pass_on(reader, inner_writer), self._pass_on(inner_reader, writer))
        self._writers -= {writer, inner_writer}

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(65_536):
                if writer not in self._silent:
                    writer.write(data)
                    await writer.drain()
        writer.close()

    def cut(self) -> None:
        self._is_lost = True
        for writer in self._writers:
            writer.close()

    def fall_silent(self) -> None:
        self._is_lost = True
        self._silent |= self._writers

    def restore(self) -> None:
        """Let new connections through; the old ones stay as they are."""
        self._is_lost = False


@asynccontextmanager
async def way_to(url: str, folder: Path) -> AsyncIterator[tuple[Way, str]]:
    """Make a way to a MongoDB, and the URL of a store that takes it."""
    way = Way(unquote(url.removeprefix("mongodb://").partition("/")[0]))
    async with await asyncio.start_unix_server(way.serve, folder / "way.sock"):
        yield way, f"mongodb://{quote(str(folder / 'way.sock'), safe='')}/?directConnection=true"
    way.cut()


@pytest.mark.parametrize("loss", [Way.cut, Way.fall_silent], ids=["cut off", "silent"])
async def test_what_was_published_while_the_network_was_lost_is_heard_afterwards(
    open_test_store: OpenStore, mongo_url: str, tmp_path: Path, loss: Callable[[Way], None]
) -> None:
    listener = Listener()
    async with (
        open_test_store() as one,
        way_to(mongo_url, tmp_path) as (way, url),
        open_test_store(mongo_url=SecretStr(url)) as other,
    ):
        with other.events.subscribe("count", listener):
            await one.events.publish("count", "0")
            assert await listener.keys(1) == ["0"]
            loss(way)
            for number in range(1, 50):
                await one.events.publish("count", str(number))
            with pytest.raises(StoreUnavailable):
                await other.ping()
            assert listener.heard.empty()
            way.restore()
            assert await listener.keys(49) == list(map(str, range(1, 50)))


@pytest.fixture
async def client(faulty_url: str) -> AsyncIterator[Client]:
    async with Client(faulty_url) as client:
        await client.drop_database(DATABASE)
        yield client


@pytest.fixture
async def faulty(faulty_url: str, client: object) -> AsyncIterator[Store]:  # noqa: ARG001 - it empties the database
    settings = {"mongo_url": SecretStr(faulty_url), "mongo_database": DATABASE}
    async with open_store(Settings.model_validate(settings)) as store:
        yield store


async def test_a_gap_is_told_to_every_subscriber_when_mongodb_has_forgotten_too_much(
    faulty: Store, client: Client
) -> None:
    one, other = Listener(), Listener()
    with faulty.events.subscribe("one", one), faulty.events.subscribe("other", other):
        await faulty.events.publish("one", "before")
        assert (await one.next()).key == "before"
        async with failing(client, "getMore", mode={"times": 1}, errorCode=286, **EVENTS):
            gap = StoredEvent(kind=GAP, key="", data={})
            assert (await one.next(), await other.next()) == (gap, gap)
        await faulty.events.publish("one", "after")
        assert (await one.next()).key == "after"


async def test_a_refused_command_is_tried_again(faulty: Store, client: Client) -> None:
    listener = Listener()
    with faulty.events.subscribe("kind", listener):
        async with (
            failing(client, "getMore", mode={"times": 1}, errorCode=8, **EVENTS),
            failing(client, "getMore", mode={"times": 1}, errorCode=13, **EVENTS),
        ):
            await faulty.events.publish("kind", "1")
            assert (await listener.next()).key == "1"


async def test_events_go_on_when_their_collection_was_dropped(faulty: Store, client: Client) -> None:
    listener = Listener()
    with faulty.events.subscribe("kind", listener):
        await faulty.events.publish("kind", "before")
        await client[DATABASE].drop_collection("events")
        await faulty.events.publish("kind", "after")
        assert await listener.keys(2) == ["before", "after"]


async def test_an_end_that_could_not_be_told_is_told_later(faulty: Store, client: Client) -> None:
    listener = Listener()
    with faulty.events.subscribe(SESSION_ENDED, listener):
        session = await start(faulty)
        async with failing(client, "insert", errorCode=8, **EVENTS):
            with pytest.raises(StoreError):
                await faulty.sessions.end(session.id)
        await start(faulty)
        assert (await listener.next()).key == session.id
