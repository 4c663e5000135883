"""Obeying SIGTERM and Ctrl-C."""

import asyncio
import signal
from collections.abc import Coroutine
from typing import Any


def stop_signal() -> asyncio.Event:
    """Return an event that SIGTERM and SIGINT set."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    return stop


async def obeying(stop: asyncio.Event, work: Coroutine[Any, Any, None], *, ready: asyncio.Event) -> None:
    """Do some work that obeys `stop` itself once it is `ready`; before that, it is cut off."""
    working = asyncio.create_task(work)
    stopping = asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if not ready.is_set() and not working.done():
            working.cancel()
            await asyncio.wait({working})
            return
        await working
    finally:
        for task in (working, stopping):
            task.cancel()
        await asyncio.wait({working, stopping})
