"""Opening a file in a thread, without leaving it open where whoever asked has been cancelled meanwhile."""

import asyncio
from pathlib import Path
from typing import IO, Any


async def opened(path: Path, mode: str) -> IO[Any]:
    """Open a file; it is the caller's to close.

    Raises:
        OSError: it cannot be opened.
    """
    opening = asyncio.create_task(asyncio.to_thread(path.open, mode))
    try:
        return await asyncio.shield(opening)
    except asyncio.CancelledError:
        opening.add_done_callback(_close)
        raise


def _close(opening: "asyncio.Task[IO[Any]]") -> None:
    if not opening.cancelled() and opening.exception() is None:
        opening.result().close()
