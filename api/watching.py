"""What may be asked of a worker: whether it is well, and its figures. Nobody is asked for a password."""

import asyncio
import logging
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from glottis.core.metrics import CONTENT_TYPE
from glottis.core.store import StoreError
from glottis.core.worker import Worker
from hypercorn.asyncio import serve
from hypercorn.config import Config
from quart import Quart, Response

_BACKLOG = 16


@asynccontextmanager
async def watched(worker: Worker, sock: socket.socket) -> AsyncIterator[None]:
    """Answer `/healthz`, `/readyz` and `/metrics` on a bound socket while the context lasts."""
    stop = asyncio.Event()
    config = Config()
    config.bind = [f"fd://{sock.detach()}"]
    config.backlog = _BACKLOG
    config.accesslog = None
    config.errorlog = logging.getLogger("hypercorn.error")
    config.include_server_header = False
    answering = asyncio.create_task(serve(_app(worker), config, shutdown_trigger=stop.wait), name="watched")
    try:
        yield
    finally:
        stop.set()
        await asyncio.wait({answering})


def _app(worker: Worker) -> Quart:
    app = Quart("glottis worker")

    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/readyz")
    async def readyz() -> tuple[dict[str, str], int]:
        if not worker.broker.is_connected:
            return {"detail": "NATS is away"}, 503
        try:
            await worker.store.ping()
        except StoreError:
            return {"detail": "the database does not answer"}, 503
        return {"status": "ready"}, 200

    @app.get("/metrics")
    async def metrics() -> Response:
        return Response(worker.engine.metrics.render(), content_type=CONTENT_TYPE)

    return app
