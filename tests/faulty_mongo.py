"""A MongoDB that fails where it is told to: `faulty_url` of conftest.py runs it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from pymongo import AsyncMongoClient


@asynccontextmanager
async def failing(
    client: AsyncMongoClient[dict[str, Any]], command: str, *, mode: Any = "alwaysOn", **fault: Any
) -> AsyncIterator[None]:
    """Have a command of ours fail in a MongoDB that can be told to."""
    point = {"configureFailPoint": "failCommand"}
    data = {"failCommands": [command], "appName": "glottis", **fault}
    await client.admin.command(point | {"mode": mode, "data": data})
    try:
        yield
    finally:
        await client.admin.command(point | {"mode": "off"})
