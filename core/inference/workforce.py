"""The workers of one instance, as a node hears of them, and the calls that they are to answer."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from glottis.core.inference.messages import Presence, SynthesizerPresence
from glottis.plugins import ErrorCategory, ProviderError


class Waiting(Protocol):
    """A call that waits for workers."""

    def nobody_is_there(self, now: float) -> None:
        """Hear that no worker is left."""


class Workforce:
    """Who serves an instance. Times are those of the event loop.

    What an instance can do is what the worker says that has been there longest: two that differ would
    otherwise make it change with every beat. When all are gone, the last word stays.
    """

    def __init__(self, kind: str, instance: str) -> None:
        self.kind, self.instance = kind, instance
        self.told: Presence | None = None
        self._workers: dict[str, tuple[float, Presence]] = {}
        self._calls: set[Waiting] = set()
        self._listeners: list[Callable[[], None]] = []
        self._is_known = asyncio.Event()
        self._noted_places: int | None = None

    @property
    def count(self) -> int:
        return len(self._workers)

    @property
    def places(self) -> int | None:
        """How many calls all of them take at once; None while nobody is there to say."""
        return sum(presence.places for _, presence in self._workers.values()) or None

    def on_change(self, hear: Callable[[], None]) -> None:
        """Have somebody hear whenever `told` or `places` is another than before."""
        self._listeners.append(hear)

    async def known(self) -> None:
        """Wait until a worker is there."""
        await self._is_known.wait()

    def require(self) -> None:
        """Raise a `ProviderError` if no worker is there."""
        if not self._workers:
            raise self.absence()

    def absence(self) -> ProviderError:
        return ProviderError(ErrorCategory.UNAVAILABLE, f"no worker serves {self.instance}")

    def hear(self, presence: Presence, now: float) -> None:
        """Note that a worker is there, or leaves."""
        if presence.is_leaving:
            self._workers.pop(presence.worker, None)
        else:
            self._workers[presence.worker] = now, presence
            self._is_known.set()
        self._note(now)

    def expire(self, now: float, absent_s: float) -> None:
        """Forget the workers that have not been heard of for so long."""
        for worker, (heard_at, _) in list(self._workers.items()):
            if now - heard_at > absent_s:
                del self._workers[worker]
        self._note(now)

    @contextmanager
    def awaited_by(self, call: Waiting) -> Iterator[None]:
        """Tell a call, while the context lasts, when no worker is left."""
        self._calls.add(call)
        try:
            yield
        finally:
            self._calls.discard(call)

    def _note(self, now: float) -> None:
        oldest = next((presence for _, presence in self._workers.values()), None)
        is_other = oldest is not None and _abilities(self.told) != _abilities(oldest)
        if is_other:
            self.told = oldest
        if is_other or self.places != self._noted_places:
            self._noted_places = self.places
            for hear in self._listeners:
                hear()
        if oldest is None:
            self._is_known.clear()
            for call in list(self._calls):
                call.nobody_is_there(now)


def _abilities(presence: Presence | None) -> tuple[Any, ...]:
    if presence is None:
        return ()
    voices = presence.voices if isinstance(presence, SynthesizerPresence) else ()
    return presence.capabilities, presence.version, voices
