"""Tests in which time costs nothing: an event loop whose clock jumps to the next timer.

In the `conftest.py` of a folder whose tests are to have it:

    from tests.virtual_time import by_marker as pytest_asyncio_loop_factories

and then

    @pytest.mark.virtual_time
    async def test_an_hour_passes() -> None:
        await asyncio.sleep(3600)

or `pytestmark = pytest.mark.virtual_time` for a whole file. Timers keep their order, and
`asyncio.get_running_loop().time()` starts at zero. Unmarked tests of the folder run in real time.

While work of `asyncio.to_thread` or `run_in_executor` is under way, the clock stands still; only where that
work takes longer, in real time, than the next timer is away does the timer go off. The loop knows nothing of
other threads, nor of what is on its way through a socket: a test that awaits those belongs in real time.
`time.monotonic` and its like stay real.
"""

import asyncio
import selectors
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from typing import Any, TypeVar, TypeVarTuple, Unpack

import pytest

T = TypeVar("T")
A = TypeVarTuple("A")


class _Clock(selectors.DefaultSelector):
    """A selector that does not wait for a timer: it puts the clock forward."""

    def __init__(self) -> None:
        super().__init__()
        self.now_s = 0.0
        self.jobs = 0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None or timeout <= 0:
            return super().select(timeout)
        events = super().select(timeout if self.jobs else 0)
        if not events:
            self.now_s += timeout
        return events


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """An event loop in virtual time."""

    def __init__(self) -> None:
        self._clock = _Clock()
        super().__init__(self._clock)

    def time(self) -> float:
        return self._clock.now_s

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[Unpack[A]], T], *args: *A
    ) -> asyncio.Future[T]:
        job = super().run_in_executor(executor, func, *args)
        self._clock.jobs += 1
        job.add_done_callback(self._job_done)
        return job

    def _job_done(self, _job: asyncio.Future[Any]) -> None:
        self._clock.jobs -= 1


def by_marker(item: pytest.Item) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Choose the event loop of a test."""
    if item.get_closest_marker("virtual_time"):
        return {"virtual": VirtualTimeLoop}
    return {"real": asyncio.SelectorEventLoop}
