"""The worker: as many places as its providers have, each of which takes one call after the other."""

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from typing import Any

from glottis.core.broker import Broker, BrokerUnavailable, Message, WorkQueue
from glottis.core.inference.ending import ended
from glottis.core.inference.errand import Errand, Learns
from glottis.core.inference.messages import (
    Presence,
    RecognizerPresence,
    SynthesizerPresence,
    encode,
    lane_of,
)
from glottis.core.inference.pace import Pace
from glottis.core.inference.remote import GREETING_SUBJECT, MAX_AGE_S, PRESENCE_SUBJECT, QUEUE
from glottis.core.inference.switchboard import Switchboard
from glottis.core.metrics import Metrics
from glottis.core.routing import Guard
from glottis.plugins import Kind, ProviderError, Synthesizer, VoiceInfo
from glottis.plugins.host.containment import contained

_PLACES = 16
"""For a provider that has no bound of its own."""
_LEARN_VOICES_S = 60.0

log = logging.getLogger(__name__)


class InferenceWorker:
    """Serves recognizers and synthesizers to the nodes of a deployment.

    `guards` are those of the instances to serve; `slots` bounds the calls of each at once, beside its own
    bound; `trained` knows of trained voices, which a synthesizer learns when it is first to speak with them.
    """

    def __init__(
        self,
        broker: Broker,
        guards: Sequence[Guard[Any]],
        metrics: Metrics,
        *,
        slots: int | None = None,
        trained: Learns | None = None,
        drain_timeout_s: float = 30.0,
        pace: Pace | None = None,
    ) -> None:
        self._broker, self._metrics, self._trained = broker, metrics, trained
        self._pace = pace or Pace()
        self._drain_timeout_s = drain_timeout_s
        self._switchboard = Switchboard(broker)
        self._name = secrets.token_hex(8)
        self._desks = [
            _Desk(guard, places=min(guard.bound or slots or _PLACES, slots or guard.bound or _PLACES))
            for guard in guards
            if guard.is_started and guard.kind in {Kind.RECOGNIZER, Kind.SYNTHESIZER}
        ]
        self._errands: set[asyncio.Task[None]] = set()
        self._is_leaving = False

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[None]:
        """Take calls while the context lasts; then finish those under way, and say goodbye.

        Calls that are not finished within the drain timeout are left to other workers.

        Raises:
            BrokerUnavailable: the broker is away at the start. Later it may come and go.
        """
        async with AsyncExitStack() as stack:
            queue = await self._broker.work_queue(QUEUE, is_kept=False, max_age_s=MAX_AGE_S)
            await stack.enter_async_context(self._switchboard.connected())
            greeting = self._broker.subject(GREETING_SUBJECT)
            await stack.enter_async_context(self._broker.subscribing(greeting, self._greet))
            places = [
                self._task(self._hold_place(desk, queue), f"place for {desk.guard.name}")
                for desk in self._desks
                for _ in range(desk.places)
            ]
            telling = [self._task(self._keep_telling(), "presence")]
            telling += [
                self._task(self._keep_learning_voices(desk), f"voices of {desk.guard.name}")
                for desk in self._desks
                if desk.guard.kind is Kind.SYNTHESIZER
            ]
            try:
                yield
            finally:
                await self._leave(places)
                await ended(*telling)
                await self._tell_all()

    async def _leave(self, places: Sequence["asyncio.Task[None]"]) -> None:
        """Take no more, and finish what is under way, as far as there is time."""
        self._is_leaving = True
        await self._tell_all()
        await ended(*places)
        if self._errands:
            _, late = await asyncio.wait(set(self._errands), timeout=self._drain_timeout_s)
            await ended(*late)

    async def _hold_place(self, desk: "_Desk", queue: WorkQueue) -> None:
        async with queue.pulling(
            lane_of(desk.guard.kind, desk.guard.name), ack_wait_s=self._pace.ack_wait_s
        ) as lane:
            while True:
                delivery = await lane.take()
                errand = Errand(
                    delivery,
                    desk.guard,
                    broker=self._broker,
                    switchboard=self._switchboard,
                    pace=self._pace,
                    trained=self._trained,
                )
                running = self._task(self._run(desk, errand), f"errand for {desk.guard.name}")
                self._errands.add(running)
                running.add_done_callback(self._done)
                await asyncio.wait({running})

    async def _run(self, desk: "_Desk", errand: Errand) -> None:
        names = desk.guard.name, str(desk.guard.kind)
        running = self._metrics.worker_calls_running.labels(*names)
        desk.busy += 1
        running.inc()
        try:
            outcome = await errand.run()
            self._metrics.worker_calls.labels(*names, outcome.value).inc()
        finally:
            desk.busy -= 1
            running.dec()

    def _done(self, errand: "asyncio.Task[None]") -> None:
        self._errands.discard(errand)
        if not errand.cancelled() and (error := errand.exception()) is not None:
            log.error("an errand failed inside", exc_info=error)

    async def _greet(self, _message: Message) -> None:
        await self._tell_all()

    async def _keep_telling(self) -> None:
        while True:
            await self._tell_all()
            await asyncio.sleep(self._pace.beat_s)

    async def _keep_learning_voices(self, desk: "_Desk") -> None:
        async def ask(provider: Synthesizer) -> Sequence[VoiceInfo]:
            return await provider.voices()

        while True:
            try:
                desk.voices = tuple(await desk.guard.call(ask))
            except ProviderError:
                pass  # counted by the guard; those that were known remain
            else:
                await self._tell(desk)
            await asyncio.sleep(_LEARN_VOICES_S)

    async def _tell_all(self) -> None:
        for desk in self._desks:
            await self._tell(desk)

    async def _tell(self, desk: "_Desk") -> None:
        try:
            payload = encode(desk.presence(self._name, is_leaving=self._is_leaving))
            if len(payload) > self._broker.max_payload:
                desk.voices = ()
                payload = encode(desk.presence(self._name, is_leaving=self._is_leaving))
        except (ProviderError, ValueError):
            log.exception("a provider cannot say what it can do", extra={"provider": desk.guard.name})
            return
        with suppress(BrokerUnavailable):  # nobody can hear it
            await self._broker.publish(self._broker.subject(PRESENCE_SUBJECT), payload)

    @staticmethod
    def _task(work: Coroutine[Any, Any, None], name: str) -> "asyncio.Task[None]":
        return asyncio.create_task(work, name=name)


class _Desk:
    """An instance that is served."""

    def __init__(self, guard: Guard[Any], *, places: int) -> None:
        self.guard = guard
        self.places = places
        self.busy = 0
        self.voices: tuple[VoiceInfo, ...] = ()

    def presence(self, worker: str, *, is_leaving: bool) -> Presence:
        """Say what there is. Raises `ProviderError` if the provider does."""
        guard = self.guard
        with contained(guard.name):
            version = guard.provider.version
        free = max(0, self.places - self.busy)
        if guard.kind is Kind.RECOGNIZER:
            return RecognizerPresence(
                worker=worker,
                instance=guard.name,
                capabilities=guard.capabilities,
                version=version,
                places=self.places,
                free=free,
                is_leaving=is_leaving,
            )
        return SynthesizerPresence(
            worker=worker,
            instance=guard.name,
            capabilities=guard.capabilities,
            version=version,
            places=self.places,
            free=free,
            voices=self.voices,
            is_leaving=is_leaving,
        )
