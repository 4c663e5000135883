"""Many callers, one journal wait: what arrives while a write is under way goes with the next one."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Generic, TypeVar

from glottis.core.store.errors import StoreError, StoreUnavailable

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")

MAX_BATCH = 128
MAX_WAITING = 2_048


@dataclass(frozen=True, slots=True, eq=False)
class _Waiter(Generic[Item, Outcome]):
    item: Item
    answer: "asyncio.Future[Outcome]"


class GroupCommit(Generic[Item, Outcome]):
    """Gather what callers submit and commit it batch by batch, one batch at a time.

    `commit` answers each item with its outcome or a `StoreError` of its own; what it raises is every item's.
    `unclaimed` is told the outcomes whose callers were cancelled meanwhile.
    """

    def __init__(
        self,
        commit: Callable[[Sequence[Item]], Awaitable[Sequence[Outcome | StoreError]]],
        *,
        unclaimed: Callable[[Outcome], None] | None = None,
    ) -> None:
        self._commit = commit
        self._unclaimed = unclaimed
        self._waiting: asyncio.Queue[_Waiter[Item, Outcome] | None] = asyncio.Queue()
        self._room = asyncio.Semaphore(MAX_WAITING)
        self._closed = True

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Commit while the context lasts; at its end, what was submitted is committed still."""
        self._closed = False
        writer = asyncio.create_task(self._write(), name="group commit")
        try:
            yield
        finally:
            self._closed = True
            self._waiting.put_nowait(None)
            await writer

    async def submit(self, item: Item) -> Outcome:
        """Have an item committed.

        Raises:
            StoreUnavailable: the store is closed, or the batch failed.
        """
        async with self._room:
            if self._closed:
                raise StoreUnavailable("the store is closed")
            answer: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
            self._waiting.put_nowait(_Waiter(item, answer))
            return await answer

    def submit_unattended(self, item: Item) -> None:
        """Have an item committed whose outcome nobody waits for."""
        answer: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        answer.add_done_callback(asyncio.Future.exception)  # looked at, or asyncio complains
        self._waiting.put_nowait(_Waiter(item, answer))

    async def _write(self) -> None:
        is_closing = False
        while not (is_closing and self._waiting.empty()):
            waiters = [await self._waiting.get()]
            while len(waiters) < MAX_BATCH and not self._waiting.empty():
                waiters.append(self._waiting.get_nowait())
            is_closing = is_closing or None in waiters
            batch = [waiter for waiter in waiters if waiter is not None and not waiter.answer.cancelled()]
            if batch:
                await self._commit_batch(batch)

    async def _commit_batch(self, batch: Sequence[_Waiter[Item, Outcome]]) -> None:
        commit = self._commit([waiter.item for waiter in batch])
        # gather gives what was raised as a value: a bug in `commit` meets its callers, and the writer lives.
        (outcomes,) = await asyncio.gather(commit, return_exceptions=True)
        if isinstance(outcomes, BaseException):
            for waiter in batch:
                _fail(waiter, outcomes)
            if isinstance(outcomes, StoreUnavailable):
                self._give_up_waiting(outcomes)
            return
        for waiter, outcome in zip(batch, outcomes, strict=True):
            if isinstance(outcome, StoreError):
                _fail(waiter, outcome)
            elif not waiter.answer.done():
                waiter.answer.set_result(outcome)
            elif self._unclaimed is not None:
                self._unclaimed(outcome)

    def _give_up_waiting(self, error: StoreUnavailable) -> None:
        """Spare those who have waited for the same outage a second wait for it."""
        for _ in range(self._waiting.qsize()):
            waiter = self._waiting.get_nowait()
            if waiter is None:
                self._waiting.put_nowait(None)
            else:
                _fail(waiter, error)


def _fail(waiter: _Waiter[Item, Outcome], error: BaseException) -> None:
    if not waiter.answer.done():
        waiter.answer.set_exception(error)
