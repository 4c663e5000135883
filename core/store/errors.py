"""What may go wrong in the store.

StoreError
├── StoreUnavailable
├── SessionLimitReached
├── RecordInvalid
│   └── AudioTooLarge
├── UserExists
├── MongoUnsuitable
├── DataFolderInUse
└── EmbeddedMongoFailed
"""

from pathlib import Path


class StoreError(Exception):
    """The store could not do what it was asked."""


class StoreUnavailable(StoreError):
    """MongoDB cannot be reached or does not answer; the same call may work later."""


class SessionLimitReached(StoreError):
    """No place is free; `project` is None where the limit is the server's, `scope` says it in a word."""

    def __init__(self, *, limit: int, project: str | None = None) -> None:
        self.limit = limit
        self.project = project
        whose = "the server" if project is None else f'project "{project}"'
        super().__init__(f"{whose} has all of its {limit} sessions open")

    @property
    def scope(self) -> str:
        """Return "server", or the name of the project."""
        return "server" if self.project is None else self.project


class RecordInvalid(StoreError):
    """A record holds what MongoDB cannot, or too much of it."""


class AudioTooLarge(RecordInvalid):
    """An audio is too large for one document."""

    def __init__(self, *, size_bytes: int, limit_bytes: int) -> None:
        self.size_bytes = size_bytes
        self.limit_bytes = limit_bytes
        super().__init__(f"the audio has {size_bytes} bytes; the store keeps at most {limit_bytes}")


class UserExists(StoreError):
    """A user of this name is there already."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f'user "{name}" exists')


class MongoUnsuitable(StoreError):
    """The MongoDB that was named cannot serve: too old, not a replica set, or no access."""


class DataFolderInUse(StoreError):
    """Another server runs its embedded MongoDB in the data folder."""

    def __init__(self, folder: Path, *, pid: int | None, url: str | None) -> None:
        self.folder = folder
        self.pid = pid
        self.url = url
        holder = f"process {pid}" if pid else "another process"
        other = f", or share its database: GLOTTIS_MONGO_URL={url}" if url else ""
        super().__init__(
            f"data folder {folder} is in use by {holder}: stop it, or give this server a folder of its own"
            f" (--data-dir or GLOTTIS_DATA_DIR){other}"
        )


class EmbeddedMongoFailed(StoreError):
    """The embedded MongoDB could not be found or did not start."""
