"""Events that cross nodes: what one process publishes, every process hears.

Each process follows the collection of events by one change stream and fans out in memory. MongoDB tells what
is safe on a majority of its nodes, so a write that did not wait for that would be heard later, not sooner.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from glottis.core.store.connection import Database, Raw, answering, is_history_lost
from glottis.core.store.documents import NodeEvent, collection
from glottis.core.store.errors import StoreError
from glottis.core.store.records import StoredEvent
from pymongo.asynchronous.change_stream import AsyncChangeStream
from pymongo.errors import PyMongoError

GAP = "gap"
"""The kind of an event that all subscribers hear when others may have been missed: look for yourself."""
SESSION_ENDED = "session.ended"
"""The kind of an event that the store publishes itself; the key is the session's id."""

QUIET_S = 5.0
"""MongoDB answers each second that nothing has happened; after this long the connection counts as dead."""

_FIRST_PAUSE_S = 0.05
_LONGEST_PAUSE_S = 2.0
_CLOSE_TIMEOUT_S = 1.0
_HEEDED_WITHIN_S = 0.5
_INSERTS: list[Raw] = [{"$match": {"operationType": "insert"}}, {"$project": {"fullDocument": 1}}]

Heard = Callable[[StoredEvent], None]
Stream = AsyncChangeStream[Raw]

log = logging.getLogger(__name__)


@dataclass(slots=True, eq=False)
class _Subscription:
    heard: Heard
    is_open: bool = True

    def tell(self, event: StoredEvent) -> None:
        if self.is_open:
            self.heard(event)


class Events:
    """The events of all nodes."""

    def __init__(self, database: Database, *, quiet_s: float = QUIET_S) -> None:
        self._events = collection(database, NodeEvent)
        self._quiet_s = quiet_s
        self._subscriptions: dict[str, set[_Subscription]] = {}
        self._token: Mapping[str, Any] | None = None

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Listen while the context lasts: what is published after its start is heard.

        Raises:
            StoreUnavailable: MongoDB does not answer.
        """
        with answering():
            stream = await self._open()
        listener = asyncio.create_task(self._listen(stream), name="events of all nodes")
        try:
            yield
        finally:
            while not listener.done():
                # Once may not do: amid a retry, PyMongo takes it for a broken connection, and tries again.
                listener.cancel()
                await asyncio.wait([listener], timeout=_HEEDED_WITHIN_S)

    async def publish(self, kind: str, key: str, data: Mapping[str, Any] | None = None) -> None:
        """Tell every node; on return the event outlives a crash of MongoDB, and is on its way.

        Raises:
            RecordInvalid: `data` holds what MongoDB cannot.
            StoreUnavailable: MongoDB does not answer; the event may be heard nevertheless.
        """
        document = NodeEvent.encoded(kind, key, data or {})
        with answering():
            await self._events.insert_one(document)

    @contextmanager
    def subscribe(self, kind: str, heard: Heard) -> Iterator[None]:
        """Have `heard` called for each event of a kind, those of this process included, and for each gap.

        It is called on the event loop, in the order in which MongoDB took the events.
        """
        subscription = _Subscription(heard)
        self._subscriptions.setdefault(kind, set()).add(subscription)
        try:
            yield
        finally:
            subscription.is_open = False
            others = self._subscriptions[kind]
            others.discard(subscription)
            if not others:
                del self._subscriptions[kind]

    async def _listen(self, stream: Stream) -> None:
        while True:
            try:
                await self._hear(stream)
            finally:
                await _close(stream)
            stream = await self._reopen()

    async def _hear(self, stream: Stream) -> None:
        """Pass on what a stream brings until it breaks."""
        try:
            while stream.alive:
                async with asyncio.timeout(self._quiet_s):
                    change = await stream.try_next()
                self._token = stream.resume_token
                if change is not None:
                    self._pass_on(NodeEvent.record(change["fullDocument"]))
        except (PyMongoError, TimeoutError) as error:
            log.warning("events from MongoDB are interrupted", extra={"error": type(error).__name__})
            self._note_loss(error)

    async def _reopen(self) -> Stream:
        """Go on after the last event heard; if MongoDB has forgotten it, from now on, and tell of a gap."""
        pause_s = _FIRST_PAUSE_S
        while True:
            has_gap = self._token is None
            try:
                async with asyncio.timeout(self._quiet_s):
                    stream = await self._open()
            except (PyMongoError, TimeoutError) as error:
                self._note_loss(error)
                await asyncio.sleep(pause_s)
                pause_s = min(pause_s * 2, _LONGEST_PAUSE_S)
                continue
            log.info("events from MongoDB go on", extra={"has_gap": has_gap})
            if has_gap:
                self._tell_gap()
            return stream

    async def _open(self) -> Stream:
        stream = await self._events.watch(_INSERTS, start_after=self._token)
        self._token = stream.resume_token
        return stream

    def _note_loss(self, error: BaseException) -> None:
        if is_history_lost(error):
            self._token = None

    def _pass_on(self, event: StoredEvent) -> None:
        self._call(self._subscriptions.get(event.kind, ()), event)

    def _tell_gap(self) -> None:
        event = StoredEvent(kind=GAP, key="", data={})
        for subscriptions in self._subscriptions.values():
            self._call(subscriptions, event)

    @staticmethod
    def _call(subscriptions: Iterable[_Subscription], event: StoredEvent) -> None:
        # Not called here: what a subscriber lets out is the event loop's to report, and the stream goes on.
        loop = asyncio.get_running_loop()
        for subscription in subscriptions:
            loop.call_soon(subscription.tell, event)


async def _close(stream: Stream) -> None:
    with suppress(StoreError), answering(_CLOSE_TIMEOUT_S):
        await stream.close()
