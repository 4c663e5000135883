"""Open the store: embedded or remote MongoDB, its collections and what they answer."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from glottis.config import Settings
from glottis.core.store.audio import AudioCache
from glottis.core.store.interactions import Interactions
from glottis.core.store.keys import Keys
from glottis.core.store.sessions import Sessions
from glottis.core.store.usage import Usage
from glottis.core.store.users import Users


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """Everything that outlives the process."""

    sessions: Sessions
    interactions: Interactions
    audio: AudioCache
    users: Users
    usage: Usage
    secrets: Keys

    async def ping(self) -> None:
        """Return when MongoDB takes writes.

        Raises:
            StoreUnavailable: it does not, within 2 seconds.
        """
        raise NotImplementedError


@asynccontextmanager
async def open_store(settings: Settings) -> AsyncIterator[Store]:
    """Connect, or run an embedded MongoDB where `settings.mongo_url` is None, and make the indexes.

    Raises:
        StoreUnavailable: MongoDB cannot be reached.
        MongoUnsuitable: it is not a replica set, or too old.
        DataFolderInUse: another server's embedded MongoDB is at work in the folder.
        EmbeddedMongoFailed: the embedded MongoDB is not installed or did not start.
    """
    raise NotImplementedError
    yield
