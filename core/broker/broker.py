"""Messages between processes: said to whoever listens, kept by nobody."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass, field

from glottis.core.broker.addresses import shown
from glottis.core.broker.connection import (
    CONNECT_TIMEOUT_S,
    BrokerUnavailable,
    connected,
    is_jetstream_there,
    reaching,
)
from glottis.core.broker.queues import WorkQueue
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from pydantic import SecretStr


@dataclass(frozen=True, slots=True)
class Message:
    """What somebody said; `reply` is the subject of an answer, empty where none is wanted."""

    subject: str
    payload: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    reply: str = ""


Hear = Callable[[Message], Awaitable[None]]


@asynccontextmanager
async def open_broker(
    url: SecretStr,
    *,
    name: str,
    prefix: str = "glottis",
    replicas: int = 1,
    timeout_s: float = CONNECT_TIMEOUT_S,
) -> AsyncIterator["Broker"]:
    """Connect to a broker, and stay connected.

    `prefix` begins every subject and the name of every queue; `replicas` is on how many servers of a cluster
    a queue is kept.

    Raises:
        BrokerUnavailable: there is none within `timeout_s`, or it has JetStream switched off.
    """
    async with connected(url, name=name, timeout_s=timeout_s) as client:
        if not is_jetstream_there(client):
            raise BrokerUnavailable(f"the NATS broker at {shown(url)} has no JetStream: start it with -js")
        yield Broker(client, prefix=prefix, replicas=replicas)


class Broker:
    """The broker, as one process sees it."""

    def __init__(self, client: Client, *, prefix: str, replicas: int) -> None:
        self._client = client
        self._prefix = prefix
        self._replicas = replicas

    @property
    def is_connected(self) -> bool:
        return self._client.is_connected

    @property
    def max_payload(self) -> int:
        """How many bytes a message may have."""
        return self._client.max_payload

    def new_inbox(self) -> str:
        """Make up a subject that nobody else has."""
        return self._client.new_inbox()

    def subject(self, name: str) -> str:
        """Return the subject of a name within this deployment, such as `workers.recognizer.whisper`."""
        return f"{self._prefix}.{name}"

    async def publish(
        self,
        subject: str,
        payload: bytes = b"",
        *,
        headers: Mapping[str, str] | None = None,
        reply: str = "",
    ) -> None:
        """Say something to whoever listens to a subject now.

        Raises:
            BrokerUnavailable: the broker is away, or the message is too large.
        """
        with reaching():
            await self._client.publish(subject, payload, reply, _given(headers))

    async def request(
        self,
        subject: str,
        payload: bytes = b"",
        *,
        headers: Mapping[str, str] | None = None,
        timeout_s: float,
    ) -> Message:
        """Ask whoever listens to a subject, and wait for the first answer.

        Raises:
            BrokerUnavailable: nobody listens, nobody answers in time, or the broker is away.
        """
        with reaching():
            return _message(
                await self._client.request(subject, payload, timeout=timeout_s, headers=_given(headers))
            )

    def subscribing(self, subject: str, hear: Hear) -> AbstractAsyncContextManager[None]:
        """Hear every message to a subject while the context lasts, one after the other.

        After an outage it goes on; what was said meanwhile is lost.

        Raises:
            BrokerUnavailable: the broker is away.
        """
        return self._subscribing(subject, hear)

    @asynccontextmanager
    async def _subscribing(self, subject: str, hear: Hear) -> AsyncIterator[None]:
        async def heard(message: Msg) -> None:
            with suppress(BrokerUnavailable):
                await hear(_message(message))

        with reaching():
            if not self.is_connected:
                raise BrokerUnavailable("NATS is away")
            subscription = await self._client.subscribe(subject, cb=heard)
            await self._client.flush()  # whoever is told of the subject from now on is heard
        try:
            yield
        finally:
            with suppress(NatsError):
                await subscription.unsubscribe()

    async def work_queue(self, name: str, *, is_kept: bool, max_age_s: float | None = None) -> WorkQueue:
        """Open a queue of work, made if it is missing; `is_kept`: on disk, and not in memory.

        Raises:
            BrokerUnavailable: the broker is away, or does not have it.
        """
        queue = WorkQueue(
            self._client,
            stream=f"{self._prefix}-{name}",
            root=self.subject(name),
            replicas=self._replicas,
            is_kept=is_kept,
            max_age_s=max_age_s,
        )
        with reaching():
            await queue.ensure()
        return queue


def _given(headers: Mapping[str, str] | None) -> dict[str, str] | None:
    return dict(headers) if headers else None


def _message(message: Msg) -> Message:
    return Message(message.subject, message.data, message.headers or {}, message.reply)
