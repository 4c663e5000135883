"""A MongoDB of the server's own."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from glottis.config import Settings


@asynccontextmanager
async def embedded_mongo(settings: Settings) -> AsyncIterator[str]:
    """Run a private MongoDB in `settings.data_dir` and give its URL; further processes may share it.

    Raises:
        DataFolderInUse: another server's embedded MongoDB is at work in the folder.
        EmbeddedMongoFailed: MongoDB is not installed or did not start.
    """
    raise NotImplementedError
    yield


def embedded_url(data_dir: Path) -> str | None:
    """Return the URL of the MongoDB that a server runs in a data folder, if one does now."""
    raise NotImplementedError
