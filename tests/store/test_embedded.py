import asyncio
import contextlib
import json
import os
import signal
import stat
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from glottis.config import Settings
from glottis.core.store import (
    DataFolderInUse,
    EmbeddedMongoFailed,
    StoreUnavailable,
    embedded_mongo,
    embedded_url,
    open_store,
)
from pydantic import SecretStr
from pymongo import AsyncMongoClient


def settings(data_dir: Path, **chosen: Any) -> Settings:
    return Settings.model_validate({"data_dir": data_dir, **chosen})


async def test_a_store_without_a_url_runs_a_mongodb_and_stops_it(data_dir: Path, processes: Any) -> None:
    assert embedded_url(data_dir) is None
    async with open_store(settings(data_dir)) as store:
        await store.ping()
        url = embedded_url(data_dir)
        assert url is not None
        ended = processes.end_of(processes.mongod_at(url))
    await ended()
    assert embedded_url(data_dir) is None


async def test_it_ends_even_if_nobody_has_used_it(data_dir: Path, processes: Any) -> None:
    async with embedded_mongo(settings(data_dir)) as url:
        ended = processes.end_of(processes.mongod_at(url))
    await ended()


def is_there(path: Path) -> bool:
    return path.exists()


def mode_of(path: Path) -> int:
    return path.stat().st_mode


async def test_only_this_user_can_reach_it(data_dir: Path) -> None:
    async with embedded_mongo(settings(data_dir)) as url, AsyncMongoClient[dict[str, Any]](url) as client:
        options = await client.admin.command("getCmdLineOpts")
        socket = Path(options["parsed"]["net"]["bindIp"])  # the only address: a socket, no port
        assert stat.S_ISSOCK(mode_of(socket))
        assert stat.S_IMODE(mode_of(socket)) == 0o600
        assert stat.S_IMODE(mode_of(socket.parent)) == 0o700


def handles_of(pid: int) -> set[str]:
    """Name what a process has open; what it closes meanwhile is left out."""
    held = set()
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            held.add(str(entry.readlink()))
    return held


def sockets_of(pid: int) -> set[str]:
    """Name the addresses at which a process listens: paths, and ports as the kernel writes them."""
    held = handles_of(pid)
    listening = [line.split() for line in Path("/proc/net/unix").read_text("ascii").splitlines()[1:]]
    paths = {entry[7] for entry in listening if f"socket:[{entry[6]}]" in held and len(entry) > 7}
    ports = [
        line.split()
        for table in ("tcp", "tcp6")
        for line in Path(f"/proc/{pid}/net/{table}").read_text("ascii").splitlines()[1:]
    ]
    return paths | {entry[1] for entry in ports if f"socket:[{entry[9]}]" in held}


async def test_it_listens_nowhere_else(data_dir: Path, processes: Any) -> None:
    async with embedded_mongo(settings(data_dir)) as url:
        listening = await asyncio.to_thread(sockets_of, processes.mongod_at(url))
        assert listening == {unquote(url.removeprefix("mongodb://").partition("/?")[0])}


async def test_what_was_stored_is_there_after_a_restart_and_a_move(data_dir: Path, tmp_path: Path) -> None:
    async with open_store(settings(data_dir)) as store:
        await store.users.add("alice", password_hash="x", projects=None)
    await asyncio.to_thread(data_dir.rename, tmp_path / "moved")
    async with open_store(settings(tmp_path / "moved")) as store:
        assert await store.users.get("alice") is not None


async def test_a_path_that_no_socket_can_have_is_as_good_as_any(tmp_path: Path) -> None:
    data_dir = tmp_path / f"Data: {'d' * 100} é"
    async with open_store(settings(data_dir)) as store:
        await store.ping()
        url = embedded_url(data_dir)
        assert url is not None
        async with open_store(settings(tmp_path, mongo_url=SecretStr(url))) as other:
            await other.ping()
        socket = Path(unquote(url.removeprefix("mongodb://").partition("/?")[0]))
    assert not is_there(socket.parent)


async def test_a_second_start_on_a_folder_says_who_holds_it_and_what_to_do(data_dir: Path) -> None:
    async with embedded_mongo(settings(data_dir)) as url:
        with pytest.raises(DataFolderInUse) as refusal:
            async with embedded_mongo(settings(data_dir)):
                pass
    assert (refusal.value.pid, refusal.value.url) == (os.getpid(), url)
    for hint in (str(data_dir), f"process {os.getpid()}", "--data-dir", f"GLOTTIS_MONGO_URL={url}"):
        assert hint in str(refusal.value)


async def test_what_a_dead_server_left_in_the_lock_is_no_obstacle(data_dir: Path) -> None:
    (data_dir / "mongo").mkdir(parents=True)
    stale = {"pid": 1, "url": "mongodb://%2Fnowhere.sock"}
    (data_dir / "mongo" / "lock").write_text(json.dumps(stale))
    assert embedded_url(data_dir) is None
    async with embedded_mongo(settings(data_dir)) as url:
        assert embedded_url(data_dir) == url


SERVER = """
import asyncio, sys
from pathlib import Path
from glottis.config import Settings
from glottis.core.store import open_store

async def main():
    async with open_store(Settings(data_dir=Path(sys.argv[1]))) as store:
        await store.users.add("alice", password_hash="x", projects=None)
        print("ready", flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


async def test_it_dies_with_a_server_that_is_killed_and_the_next_server_takes_over(
    data_dir: Path, processes: Any
) -> None:
    server = await asyncio.create_subprocess_exec(
        sys.executable, "-c", SERVER, str(data_dir), stdout=asyncio.subprocess.PIPE
    )
    assert server.stdout is not None
    assert await server.stdout.readline() == b"ready\n"
    url = embedded_url(data_dir)
    assert url is not None
    ended = processes.end_of(processes.mongod_at(url))
    server.kill()
    await server.communicate()
    async with open_store(settings(data_dir)) as store:
        assert await store.users.get("alice") is not None
    await ended()


async def test_ctrl_c_in_the_terminal_does_not_reach_it(data_dir: Path, processes: Any) -> None:
    async with embedded_mongo(settings(data_dir)) as url:
        assert os.getpgid(processes.mongod_at(url)) != os.getpgid(0)


async def once_back(call: Callable[[], Awaitable[Any]]) -> None:
    """Call until MongoDB answers again."""
    async with asyncio.timeout(30):
        while True:
            with contextlib.suppress(StoreUnavailable):
                await call()
                return


async def test_it_is_started_again_at_the_same_url_when_it_dies(data_dir: Path, processes: Any) -> None:
    async with open_store(settings(data_dir)) as store:
        url = embedded_url(data_dir)
        assert url is not None
        first = processes.mongod_at(url)
        ended = processes.end_of(first)
        os.kill(first, signal.SIGKILL)
        await ended()
        await once_back(store.ping)
        assert embedded_url(data_dir) == url
        assert processes.mongod_at(url) != first


async def test_files_that_are_no_database_are_named_with_the_log(data_dir: Path) -> None:
    (data_dir / "mongo" / "data").mkdir(parents=True)
    (data_dir / "mongo" / "data" / "WiredTiger").write_text("nonsense")
    (data_dir / "mongo" / "data" / "storage.bson").write_text("nonsense")
    with pytest.raises(EmbeddedMongoFailed, match=r"mongod\.log"):
        async with embedded_mongo(settings(data_dir)):
            pass
    assert embedded_url(data_dir) is None


async def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(EmbeddedMongoFailed, match="file/data"):
        async with embedded_mongo(settings(file / "data")):
            pass
