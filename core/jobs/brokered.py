"""The engine with a broker: jobs wait in a queue, and a worker with room pulls what it can do.

The queue brings a job to a worker; whose it is the store decides. So a message that comes twice does no harm,
and one that is lost is missed by nobody for long: whoever runs this engine looks for jobs that are due, and
puts them into the queue again, where each has but one place.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress

from glottis.core.broker import Broker, BrokerUnavailable, Delivery, Lane, WorkQueue
from glottis.core.jobs.contract import JobEngine, Work
from glottis.core.jobs.workbench import Workbench, publish, withdrawn
from glottis.core.store import Events, StoreError

QUEUE = "jobs"
_LOOK_AGAIN_S = 2.0
_SHORTEST_PAUSE_S = 0.1
_BUSY_PAUSE_S = 0.5
_KEEPS_A_LEASE = 3

log = logging.getLogger(__name__)


class BrokeredJobs(JobEngine):
    """Works in any process that asks the broker for jobs."""

    def __init__(self, work: Work, events: Events, broker: Broker) -> None:
        self._work = work
        self._events = events
        self._broker = broker
        self._queue: WorkQueue | None = None

    async def offer(self, job_id: str, *, lane: str) -> None:
        with suppress(BrokerUnavailable):  # it is found by looking
            await (await self._opened()).put(self._lane(lane), job_id)

    async def withdraw(self, job_id: str) -> None:
        await publish(self._events, withdrawn(self._work), job_id)

    @asynccontextmanager
    async def working(self, *, slots: int) -> AsyncIterator[None]:
        bench = Workbench(self._work, self._events, slots=slots)
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(bench.open())
            doing = [self._find_forgotten(), *([self._pull(bench)] if slots else [])]
            tasks = {asyncio.create_task(work, name=f"jobs of {self._work.kind}") for work in doing}
            stack.push_async_callback(asyncio.wait, tasks)
            for task in tasks:
                stack.callback(task.cancel)
            yield

    def _lane(self, lane: str) -> str:
        return f"{self._work.kind}.{lane}"

    async def _opened(self) -> WorkQueue:
        if self._queue is None:
            self._queue = await self._broker.work_queue(QUEUE, is_kept=True)
        return self._queue

    async def _find_forgotten(self) -> None:
        """Queue again and again what is due in the store: the broker may have missed or lost it."""
        while True:
            try:
                for job_id, lane in await self._work.due():
                    await (await self._opened()).put(self._lane(lane), job_id)
            except (StoreError, BrokerUnavailable) as error:
                log.warning("jobs cannot be queued", extra={"reason": str(error)})
            await asyncio.sleep(_LOOK_AGAIN_S)

    async def _pull(self, bench: Workbench) -> None:
        """Ask for what can be done here while there is room; leave the lanes to others when there is none."""
        while True:
            await bench.room()
            lanes = self._work.lanes()
            try:
                async with self._pulling(lanes) as pulls:
                    while bench.has_room and self._work.lanes() == lanes:
                        await self._take(bench, pulls)
            except BrokerUnavailable as error:
                log.warning("no jobs can be asked for", extra={"reason": str(error)})
                await asyncio.sleep(_BUSY_PAUSE_S)

    @asynccontextmanager
    async def _pulling(self, lanes: Sequence[str]) -> AsyncIterator[list[Lane]]:
        queue = await self._opened()
        async with AsyncExitStack() as stack:
            yield [
                await stack.enter_async_context(
                    queue.pulling(self._lane(lane), ack_wait_s=self._work.lease_s)
                )
                for lane in lanes
            ]

    async def _take(self, bench: Workbench, pulls: Sequence[Lane]) -> None:
        """Take a job from whichever lane has one first; after a while without any, look about."""
        if not pulls:
            await asyncio.sleep(_BUSY_PAUSE_S)
            return
        takes = [asyncio.create_task(pull.take(), name="next job") for pull in pulls]
        is_going_on = False
        try:
            await asyncio.wait(takes, timeout=_LOOK_AGAIN_S, return_when=asyncio.FIRST_COMPLETED)
            is_going_on = True
        finally:
            for take in takes:
                take.cancel()
            await asyncio.wait(takes)
            taken = [take.result() for take in takes if not take.cancelled()]
            for delivery in taken:
                if is_going_on and bench.has_room:
                    bench.start(self._attend(bench, delivery))
                else:
                    await delivery.later(_SHORTEST_PAUSE_S)

    async def _attend(self, bench: Workbench, delivery: Delivery) -> None:
        keeping = asyncio.create_task(self._keep(delivery), name=f"keeping job {delivery.item}")
        try:
            claim = await self._work.claim(delivery.item)
            if claim is not None:
                await bench.attend(claim)
            due_s = await self._work.due_in_s(delivery.item)
        except StoreError as error:
            log.warning("a job cannot be looked at", extra={"job": delivery.item, "reason": str(error)})
            due_s, claim = _BUSY_PAUSE_S, None
        except asyncio.CancelledError:
            await delivery.later(_SHORTEST_PAUSE_S)
            raise
        finally:
            keeping.cancel()
            await asyncio.wait({keeping})
        if due_s is None:
            await delivery.done()
        else:
            # Due, and yet not to be had: this backend is busy here. Another worker may have room.
            shortest = _BUSY_PAUSE_S if claim is None else _SHORTEST_PAUSE_S
            await delivery.later(max(due_s, shortest))

    async def _keep(self, delivery: Delivery) -> None:
        while True:
            await asyncio.sleep(self._work.lease_s / _KEEPS_A_LEASE)
            await delivery.keep()
