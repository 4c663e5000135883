"""A MongoDB of the server's own."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from glottis.config import Settings
from glottis.core.store.binary import find_mongod
from glottis.core.store.data_folder import locked
from glottis.core.store.mongod import Mongod


@asynccontextmanager
async def embedded_mongo(settings: Settings) -> AsyncIterator[str]:
    """Run a private MongoDB in `settings.data_dir` and give its URL; further processes may share it.

    It listens on a socket in a folder that only this user may enter, so it asks for no password. It ends with
    this process, even one that is killed, and is started again if it ends before.

    Raises:
        DataFolderInUse: another server's embedded MongoDB is at work in the folder.
        EmbeddedMongoFailed: MongoDB is not installed or did not start.
    """
    async with locked(settings.data_dir) as folder:
        program = await asyncio.to_thread(find_mongod, folder.folder)
        async with Mongod(program, folder, cache_gb=settings.mongo_cache_gb).running():
            folder.announce(is_running=True)
            yield folder.url
