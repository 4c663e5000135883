"""Blocking code behind an asyncio contract."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator
from concurrent.futures import Executor
from typing import Any, TypeVar

T = TypeVar("T")

_END: Any = object()


async def iterate_in_thread(
    produce: Callable[[], Iterator[T]], *, executor: Executor | None = None
) -> AsyncGenerator[T, None]:
    """Run a blocking iterator in a thread, an item at a time, and give its items here.

    The next item is asked for when this iterator is, so nothing piles up. Closing this iterator lets the
    item in the making finish, then closes the blocking one: its `finally` blocks run before this returns.
    """
    loop = asyncio.get_running_loop()
    iterator = produce()
    step: asyncio.Future[T] | None = None
    try:
        while True:
            step = loop.run_in_executor(executor, next, iterator, _END)
            # A thread cannot be cancelled, so a cancellation must not lose sight of it.
            item = await asyncio.shield(step)
            if item is _END:
                return
            yield item
    finally:
        if step is not None and not step.done():
            await asyncio.wait({step})
        close = getattr(iterator, "close", None)
        if close is not None:
            await loop.run_in_executor(executor, close)
