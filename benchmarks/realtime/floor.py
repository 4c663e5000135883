"""What Quart and Hypercorn cost alone: a WebSocket that answers with messages as long as those of a turn.

python -m benchmarks.realtime.floor SOCKET_FD
"""

import asyncio
import logging
import signal
import socket
import sys

from glottis.api import server
from glottis.config import Settings
from hypercorn.asyncio import serve
from quart import Quart, websocket

TURN = tuple(
    text.ljust(length, " ")
    for text, length in (
        ('{"type":"status","status":"thinking"}', 82),
        ('{"type":"status","status":"speaking"}', 82),
        ('{"type":"response"}', 310),
        ('{"type":"metrics"}', 118),
        ('{"type":"status","status":"listening"}', 86),
    )
)
"""As long as what a typed turn is answered with."""


def create_app() -> Quart:
    app = Quart(__name__, static_folder=None)

    @app.websocket("/echo")
    async def echo() -> None:
        while True:
            await websocket.send(await websocket.receive())

    @app.websocket("/turns")
    async def turns() -> None:
        while True:
            await websocket.receive()
            for text in TURN:
                await websocket.send(text)

    return app


async def _serve(sock: socket.socket) -> None:
    logging.getLogger("hypercorn.error").setLevel(logging.WARNING)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    # The very settings that Glottis is served with: a copy of them would drift.
    config = server._hypercorn(Settings(), sock)  # noqa: SLF001  # the floor stands on the settings that we serve with
    print("ready", flush=True)
    await serve(create_app(), config, shutdown_trigger=stop.wait)


if __name__ == "__main__":
    import uvloop

    uvloop.run(_serve(socket.socket(fileno=int(sys.argv[1]))))
