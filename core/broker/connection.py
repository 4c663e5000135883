"""A connection to NATS that is made again whenever it breaks. What goes wrong is a `BrokerUnavailable`."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any

from glottis.core.broker.addresses import Unreadable, servers_of, shown
from nats.aio.client import Client
from nats.errors import Error as NatsError
from nats.protocol.parser import PERMISSIONS_ERR
from pydantic import SecretStr

CONNECT_TIMEOUT_S = 5.0
_PING_S = 5
_UNANSWERED_PINGS = 2
_RECONNECT_PAUSE_S = 0.25

log = logging.getLogger(__name__)


class BrokerUnavailable(Exception):
    """The broker, or who should have answered through it, is not there; the message names no credentials."""


@contextmanager
def reaching() -> Iterator[None]:
    """Turn whatever NATS raises into `BrokerUnavailable`."""
    try:
        with heeding_cancellation():
            yield
    except (NatsError, TimeoutError, OSError) as error:
        raise BrokerUnavailable(str(error) or type(error).__name__) from None


@contextmanager
def heeding_cancellation() -> Iterator[None]:
    """Raise a cancellation that came meanwhile and was lost.

    The library uses `asyncio.wait_for`, which before Python 3.12 returns a result that comes at the same time
    as the cancellation, and forgets the latter.
    """
    task = asyncio.current_task()
    before = 0 if task is None else task.cancelling()
    try:
        yield
    finally:
        if task is not None and task.cancelling() > before:
            raise asyncio.CancelledError


@asynccontextmanager
async def connected(url: SecretStr, *, name: str, timeout_s: float) -> AsyncIterator[Client]:
    """Hold a connection, under a name that the broker's own tools show.

    Raises:
        BrokerUnavailable: it cannot be made within `timeout_s`. One that breaks later is mended in silence.
    """
    try:
        servers = servers_of(url)
    except Unreadable as unreadable:
        raise BrokerUnavailable(str(unreadable)) from None
    last: list[Exception] = []
    client = _Client()

    async def disconnected() -> None:
        if not client.is_closed:
            log.warning("NATS is away")

    try:
        async with asyncio.timeout(timeout_s):
            await client.connect(
                servers,
                name=name,
                max_reconnect_attempts=-1,
                reconnect_time_wait=_RECONNECT_PAUSE_S,  # type: ignore[arg-type]  # it may be a fraction
                ping_interval=_PING_S,
                max_outstanding_pings=_UNANSWERED_PINGS,
                pending_size=0,  # what is said while nobody hears is an error, not a debt
                error_cb=_noting(last),
                disconnected_cb=disconnected,
                reconnected_cb=_reconnected,
            )
    except (NatsError, TimeoutError, OSError, ValueError) as error:
        await _closed(client)
        reason = str(last[-1] if last else error) or "no answer"
        raise BrokerUnavailable(f"no NATS broker at {shown(url)}: {reason}") from None
    try:
        yield client
    finally:
        await _closed(client)


def is_jetstream_there(client: Client) -> bool:
    """Tell whether the server that we are connected to has JetStream switched on."""
    return bool(client._server_info.get("jetstream"))  # noqa: SLF001 - the library shows it nowhere else


async def _closed(client: Client) -> None:
    if not client.is_connected:
        # It would be written to a closed connection: uvloop raises there, and half of `close` is not done.
        client._pending_data_size = 0  # noqa: SLF001 - nothing else drops it
    with suppress(NatsError, TimeoutError, OSError, RuntimeError):  # the last is what uvloop raises
        await client.close()


class _Client(Client):
    """Keeps to TLS where told to, and comes back when it was sent away: the library does neither."""

    async def _process_info(self, info: dict[str, Any], initial_connection: bool = False) -> None:  # noqa: FBT001, FBT002 - the library's own
        server = self._current_server
        is_refused = initial_connection and server is not None and server.uri.scheme == "tls"
        if is_refused and not info.get("tls_required"):
            # Here, since the password comes next.
            raise NatsError("it does without TLS, which tls:// asks for")
        await super()._process_info(info, initial_connection)

    async def _process_err(self, err_msg: str) -> None:
        """Come again whatever the server sends us away for: the library would stay away for good."""
        reason = err_msg.strip("'")
        if PERMISSIONS_ERR in reason:  # it refuses one subject, and keeps the connection
            await super()._process_err(err_msg)
            return
        log.warning("NATS has sent us away", extra={"reason": reason})
        await self._process_op_err(NatsError(reason))


def _noting(last: list[Exception]) -> Callable[[Exception], Awaitable[None]]:
    async def note(error: Exception) -> None:
        last[:] = [error]
        log.debug("NATS connection", extra={"reason": str(error)})

    return note


async def _reconnected() -> None:
    log.info("NATS is back")
