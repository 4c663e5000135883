"""What every test may rely on, and what none may leave behind."""

import asyncio
import inspect
import ipaddress
import os
import secrets
import socket
import subprocess
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pymongo
import pytest
from glottis.config import Settings
from glottis.core.broker import Broker, open_broker
from glottis.core.store import Store, embedded_mongo, open_store
from glottis.core.store.binary import find_mongod
from pydantic import SecretStr

from tests.nats_server import nats_server

OpenStore = Callable[..., AbstractAsyncContextManager[Store]]

DATABASE = "glottis_test"
GRACE_S = 2.0
NOT_OURS = {"PYTEST_CURRENT_TEST"}


@pytest.fixture(scope="session")
def mongo_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a real MongoDB, run for this test session."""
    settings = Settings(data_dir=tmp_path_factory.mktemp("mongo"))
    with asyncio.Runner() as runner:
        mongo = embedded_mongo(settings)
        yield runner.run(mongo.__aenter__())
        runner.run(mongo.__aexit__(None, None, None))


@pytest.fixture(scope="session")
def faulty_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A MongoDB that fails where it is told to."""
    folder = tmp_path_factory.mktemp("faulty")
    socket = folder / "m.sock"
    where = ("--dbpath", str(folder), "--bind_ip", str(socket), "--logpath", str(folder / "log"))
    faults = ("--replSet", "rs", "--setParameter", "enableTestCommands=1")
    limits = ("--setParameter", "transactionLifetimeLimitSeconds=1")
    url = f"mongodb://{quote(str(socket), safe='')}/"
    with subprocess.Popen(
        [find_mongod(folder), *where, *faults, *limits], stdout=subprocess.DEVNULL
    ) as mongod:
        try:
            with pymongo.MongoClient[dict[str, Any]](url, directConnection=True) as client:
                members = [{"_id": 0, "host": str(socket)}]
                client.admin.command("replSetInitiate", {"_id": "rs", "members": members})
            yield f"{url}?replicaSet=rs"
        finally:
            mongod.kill()


@pytest.fixture(scope="session")
def nats_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a real NATS server with JetStream, run for this test session."""
    with nats_server(tmp_path_factory.mktemp("nats")) as server:
        yield server.url


@pytest.fixture
def nats_prefix() -> str:
    """A beginning of subjects that no other test has."""
    return f"test-{secrets.token_hex(6)}"


@pytest.fixture
async def broker(nats_url: str, nats_prefix: str) -> AsyncIterator[Broker]:
    """A connection to the NATS server, with subjects of the test's own."""
    async with open_broker(SecretStr(nats_url), name="test", prefix=nats_prefix) as broker:
        yield broker


@pytest.fixture
def mongo_database(mongo_url: str) -> Iterator[str]:
    """The name of a database that is empty, and is emptied again after the test.

    Emptied and not dropped: making collections and indexes takes twenty times as long as the average test.
    """
    yield DATABASE
    with pymongo.MongoClient[dict[str, Any]](mongo_url) as client:
        database = client[DATABASE]
        for name in database.list_collection_names():
            database[name].delete_many({})


@pytest.fixture
def store_settings(mongo_url: str, mongo_database: str, tmp_path: Path) -> Callable[..., Settings]:
    """Make settings of a server on the test's empty database: `store_settings(session_timeout_s=1)`."""

    def settings(**chosen: Any) -> Settings:
        where = {"mongo_url": SecretStr(mongo_url), "mongo_database": mongo_database, "data_dir": tmp_path}
        return Settings.model_validate(where | chosen)

    return settings


@pytest.fixture
def open_test_store(store_settings: Callable[..., Settings]) -> OpenStore:
    """Open a store on the test's empty database: `async with open_test_store(session_timeout_s=1)`."""

    @asynccontextmanager
    async def opened(**chosen: Any) -> AsyncIterator[Store]:
        async with open_store(store_settings(**chosen)) as store:
            yield store

    return opened


@pytest.fixture
async def store(open_test_store: OpenStore) -> AsyncIterator[Store]:
    """A store on an empty database."""
    async with open_test_store() as store:
        yield store


@pytest.fixture(autouse=True)
def _environment_unchanged() -> Iterator[None]:
    before = _environment()
    yield
    assert _environment() == before, "the test changed the environment"


def _environment() -> tuple[str, dict[str, str]]:
    return str(Path.cwd()), {name: value for name, value in os.environ.items() if name not in NOT_OURS}


@pytest.fixture(autouse=True)
def _no_task_left(request: pytest.FixtureRequest) -> None:
    if inspect.iscoroutinefunction(getattr(request, "function", None)):
        request.getfixturevalue("_tasks_of_the_loop")


@pytest.fixture
async def _tasks_of_the_loop() -> AsyncIterator[None]:
    before = asyncio.all_tasks()
    yield
    left = asyncio.all_tasks() - before - {asyncio.current_task()}
    if left:
        _, left = await asyncio.wait(left, timeout=GRACE_S)  # some have been cancelled and need a moment
    assert not left, f"the test left tasks behind: {left}"


@pytest.fixture(scope="session", autouse=True)
def _no_network_but_loopback() -> Iterator[None]:
    with ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        for name in ("connect", "connect_ex", "sendto"):
            patch.setattr(socket.socket, name, _on_loopback_only(getattr(socket.socket, name)))
        yield


def _on_loopback_only(method: Callable[..., Any]) -> Callable[..., Any]:
    def guarded(self: socket.socket, *arguments: Any) -> Any:
        address = arguments[-1]
        if self.family in {socket.AF_INET, socket.AF_INET6} and not _is_loopback(address[0]):
            pytest.fail(f"the test reaches for the network: {address}")
        return method(self, *arguments)

    return guarded


def _is_loopback(host: str) -> bool:
    if host in {"localhost", ""}:
        return True
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return False
