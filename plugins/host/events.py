"""Telling plugins what happens, without anybody waiting for them."""

import asyncio
import inspect
import logging
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from glottis.plugins.events import Event
from glottis.plugins.host.isolation import Hung, Lane, PluginFault, call_in_thread, finish
from glottis.plugins.host.redaction import Redaction
from glottis.plugins.host.reporting import report

CAPACITY = 1_000
LISTENER_TIMEOUT_S = 5.0
DRAIN_S = 1.0

log = logging.getLogger("glottis.plugins")


@dataclass(slots=True)
class Listener:
    """A plugin's `glottis_on_event`.

    A plain function runs in a thread of its plugin's own, so that it cannot block the event loop; once it has
    hung there it is told nothing more.
    """

    plugin: str
    function: Callable[[Event], Any]
    lane: Lane | None = field(default=None)
    is_hung: bool = False


class EventFeed:
    """A bounded queue of events and the one task that empties it; the oldest event gives way to the newest.

    `dropped` counts those that gave way. Used from one event loop only.
    """

    def __init__(
        self,
        listeners: Sequence[Listener],
        *,
        redaction: Redaction,
        capacity: int = CAPACITY,
        timeout_s: float = LISTENER_TIMEOUT_S,
    ) -> None:
        self.dropped = 0
        self._listeners = list(listeners)
        self._redaction = redaction
        self._timeout_s = timeout_s
        self._events: deque[Event] = deque(maxlen=capacity)
        self._is_waiting = asyncio.Event()
        self._is_empty = asyncio.Event()
        self._is_empty.set()
        self._task: asyncio.Task[None] | None = None

    def put(self, event: Event) -> None:
        """Queue an event; returns at once."""
        if not self._listeners or self._task is None:
            return
        if len(self._events) == self._events.maxlen:
            if not self.dropped:
                log.warning("events are dropped: a plugin listens too slowly")
            self.dropped += 1
        self._events.append(event)
        self._is_waiting.set()
        self._is_empty.clear()

    def start(self) -> None:
        if self._listeners:
            self._task = asyncio.create_task(self._run(), name="glottis-events")

    async def aclose(self) -> None:
        """Give what is queued a moment to be told, then stop."""
        if self._task is None:
            return
        task, self._task = self._task, None
        try:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._is_empty.wait(), DRAIN_S)
        finally:
            task.cancel()
            for listener in self._listeners:
                if listener.lane is not None:
                    listener.lane.close()
            await asyncio.wait({task})

    async def _run(self) -> None:
        while True:
            await self._is_waiting.wait()
            while self._events:
                event = self._events.popleft()
                for listener in self._listeners:
                    await self._tell(listener, event)
            self._is_waiting.clear()
            self._is_empty.set()

    async def _tell(self, listener: Listener, event: Event) -> None:
        if listener.is_hung:
            return
        try:
            await self._call(listener, event)
        except PluginFault as fault:
            listener.is_hung = isinstance(fault, Hung)
            report("plugin failed on an event", fault, self._redaction, plugin=listener.plugin)

    async def _call(self, listener: Listener, event: Event) -> None:
        doing = "glottis_on_event"
        result: Any
        if inspect.iscoroutinefunction(listener.function):
            result = listener.function(event)
        else:
            if listener.lane is None:
                listener.lane = Lane(f"events-{listener.plugin}")
            result = await call_in_thread(
                lambda: listener.function(event), timeout_s=self._timeout_s, doing=doing, lane=listener.lane
            )
        if inspect.isawaitable(result):
            await finish(lambda: result, timeout_s=self._timeout_s, doing=doing)
