"""Queues of work: each piece goes to one worker that asks, and comes again if that one falls silent."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from glottis.core.broker.connection import BrokerUnavailable, heeding_cancellation, reaching
from glottis.core.broker.names import text_of, token
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.errors import Error as NatsError
from nats.js.api import (
    AckPolicy,
    ConsumerConfig,
    DiscardPolicy,
    RetentionPolicy,
    StorageType,
    StreamConfig,
)
from nats.js.client import JetStreamContext
from nats.js.errors import APIError, NoStreamResponseError, NotFoundError

_ASK_AGAIN_S = 2.0
"""A request for work that was under way when the connection broke is lost; nobody tells."""
_PAUSE_S = 0.25
_ANSWER_S = 2.0
_IS_THERE = 10_077
"""The code with which a stream refuses a second message of one subject."""

log = logging.getLogger(__name__)


class Delivery:
    """A piece of work that has come to us: ours as long as we `keep` it, until it is `done` or put off.

    None of its methods fails while the broker is away: then the piece comes again, to us or another.
    """

    def __init__(self, message: Msg) -> None:
        self._message = message
        self.item = text_of(message.subject.rpartition(".")[2])
        self.payload: bytes = message.data
        self.count = message.metadata.num_delivered or 1

    async def done(self) -> None:
        """Take it out of the queue."""
        with suppress(NatsError):
            await self._message.ack()

    async def later(self, after_s: float) -> None:
        """Put it back, to be delivered again after a while."""
        with suppress(NatsError):
            await self._message.nak(delay=max(after_s, 0.001))

    async def keep(self) -> None:
        """Say that we still work on it."""
        with suppress(NatsError):
            await self._message.in_progress()


class WorkQueue:
    """A queue with lanes: workers ask for the work of a lane, and an item stands in it but once."""

    def __init__(
        self,
        client: Client,
        *,
        stream: str,
        root: str,
        replicas: int,
        is_kept: bool,
        max_age_s: float | None,
    ) -> None:
        self._jetstream = client.jetstream(timeout=_ANSWER_S)
        self._client = client
        self._stream = stream
        self._root = root
        self._replicas = replicas
        self._is_kept = is_kept
        self._max_age_s = max_age_s

    async def ensure(self) -> None:
        """Make the stream if it is missing; change it if it is another's idea of it."""
        config = StreamConfig(
            name=self._stream,
            subjects=[f"{self._root}.*.*"],
            retention=RetentionPolicy.WORK_QUEUE,
            storage=StorageType.FILE if self._is_kept else StorageType.MEMORY,
            discard=DiscardPolicy.NEW,
            discard_new_per_subject=True,
            max_msgs_per_subject=1,
            max_age=self._max_age_s,
            num_replicas=self._replicas,
        )
        try:
            await self._jetstream.add_stream(config)
        except APIError:
            await self._jetstream.update_stream(config)

    async def put(self, lane: str, item: str, payload: bytes = b"") -> None:
        """Queue a piece of work; nothing happens if the lane has that item already.

        Raises:
            BrokerUnavailable: it is not queued, or nobody knows.
        """
        if not self._client.is_connected:
            raise BrokerUnavailable("NATS is away")
        subject = f"{self._root}.{token(lane)}.{token(item)}"
        with reaching():
            try:
                await self._put(subject, payload)
            except NoStreamResponseError:  # the broker has lost its memory
                await self.ensure()
                await self._put(subject, payload)

    async def _put(self, subject: str, payload: bytes) -> None:
        try:
            await self._jetstream.publish(subject, payload)
        except APIError as error:
            if error.err_code != _IS_THERE:
                raise

    @asynccontextmanager
    async def pulling(self, lane: str, *, ack_wait_s: float) -> AsyncIterator["Lane"]:
        """Ask for the work of a lane while the context lasts, one piece at a time.

        What is neither kept, done nor put off within `ack_wait_s` is given to another. Whoever has room for
        several pieces at once opens several of these.
        """
        pull = Lane(self, lane, ack_wait_s=ack_wait_s)
        try:
            yield pull
        finally:
            await pull.aclose()

    async def subscription(self, lane: str, *, ack_wait_s: float) -> JetStreamContext.PullSubscription:
        """Bind to the consumer that all workers of a lane share, made if it is missing."""
        name = token(lane)
        config = ConsumerConfig(
            durable_name=name,
            filter_subject=f"{self._root}.{name}.*",
            ack_policy=AckPolicy.EXPLICIT,
            ack_wait=ack_wait_s,
            max_deliver=-1,
            num_replicas=self._replicas,
            mem_storage=not self._is_kept,
        )
        try:
            await self._jetstream.add_consumer(self._stream, config)
        except NotFoundError:
            await self.ensure()
            await self._jetstream.add_consumer(self._stream, config)
        return await self._jetstream.pull_subscribe_bind(durable=name, stream=self._stream)


class Lane:
    """One request after the other for the work of a lane."""

    def __init__(self, queue: WorkQueue, lane: str, *, ack_wait_s: float) -> None:
        self._queue = queue
        self._lane = lane
        self._ack_wait_s = ack_wait_s
        self._subscription: JetStreamContext.PullSubscription | None = None

    async def take(self) -> Delivery:
        """Wait for the next piece of work, however long that takes, outages included."""
        while True:
            try:
                with heeding_cancellation():
                    return await self._asked()
            except TimeoutError:
                continue
            except (NatsError, OSError) as error:
                log.debug("no work can be asked for", extra={"lane": self._lane, "reason": str(error)})
                await self.aclose()
                await asyncio.sleep(_PAUSE_S)

    async def _asked(self) -> Delivery:
        if self._subscription is None:
            self._subscription = await self._queue.subscription(self._lane, ack_wait_s=self._ack_wait_s)
        (message,) = await self._subscription.fetch(1, timeout=_ASK_AGAIN_S)
        return Delivery(message)

    async def aclose(self) -> None:
        """Ask no more."""
        subscription, self._subscription = self._subscription, None
        if subscription is not None:
            with suppress(NatsError):
                await subscription.unsubscribe()
