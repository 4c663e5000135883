"""Waiting for the items of a provider's stream, without counting the time that whoever takes them needs."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator
from typing import TypeVar

T = TypeVar("T")


async def each_within(
    items: AsyncIterator[T], timeout_s: float, *, first_s: float | None = None
) -> AsyncGenerator[T, None]:
    """Pass items on while all the waiting for them, together, stays within `timeout_s`.

    `first_s` bounds the wait for the first. A time limit around the whole loop would also strike in the code
    that takes the items, since both run in one task.

    Raises:
        TimeoutError: nothing came in time.
    """
    left = timeout_s
    bound = left if first_s is None else min(first_s, left)
    while True:
        started = time.monotonic()
        try:
            async with asyncio.timeout(bound):
                item = await anext(items)
        except StopAsyncIteration:
            return
        left = max(0.0, left - (time.monotonic() - started))
        bound = left
        yield item
