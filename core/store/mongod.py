"""Run mongod: start it, keep it running, stop it."""

import asyncio
import contextlib
import logging
import time
from asyncio.subprocess import DEVNULL, STDOUT, Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from glottis.core.leash import leashed
from glottis.core.store.connection import Client, is_transient
from glottis.core.store.data_folder import REPLICA_SET, DataFolder
from glottis.core.store.errors import EmbeddedMongoFailed
from pymongo import AsyncMongoClient
from pymongo.errors import OperationFailure, PyMongoError

START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 10.0
LEFTOVER_TIMEOUT_S = 5.0
OPLOG_MB = 512

_LOOK_S = 0.01
_REFUSALS_S = 5.0
_STEADY_S = 10.0
_LONGEST_PAUSE_S = 10.0
_NOT_INITIALIZED = 94

log = logging.getLogger(__name__)


class Mongod:
    """A mongod of our own, alone in its replica set, which only this user can reach."""

    def __init__(self, program: Path, folder: DataFolder, *, cache_gb: float) -> None:
        self._folder = folder
        command = [
            str(program),
            *("--dbpath", str(folder.data), "--logpath", str(folder.log), "--logappend", "--quiet"),
            *(
                "--bind_ip",
                str(folder.socket),
                "--filePermissions",
                "0600",
            ),  # a socket in a private folder, no port
            "--nounixsocket",  # nor its usual one in /tmp, over which two that start at once quarrel
            *("--replSet", REPLICA_SET, "--oplogSize", str(OPLOG_MB)),
            *("--wiredTigerCacheSizeGB", str(cache_gb)),
            *("--wiredTigerEngineConfigString", "log=(file_max=32MB,prealloc=false)"),
            *("--setParameter", "diagnosticDataCollectionEnabled=false"),
            *("--setParameter", "transactionLifetimeLimitSeconds=15"),  # what a killed process left open
        ]
        self._command = leashed(command)
        self._process: Process | None = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run mongod while the context lasts, starting it again whenever it ends.

        Raises:
            EmbeddedMongoFailed: it did not start.
        """
        await self._wait_for_leftover()
        self._process = await self._start()
        try:
            await self._wait_until_primary(self._process)
            keeper = asyncio.create_task(self._keep_running(), name="embedded mongod")
            try:
                yield
            finally:
                keeper.cancel()
                await asyncio.wait([keeper])
        finally:
            await _stop(self._process)

    async def _start(self) -> Process:
        # It has a session of its own, so that Ctrl-C reaches the server alone. Its output is what it says
        # before it has its log.
        with self._folder.output.open("wb") as output:
            return await asyncio.create_subprocess_exec(
                *self._command, stdin=DEVNULL, stdout=output, stderr=STDOUT, start_new_session=True
            )

    async def _keep_running(self) -> None:
        pause_s = 0.0
        while self._process is not None:
            started_at = time.monotonic()
            status = await self._process.wait()
            is_steady = time.monotonic() - started_at >= _STEADY_S
            pause_s = 0.0 if is_steady else min(max(pause_s * 2, 0.1), _LONGEST_PAUSE_S)
            log.error(
                "embedded MongoDB ended",
                extra={"status": status, "restart_in_s": pause_s, "mongod_log": str(self._folder.log)},
            )
            await asyncio.sleep(pause_s)
            try:
                self._process = await self._start()
            except OSError:
                log.exception("embedded MongoDB cannot be started")

    async def _wait_for_leftover(self) -> None:
        deadline = time.monotonic() + LEFTOVER_TIMEOUT_S
        while self._folder.is_mongod_inside():
            if time.monotonic() > deadline:
                raise EmbeddedMongoFailed(
                    f"another mongod has {self._folder.data} open: stop it (its pid is in mongod.lock there)"
                )
            await asyncio.sleep(_LOOK_S)

    async def _wait_until_primary(self, process: Process) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        while not await self._is_listening():
            if process.returncode is not None:
                raise EmbeddedMongoFailed(self._why_it_ended(process.returncode))
            if time.monotonic() > deadline:
                raise EmbeddedMongoFailed(f"MongoDB does not start; see {self._folder.log}")
            await asyncio.sleep(_LOOK_S)
        try:
            await _become_primary(self._folder, until=deadline)
        except PyMongoError as error:
            reason = f"{type(error).__name__} {getattr(error, 'code', None) or ''}".strip()
            raise EmbeddedMongoFailed(
                f"MongoDB does not become ready ({reason}); see {self._folder.log}"
            ) from error

    async def _is_listening(self) -> bool:
        try:
            _, writer = await asyncio.open_unix_connection(str(self._folder.socket))
        except OSError:
            return False
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
        return True

    def _why_it_ended(self, status: int) -> str:
        said = self._folder.output.read_text("utf-8", "replace").strip().splitlines()
        last = f": {said[-1][:300]}" if said else ""
        return f"MongoDB ended at once with status {status}{last}; see {self._folder.log}"


async def _form_replica_set(client: Client, host: str) -> None:
    """Make the node the only one of its set, under the path of its socket, which may have moved."""
    try:
        config = (await client.admin.command("replSetGetConfig"))["config"]
    except OperationFailure as error:
        if error.code != _NOT_INITIALIZED:
            raise
        await client.admin.command(
            "replSetInitiate", {"_id": REPLICA_SET, "members": [{"_id": 0, "host": host}]}
        )
        return
    if [member["host"] for member in config["members"]] != [host]:
        config["members"] = [{"_id": 0, "host": host}]
        config["version"] += 1
        await client.admin.command("replSetReconfig", config, force=True)


async def _become_primary(folder: DataFolder, *, until: float) -> None:
    """Wait until the node may be written to. While it elects itself it may break off what it is asked."""
    node = folder.url.partition("?")[0]
    client: Client = AsyncMongoClient(node, directConnection=True, timeoutMS=int(START_TIMEOUT_S * 1_000))
    refused_until = min(until, time.monotonic() + _REFUSALS_S)
    async with client:
        while True:
            try:
                await _form_replica_set(client, str(folder.socket))
                if (await client.admin.command("hello"))["isWritablePrimary"]:
                    return
            except PyMongoError as error:
                if time.monotonic() > (until if is_transient(error) else refused_until):
                    raise
                log.debug("embedded MongoDB is not ready yet", extra={"reason": type(error).__name__})
            if time.monotonic() > until:
                raise PyMongoError("it does not become the primary")
            await asyncio.sleep(_LOOK_S)


async def _stop(process: Process | None) -> None:
    if process is None or process.returncode is not None:
        return
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    try:
        async with asyncio.timeout(STOP_TIMEOUT_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()
