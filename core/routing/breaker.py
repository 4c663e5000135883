"""A circuit breaker: a provider that keeps failing is left alone until it proves that it is well.

The state is shared by every caller of a process. Unlike the textbook's half-open state, no caller's request
is ever spent on finding out: `health()` is asked in the background.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress

from glottis.plugins import ProviderError

_LONGEST_PAUSE_S = 60.0


class Breaker:
    """Opens after `failures` failed calls in a row; closes when `probe` succeeds.

    `probe_s` is the pause before the first probe; it doubles up to a minute while probes fail.
    `changed` hears True when the breaker opens and False when it closes.
    """

    def __init__(
        self,
        probe: Callable[[], Awaitable[None]],
        *,
        failures: int,
        probe_s: float,
        changed: Callable[[bool], None],
    ) -> None:
        self._probe = probe
        self._limit = failures
        self._probe_s = probe_s
        self._changed = changed
        self._failed_in_a_row = 0
        self._probing: asyncio.Task[None] | None = None
        self._is_hurried = asyncio.Event()

    @property
    def is_open(self) -> bool:
        return self._probing is not None

    def succeeded(self) -> None:
        """Note that a call went well."""
        self._failed_in_a_row = 0

    def failed(self) -> None:
        """Note that a call failed for a reason that is the provider's own."""
        self._failed_in_a_row += 1
        if self._failed_in_a_row >= self._limit and self._probing is None:
            self._probing = asyncio.create_task(self._probe_until_well())
            self._changed(True)

    def probe_now(self) -> None:
        """Ask at once, if it is open: something has changed."""
        self._is_hurried.set()

    async def aclose(self) -> None:
        """Stop probing."""
        if self._probing is not None:
            self._probing.cancel()
            await asyncio.wait({self._probing})

    async def _probe_until_well(self) -> None:
        pause = self._probe_s
        self._is_hurried.clear()
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._is_hurried.wait()
            self._is_hurried.clear()
            try:
                await self._probe()
            except ProviderError:
                pause = min(pause * 2, _LONGEST_PAUSE_S)
                continue
            self._failed_in_a_row = 0
            self._probing = None
            self._changed(False)
            return
