import asyncio
import threading
from collections.abc import Iterator
from contextlib import aclosing

import pytest
from glottis.plugins import iterate_in_thread


async def test_items_come_from_another_thread_and_in_order() -> None:
    def produce() -> Iterator[int]:
        yield from (threading.get_ident(), 1, 2)

    first, *rest = [item async for item in iterate_in_thread(produce)]
    assert first != threading.get_ident()
    assert rest == [1, 2]


async def test_the_next_item_is_made_only_when_it_is_asked_for() -> None:
    made: list[int] = []

    def produce() -> Iterator[int]:
        for number in range(5):
            made.append(number)
            yield number

    async with aclosing(iterate_in_thread(produce)) as items:
        assert await anext(items) == 0
        assert made == [0]


async def test_an_error_comes_out_where_the_items_do() -> None:
    def produce() -> Iterator[int]:
        yield 1
        raise ValueError("out of paper")

    items = iterate_in_thread(produce)
    assert await anext(items) == 1
    with pytest.raises(ValueError, match="out of paper"):
        await anext(items)


async def test_cancelling_waits_for_the_item_in_the_making_and_closes_the_iterator() -> None:
    making, go_on, closed = threading.Event(), threading.Event(), threading.Event()

    def produce() -> Iterator[int]:
        try:
            making.set()
            go_on.wait()
            yield 1
        finally:
            closed.set()

    async def consume() -> None:
        async for _ in iterate_in_thread(produce):
            pass

    consuming = asyncio.create_task(consume())
    await asyncio.to_thread(making.wait)
    consuming.cancel()
    await asyncio.sleep(0)
    assert not consuming.done()
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await consuming
    assert closed.is_set()
