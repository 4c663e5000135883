"""What Quart, Hypercorn and Beanie cost alone: routes that do nothing else, served as Glottis serves.

python -m benchmarks.http.floor SOCKET_FD MONGO_URL
"""

import asyncio
import logging
import secrets
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Annotated

import uvloop
from beanie import Document, Indexed, init_beanie
from glottis.api import server
from glottis.config import Settings
from hypercorn.asyncio import serve
from pydantic import BaseModel, Field
from pymongo import AsyncMongoClient, IndexModel, WriteConcern
from quart import Quart, Response, request

AUDIO_BYTES = 100 * 1024
DATABASE = "floor"
BODY = '{"project":"demo","user_id":"somebody","language":"ru-RU","note":"as long as it was before......"}'


class Start(BaseModel):
    project: str
    user_id: str | None = None
    language: str = "ru-RU"
    note: str | None = None


class FloorSession(Document):
    """A document of the size and with the indexes of a voice session."""

    session_id: Annotated[str, Indexed(unique=True)]
    project: str
    owner: str | None = None
    user_id: str | None = None
    language: str = "ru-RU"
    voice: str = "default"
    status: str = "active"
    started_at: datetime = Field(default_factory=lambda: datetime.now(UTC))
    expires_at: datetime = Field(default_factory=lambda: datetime.now(UTC) + timedelta(hours=1))

    class Settings:  # noqa: D106 - Beanie's own name for it
        name = "floor_sessions"
        indexes = (
            IndexModel("expires_at", expireAfterSeconds=0),
            IndexModel([("status", 1), ("project", 1)]),
        )


def new_session(project: str = "demo") -> FloorSession:
    return FloorSession(session_id=secrets.token_hex(16), project=project)


@asynccontextmanager
async def beanie(url: str) -> AsyncIterator[None]:
    """Connect Beanie, with writes as durable as Glottis makes them."""
    async with AsyncMongoClient[dict[str, object]](url) as client:
        database = client.get_database(DATABASE, write_concern=WriteConcern(w="majority", j=True))
        await init_beanie(database=database, document_models=[FloorSession])
        yield


def create_app() -> Quart:
    app = Quart(__name__, static_folder=None)
    audio = bytes(AUDIO_BYTES)

    @app.get("/bare")
    async def bare() -> dict[str, str]:
        return {"status": "ok", "version": "1.0.0"}

    @app.get("/audio")
    async def hundred_kilobytes() -> Response:
        return Response(audio, content_type="audio/mpeg")

    @app.post("/validated")
    async def validated() -> tuple[dict[str, str], int]:
        body = Start.model_validate_json(await request.get_data())
        return {"session_id": "0", "project": body.project, "language": body.language}, 201

    @app.post("/inserted")
    async def inserted() -> tuple[dict[str, str], int]:
        body = Start.model_validate_json(await request.get_data())
        session = await new_session(body.project).insert()
        return {"session_id": session.session_id, "project": body.project, "language": body.language}, 201

    return app


async def _serve(sock: socket.socket, url: str) -> None:
    logging.getLogger("hypercorn.error").setLevel(logging.WARNING)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    # The very settings that Glottis is served with: a copy of them would drift.
    config = server._hypercorn(Settings(), sock)  # noqa: SLF001  # the floor stands on the settings that we serve with
    async with beanie(url):
        print("ready", flush=True)
        await serve(create_app(), config, shutdown_trigger=stop.wait)


if __name__ == "__main__":
    uvloop.run(_serve(socket.socket(fileno=int(sys.argv[1])), sys.argv[2]))
