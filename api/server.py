"""The server process: one, or several that share a port."""

import asyncio
import logging
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, suppress
from ipaddress import ip_address
from pathlib import Path

from glottis.api.app import create_app
from glottis.api.connection_places import ConnectionPlaces, make_board, slot_environment
from glottis.api.garbage import collected_rarely
from glottis.api.hypercorn_fixes import correct_hypercorn
from glottis.api.state import server_state
from glottis.api.stopping import obeying, stop_signal
from glottis.config import Deployment, Settings
from glottis.core.leash import leashed
from glottis.core.platform import open_platform
from glottis.core.store import embedded_url, open_store
from glottis.plugins.host import LoadedPlugins
from hypercorn.asyncio import serve as serve_asgi
from hypercorn.config import Config
from quart import Quart

log = logging.getLogger(__name__)

_BACKLOG = 1_024
_WS_HEADROOM = 4
"""A message up to this many times too large is still read, so that it can be refused without a disconnect."""

Announce = Callable[[str], None]


class CannotServe(Exception):
    """The server cannot start; the message says why and what to do."""


async def serve(
    settings: Settings,
    deployment: Deployment,
    loaded: LoadedPlugins,
    *,
    announce: Announce,
    listening: socket.socket | None = None,
) -> None:
    """Serve in this process until SIGTERM or SIGINT, then finish what runs.

    `listening` is a socket to serve on; without it one is bound as the settings say. `announce` is told the
    address once requests are served.

    Raises:
        CannotServe: the address is taken, or may not be listened on.
    """
    # The socket comes first: whether the port is free should not wait for models to load.
    sock = listening or bind(settings)
    stop, ready = stop_signal(), asyncio.Event()

    async def work() -> None:
        async with AsyncExitStack() as stack:
            platform = await stack.enter_async_context(open_platform(settings, deployment, loaded=loaded))
            if not await platform.store.users.any():
                require_loopback(sock)
            places = ConnectionPlaces.of_process(settings.ws_max_connections)
            stack.callback(places.close)
            app = create_app(platform, places=places)
            stack.enter_context(collected_rarely())
            sock.listen(_BACKLOG)
            ready.set()
            announce(address_of(sock))
            log.info("serving", extra={"address": address_of(sock), "pid": os.getpid()})
            await serve_app(app, settings, sock, stop=stop.wait)

    await obeying(stop, work(), ready=ready)
    log.info("stopped")


async def serve_app(
    app: Quart, settings: Settings, sock: socket.socket, *, stop: Callable[[], Awaitable[object]]
) -> None:
    """Serve an app on a listening socket until `stop()` returns, then finish what runs."""
    state = server_state(app)

    async def shutdown() -> None:
        await stop()
        log.info("draining")
        state.draining.set()
        with suppress(TimeoutError):
            async with asyncio.timeout(settings.drain_timeout_s):
                while state.websockets:
                    state.quiet.clear()
                    await state.quiet.wait()

    await serve_asgi(app, _hypercorn(settings, sock), shutdown_trigger=shutdown)


async def serve_many(settings: Settings, arguments: Sequence[str], *, announce: Announce) -> None:
    """Serve with `settings.workers` processes on one port until SIGTERM or SIGINT.

    This process holds the embedded MongoDB and the socket; `arguments` is the command line of a worker, which
    gets the number of the socket's file descriptor appended. A worker that dies is replaced.

    Raises:
        CannotServe: as `serve`, or the workers do not start.
    """
    sock = bind(settings)
    stop, ready = stop_signal(), asyncio.Event()

    async def work() -> None:
        async with AsyncExitStack() as stack:
            store = await stack.enter_async_context(open_store(settings))
            if not await store.users.any():
                require_loopback(sock)
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="glottis-"))
            metrics = stack.enter_context(tempfile.TemporaryDirectory(prefix="glottis-metrics-"))
            shared = {"GLOTTIS_MONGO_URL": _mongo_url(settings), "PROMETHEUS_MULTIPROC_DIR": metrics}
            sock.set_inheritable(True)
            command = [*arguments, str(sock.fileno())]
            board = make_board(Path(folder), slots=settings.workers)
            workers = [
                _Worker(command, {**os.environ, **shared, **slot_environment(board, slot)}, sock.fileno())
                for slot in range(settings.workers)
            ]
            try:
                await asyncio.gather(*(worker.start() for worker in workers))
                ready.set()
                announce(address_of(sock))
                await _keep_alive(workers, stop)
            finally:
                await asyncio.gather(*(worker.stop(settings.drain_timeout_s + 10) for worker in workers))

    await obeying(stop, work(), ready=ready)


async def _keep_alive(workers: "Sequence[_Worker]", stop: asyncio.Event) -> None:
    """Replace workers that die, until told to stop.

    Raises:
        CannotServe: one keeps dying.
    """
    watchers = [asyncio.create_task(worker.keep_alive()) for worker in workers]
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({stopping, *watchers}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in (stopping, *watchers):
            task.cancel()
        outcomes = await asyncio.gather(*watchers, return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, CannotServe):
            raise outcome


def bind(settings: Settings) -> socket.socket:
    """Bind the settings' address.

    Raises:
        CannotServe: it cannot be had.
    """
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        sock.bind((settings.host, settings.port))
    except OSError as error:
        sock.close()
        reason = error.strerror or "cannot be used"
        raise CannotServe(
            f"{settings.host}:{settings.port}: {reason}; choose another with --host and --port"
        ) from None
    return sock


def require_loopback(sock: socket.socket) -> None:
    """Refuse to be open to a network.

    Raises:
        CannotServe: the socket is reachable from other machines.
    """
    host = sock.getsockname()[0]
    if not ip_address(host).is_loopback:
        raise CannotServe(
            f"there are no users, so everybody who reaches {host} could do everything: "
            "add one with `glottis users add NAME`, or listen on 127.0.0.1"
        )


def address_of(sock: socket.socket) -> str:
    """Return a bound socket's address as a URL."""
    host, port = sock.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _mongo_url(settings: Settings) -> str:
    """Return the URL by which workers reach the database that this process has opened."""
    if settings.mongo_url is not None:
        return settings.mongo_url.get_secret_value()
    return embedded_url(settings.data_dir) or ""


def worker_command() -> list[str]:
    """Return the command line of a worker of the server that this process is."""
    return [sys.executable, "-m", "glottis.api.cli", *sys.argv[1:], "--worker-socket"]


class _Worker:
    """A server process, and its replacements."""

    _QUICK_DEATHS = 3

    def __init__(self, command: Sequence[str], environment: dict[str, str], socket_number: int) -> None:
        self._command = command
        self._environment = environment
        self._socket = socket_number
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start the process and wait until it serves."""
        ready, told = os.pipe()
        os.set_inheritable(told, True)
        try:
            self._process = await asyncio.create_subprocess_exec(
                *leashed(self._command),
                env={**self._environment, "GLOTTIS_READY_FD": str(told)},
                pass_fds=(self._socket, told),
                stdin=subprocess.DEVNULL,
            )
        finally:
            os.close(told)
        if not await _is_written_to(ready):
            code = await self._process.wait()
            raise CannotServe(f"a worker ended with status {code} before it served; see its messages above")

    async def keep_alive(self) -> None:
        """Replace the process whenever it dies, unless it keeps dying."""
        loop = asyncio.get_running_loop()
        deaths: list[float] = []
        while self._process is not None:
            code = await self._process.wait()
            now = loop.time()
            deaths = [*(moment for moment in deaths if now - moment < 60.0), now]
            if len(deaths) > self._QUICK_DEATHS:
                raise CannotServe(
                    f"a worker has died {len(deaths)} times in a minute, last with status {code}"
                )
            log.error("worker died and is replaced", extra={"status": code})
            await self.start()

    async def stop(self, timeout_s: float) -> None:
        """Ask the process to finish; kill it if it does not."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(timeout_s):
                await process.wait()
        except TimeoutError:
            process.kill()
            await process.wait()


async def _is_written_to(pipe: int) -> bool:
    """Wait until something comes through a pipe; False if its other end is closed first. Closes it."""
    stream = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(stream), os.fdopen(pipe, "rb", buffering=0)
    )
    try:
        return bool(await stream.read(1))
    finally:
        transport.close()


def _hypercorn(settings: Settings, sock: socket.socket) -> Config:
    config = Config()
    config.bind = [f"fd://{os.dup(sock.fileno())}"]
    config.backlog = _BACKLOG
    config.graceful_timeout = settings.drain_timeout_s
    config.keep_alive_timeout = 75
    config.keep_alive_max_requests = 1_000_000
    config.websocket_ping_interval = settings.ws_ping_interval_s
    config.websocket_max_message_size = settings.ws_max_message_bytes * _WS_HEADROOM
    config.include_server_header = False
    config.errorlog = logging.getLogger("hypercorn.error")
    config.accesslog = None
    correct_hypercorn()
    return config


def tell_parent() -> None:
    """Tell the process that started this worker that it serves."""
    number = os.environ.pop("GLOTTIS_READY_FD", None)
    if number is not None:
        with os.fdopen(int(number), "wb") as pipe:
            pipe.write(b"1")
