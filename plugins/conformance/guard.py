"""What holds for every call: it ends in time, leaves the event loop free, raises only `ProviderError`."""

import asyncio
from types import TracebackType
from typing import NoReturn, Self

import pytest
from glottis.plugins.errors import ErrorCategory, ProviderError

TICK_S = 0.005


def expect(condition: object, message: str) -> None:
    """Fail the running test with a message for the provider's author unless the condition holds."""
    __tracebackhide__ = True
    if not condition:
        pytest.fail(message)


class Ticker:
    """Measures for how long the event loop was not free; it is no task, so it never looks like a leak."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.longest_gap_s = 0.0

    def start(self) -> None:
        self._due = self._loop.time() + TICK_S
        self._handle = self._loop.call_at(self._due, self._tick)

    def stop(self) -> None:
        self._handle.cancel()
        self._note()

    def _tick(self) -> None:
        self._note()
        self.start()

    def _note(self) -> None:
        self.longest_gap_s = max(self.longest_gap_s, self._loop.time() - self._due)


class Guard:
    """Fails the running test if what is done inside is late, blocks the event loop or lets out a wrong error.

    `doing` names the call in the messages. With `raises`, a `ProviderError` of that category must come out;
    with `may_fail`, any `ProviderError` may.
    """

    def __init__(
        self,
        doing: str,
        *,
        within_s: float,
        gap_s: float,
        raises: ErrorCategory | None = None,
        may_fail: bool = False,
    ) -> None:
        self._doing, self._within_s, self._gap_s = doing, within_s, gap_s
        self._raises, self._may_fail = raises, may_fail

    async def __aenter__(self) -> Self:
        self._ticker = Ticker()
        self._deadline = asyncio.timeout(self._within_s)
        self._ticker.start()
        await self._deadline.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        __tracebackhide__ = True
        self._ticker.stop()
        try:
            await self._deadline.__aexit__(kind, error, trace)
        except TimeoutError:
            pytest.fail(f"{self._doing} took longer than {self._within_s:g} s")
        found = _leaf(error)
        if isinstance(found, ProviderError):
            self._judge(found)
        elif isinstance(found, Exception):
            self._report(f"{self._doing} let out {found!r}: only ProviderError may", error)
        elif found is not None:
            return False
        elif self._raises:
            pytest.fail(f"{self._doing} should raise ProviderError({self._raises})")
        gap_s = self._ticker.longest_gap_s
        expect(
            gap_s <= self._gap_s,
            f"{self._doing} held up the event loop for {gap_s:.3f} s, more than {self._gap_s:g} s: "
            "run blocking code in a thread or a process",
        )
        return True

    def _judge(self, error: ProviderError) -> None:
        __tracebackhide__ = True
        expect(isinstance(error.category, ErrorCategory), f"{error.category!r} is no ErrorCategory")
        expect(error.public_message, f"{self._doing} raised a ProviderError without a public message")
        if self._raises:
            message = f"{self._doing} should raise ProviderError({self._raises}), not {error}"
            expect(error.category == self._raises, message)
        elif not self._may_fail:
            self._report(f"{self._doing} failed: {error}", error)

    def _report(self, message: str, error: BaseException | None) -> NoReturn:
        raise AssertionError(message) from error


def _leaf(error: BaseException | None) -> BaseException | None:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
