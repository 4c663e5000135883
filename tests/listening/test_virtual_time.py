"""The event loop of tests whose clock jumps."""

import asyncio
import time

import pytest

from tests.virtual_time import in_real_time

pytestmark = pytest.mark.virtual_time


async def test_an_hour_passes_at_once_and_timers_keep_their_order() -> None:
    started, order = time.monotonic(), []
    loop = asyncio.get_running_loop()

    async def note(after_s: float) -> None:
        await asyncio.sleep(after_s)
        order.append((after_s, loop.time()))

    await asyncio.gather(note(3600.0), note(0.02), note(5.0))
    assert order == [(0.02, 0.02), (5.0, 5.0), (3600.0, 3600.0)]
    assert time.monotonic() - started < 5.0


async def test_a_time_limit_goes_off_in_virtual_time() -> None:
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(60.0):
            await asyncio.Event().wait()
    assert asyncio.get_running_loop().time() == 60.0


async def test_the_clock_waits_for_work_in_threads() -> None:
    async with asyncio.timeout(30.0):
        assert await asyncio.to_thread(sum, range(1_000_000)) == 499_999_500_000
    assert asyncio.get_running_loop().time() == 0.0


async def test_real_time_can_be_had() -> None:
    started = time.monotonic()
    with in_real_time():
        await asyncio.sleep(0.05)
    assert time.monotonic() - started >= 0.04
