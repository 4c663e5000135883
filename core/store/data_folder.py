"""The folder of an embedded MongoDB: whose it is now, and where to reach it.

<data_dir>/mongo/lock          locked by the server while it runs; says its pid and URL
<data_dir>/mongo/data/         MongoDB's files
<data_dir>/mongo/mongod.log
<data_dir>/mongo/mongod.sock   or in a short folder of ours, see `_socket_folder`
"""

import asyncio
import fcntl
import hashlib
import json
import os
import re
import stat
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote

from glottis.core.store.errors import DataFolderInUse, EmbeddedMongoFailed

REPLICA_SET = "glottis"
SOCKET = "mongod.sock"
LOG_BYTES_KEPT = 8 * 1024 * 1024

# The kernel takes 107 bytes; the driver lower-cases host names and reads a colon as a port, also in a path.
_USABLE_PATH = re.compile(r"/[a-z0-9._/-]{1,99}")
_LOCK_TRIES = 10
_LOCK_PAUSE_S = 0.02


class DataFolder:
    """A data folder that this process has locked."""

    def __init__(self, folder: Path, lock: IO[str]) -> None:
        self.folder = folder
        self.data = folder / "data"
        self.log = folder / "mongod.log"
        self.output = folder / "mongod.out"
        self.socket = _socket_folder(folder) / SOCKET
        self._lock = lock
        self.data.mkdir(mode=0o700, exist_ok=True)
        if self.log.exists() and self.log.stat().st_size > LOG_BYTES_KEPT:
            self.log.replace(folder / "mongod.log.1")

    @property
    def url(self) -> str:
        """The URL by which this process and others of the same user reach MongoDB."""
        return f"mongodb://{quote(str(self.socket), safe='')}/?replicaSet={REPLICA_SET}"

    def announce(self, *, is_running: bool) -> None:
        """Write down who holds the folder, and the URL while MongoDB runs."""
        state = {"pid": os.getpid(), "url": self.url if is_running else None}
        self._lock.seek(0)
        self._lock.truncate()
        self._lock.write(json.dumps(state))
        self._lock.flush()

    def leave_no_socket(self) -> None:
        """Remove the socket, and the short folder that may have been made for it."""
        self.socket.unlink(missing_ok=True)
        if self.socket.parent != self.folder:
            with suppress(OSError):  # somebody put something there
                self.socket.parent.rmdir()

    def is_mongod_inside(self) -> bool:
        """Tell whether a mongod has the files open: for an instant after its server was killed, one has."""
        try:
            with (self.data / "mongod.lock").open("r+") as lock:
                fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except FileNotFoundError:
            return False
        except OSError:
            return True
        return False


@asynccontextmanager
async def locked(data_dir: Path) -> AsyncIterator[DataFolder]:
    """Hold the folder of an embedded MongoDB; the kernel lets it go with this process, however that ends.

    Raises:
        DataFolderInUse: another process holds it.
        EmbeddedMongoFailed: it cannot be written.
    """
    folder = _resolved(data_dir)
    with _opened_lock(folder) as lock:
        for _ in range(_LOCK_TRIES):  # `embedded_url` may look at it just now
            if _is_ours(lock, fcntl.LOCK_EX):
                break
            await asyncio.sleep(_LOCK_PAUSE_S)
        else:
            state = _read(lock)
            raise DataFolderInUse(data_dir, pid=state.get("pid"), url=state.get("url"))
        inside = DataFolder(folder, lock)
        inside.announce(is_running=False)
        try:
            yield inside
        finally:
            inside.announce(is_running=False)
            inside.leave_no_socket()


def embedded_url(data_dir: Path) -> str | None:
    """Return the URL of the MongoDB that a server runs in a data folder, if one does now."""
    try:
        lock = (_resolved(data_dir) / "lock").open("r", encoding="utf-8")
    except OSError:
        return None
    with lock:
        if _is_ours(lock, fcntl.LOCK_SH):  # so nobody holds it, whatever stands inside
            return None
        url = _read(lock).get("url")
    return url if isinstance(url, str) else None


def _resolved(data_dir: Path) -> Path:
    return data_dir.expanduser().resolve() / "mongo"


def _opened_lock(folder: Path) -> IO[str]:
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return (folder / "lock").open("a+", encoding="utf-8")
    except OSError as error:
        raise EmbeddedMongoFailed(f"data folder {folder} cannot be written: {error.strerror}") from error


def _is_ours(lock: IO[str], kind: int) -> bool:
    try:
        fcntl.flock(lock, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _read(lock: IO[str]) -> dict[str, Any]:
    lock.seek(0)
    try:
        state = json.loads(lock.read())
    except ValueError:  # its holder is writing it
        return {}
    return state if isinstance(state, dict) else {}


def _socket_folder(folder: Path) -> Path:
    """Return a folder that only we may enter, with a path that a socket and the driver can bear."""
    if _USABLE_PATH.fullmatch(f"{folder}/{SOCKET}"):
        return folder
    name = f"glottis-{os.getuid()}-{hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]}"
    for parent in (tempfile.gettempdir(), "/tmp"):  # noqa: S108 - see below
        if _USABLE_PATH.fullmatch(f"{parent}/{name}/{SOCKET}"):
            short = Path(parent) / name
            short.mkdir(mode=0o700, exist_ok=True)
            _check_private(short)
            return short
    raise EmbeddedMongoFailed(f"no folder for the socket of MongoDB: {folder} has too long a path for one")


def _check_private(folder: Path) -> None:
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or stat.S_IMODE(found.st_mode) != 0o700:
        raise EmbeddedMongoFailed(f"{folder} is not a private folder of this user: remove it")
