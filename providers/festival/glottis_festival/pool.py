"""The processes that speak: a bounded number of them, started again when one fails."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any, TypeVar

from glottis.plugins import ErrorCategory, ProviderError

from glottis_festival.worker import Worker

T = TypeVar("T")

GRACE_S = 1.0
"""How long a sentence that nobody waits for any more may keep its process. Most end sooner, and a new process
costs more than the end of a sentence."""

START_S = 30.0


class Seat:
    """The place of one process, which may have none at the moment."""

    def __init__(self) -> None:
        self.worker: Worker | None = None


class WorkerPool:
    """Lends processes; each is used by one job at a time.

    `prepare` is done to each process before its first job, such as loading voices.
    """

    def __init__(
        self,
        processes: int,
        *,
        start: Callable[[], Awaitable[Worker]],
        prepare: Callable[[Worker], Awaitable[None]],
        log: logging.Logger,
    ) -> None:
        self._start, self._prepare, self._log = start, prepare, log
        self._seats = [Seat() for _ in range(processes)]
        self._free: asyncio.Queue[Seat] = asyncio.Queue()
        for seat in self._seats:
            self._free.put_nowait(seat)
        self._tasks: set[asyncio.Task[Any]] = set()
        self._is_closing = False

    async def fill(self) -> None:
        """Start all processes.

        Raises:
            ProviderError: one cannot be started or prepared.
        """

        async def ready(worker: Worker) -> bool:
            return worker.is_usable

        await asyncio.gather(*(self.run(ready, within_s=START_S) for _ in self._seats))

    async def run(self, job: Callable[[Worker], Awaitable[T]], *, within_s: float) -> T:
        """Do a job with the next free process.

        When the caller is cancelled, the job has `GRACE_S` left to end; one that does not, and one that takes
        longer than `within_s`, ends with its process, and a new one is started.

        Raises:
            ProviderError: what the job raised, or that it took too long.
        """
        seat = await self._free.get()
        task = asyncio.create_task(self._serve(seat, job, within_s))
        self._tasks.add(task)
        task.add_done_callback(self._forget)
        try:
            return await asyncio.shield(task)
        finally:
            if not task.done():
                end = asyncio.get_running_loop().call_later(GRACE_S, task.cancel)
                task.add_done_callback(lambda _: end.cancel())

    async def aclose(self) -> None:
        """End all processes."""
        self._is_closing = True
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for seat in self._seats:
            if seat.worker is not None:
                await seat.worker.close()
                seat.worker = None

    async def _serve(self, seat: Seat, job: Callable[[Worker], Awaitable[T]], within_s: float) -> T:
        try:
            if seat.worker is None or not seat.worker.is_usable:
                await self._restart(seat)
            assert seat.worker is not None  # noqa: S101  # `_restart` gives one or raises
            async with asyncio.timeout(within_s):
                return await job(seat.worker)
        except TimeoutError:
            raise ProviderError(ErrorCategory.TIMEOUT, "Festival took too long") from None
        finally:
            self._give_back(seat)

    def _give_back(self, seat: Seat) -> None:
        """Free a seat: at once, or when what failed in it has been replaced."""
        if self._is_closing or seat.worker is None or seat.worker.is_usable:
            self._free.put_nowait(seat)
            return
        task = asyncio.create_task(self._replace(seat))
        self._tasks.add(task)
        task.add_done_callback(self._forget)

    async def _replace(self, seat: Seat) -> None:
        try:
            await self._restart(seat)
        except ProviderError as error:
            # The next job tries again, and tells its caller.
            self._log.warning("festival cannot be started again", extra={"reason": error.public_message})
        finally:
            self._free.put_nowait(seat)

    async def _restart(self, seat: Seat) -> None:
        async with AsyncExitStack() as unless_it_is_ready:
            if seat.worker is not None:
                await seat.worker.close()
                seat.worker = None
            worker = await self._start()
            unless_it_is_ready.push_async_callback(worker.close)
            try:
                async with asyncio.timeout(START_S):
                    await self._prepare(worker)
            except TimeoutError:
                raise ProviderError(ErrorCategory.UNAVAILABLE, "Festival does not start") from None
            unless_it_is_ready.pop_all()
            seat.worker = worker

    def _forget(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()  # whoever wanted to know has been told
