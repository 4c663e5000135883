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
other threads, nor of what is on its way through a socket: what awaits those, such as the opening and closing
of an engine, stands in

    with in_real_time():
        ...

`time.monotonic` and its like stay real.
"""

import asyncio
import selectors
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor
from contextlib import contextmanager
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
        self.is_real = False

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None or timeout <= 0:
            return super().select(timeout)
        if self.is_real:
            started = time.monotonic()
            events = super().select(timeout)
            self.now_s += time.monotonic() - started
            return events
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

    def set_real(self, *, is_real: bool) -> None:
        """Let time pass as it does outside, or in jumps again."""
        self._clock.is_real = is_real

    def run_in_executor(
        self, executor: Executor | None, func: Callable[[Unpack[A]], T], *args: *A
    ) -> asyncio.Future[T]:
        job = super().run_in_executor(executor, func, *args)
        self._clock.jobs += 1
        job.add_done_callback(self._job_done)
        return job

    def _job_done(self, _job: asyncio.Future[Any]) -> None:
        self._clock.jobs -= 1


@contextmanager
def in_real_time() -> Iterator[None]:
    """Let time pass as it does outside, on whichever event loop the test runs."""
    loop = asyncio.get_running_loop()
    if not isinstance(loop, VirtualTimeLoop):
        yield
        return
    loop.set_real(is_real=True)
    try:
        yield
    finally:
        loop.set_real(is_real=False)


def by_marker(item: pytest.Item) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Choose the event loop of a test."""
    if item.get_closest_marker("virtual_time"):
        return {"virtual": VirtualTimeLoop}
    return {"real": asyncio.SelectorEventLoop}
