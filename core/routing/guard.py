"""Everything that the engine enforces around a call to a provider, whatever the provider does."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, nullcontext
from contextvars import ContextVar, copy_context
from typing import Any, Generic, TypeVar

from glottis.core.metrics import Metrics
from glottis.core.routing.breaker import Breaker
from glottis.plugins import (
    BreakerChanged,
    ErrorCategory,
    Event,
    Kind,
    Provider,
    ProviderError,
    ProviderFailed,
)
from glottis.plugins.host import InstanceState, ProviderInstance
from glottis.plugins.host.containment import contained

P = TypeVar("P", bound=Provider)
T = TypeVar("T")

CALLERS_FAULT = frozenset({ErrorCategory.INVALID_REQUEST, ErrorCategory.UNSUPPORTED, ErrorCategory.CANCELLED})
"""Failures that say nothing about the health of the provider."""


_LONG_WORK = frozenset({Kind.RECOGNIZER, Kind.SYNTHESIZER})
"""What takes long enough for a task of its own, 25 us, to be nothing."""
_GRACE_S = 1.0
_STUBBORN: set[asyncio.Task[Any]] = set()
_ENDS_AT: ContextVar[float | None] = ContextVar("_ENDS_AT", default=None)

log = logging.getLogger(__name__)


def time_left_s() -> float | None:
    """Tell a recognizer or synthesizer how long its guard still waits for it; None: no limit is known.

    For a provider that has others do its work, and lets them know.
    """
    ends_at = _ENDS_AT.get()
    return None if ends_at is None else max(0.0, ends_at - asyncio.get_running_loop().time())


class Guard(Generic[P]):
    """A provider instance with its time limits, admission, breaker and metrics.

    One guard an instance and process, shared by every session.
    """

    def __init__(
        self,
        instance: ProviderInstance,
        *,
        fingerprint: str,
        metrics: Metrics,
        emit: Callable[[Event], None],
        redact: Callable[[str], str],
    ) -> None:
        self._instance = instance
        self._fingerprint = fingerprint
        self._redact = redact
        self._metrics = metrics
        self._emit = emit
        self.name = instance.name
        self.kind = instance.kind
        self.limits = instance.limits
        self._seconds = metrics.provider_seconds.labels(instance.name, instance.kind)
        self._gauge = metrics.breaker_open.labels(instance.name, instance.kind)
        self._gauge.set(0)
        self._breaker = Breaker(
            self._check_health,
            failures=self.limits.breaker_failures,
            probe_s=self.limits.breaker_probe_s,
            changed=self._breaker_changed,
        )
        self._bound = self._admission_bound()
        self._places = nullcontext() if self._bound is None else asyncio.Semaphore(self._bound)
        self._inside = 0

    @property
    def provider(self) -> P:
        if self._instance.provider is None:
            raise ProviderError(ErrorCategory.UNAVAILABLE, f"{self.name} did not start")
        return self._instance.provider  # type: ignore[return-value]  # the registry keys instances by kind

    @property
    def has_peers(self) -> bool:
        """Whether it speaks through others, and so may not be reached by them."""
        return bool(self._instance.spec.peers)

    @property
    def is_started(self) -> bool:
        return self._instance.state is InstanceState.READY

    @property
    def is_available(self) -> bool:
        """Whether calls go to it now: it has started, and its breaker is closed."""
        return self.is_started and not self._breaker.is_open

    @property
    def is_remote(self) -> bool:
        """Whether it stands for one that runs on workers."""
        return self._instance.is_remote

    @property
    def capabilities(self) -> Any:
        return self.provider.capabilities

    @property
    def fingerprint(self) -> str:
        """What changes this instance's results besides a call's own options."""
        return f"{self.name}|{self._fingerprint}|{self.provider.version}"

    async def call(self, operation: Callable[[P], Coroutine[Any, Any, T]], *, is_timed: bool = True) -> T:
        """Run one operation on the provider, within its limits.

        An operation that does more than wait for the provider sees to the time itself: `is_timed` is False.

        Raises:
            ProviderError: it failed, in whatever way.
        """
        timeout_s = self.limits.timeout_s if is_timed else None
        ends_at = None if timeout_s is None else asyncio.get_running_loop().time() + timeout_s
        async with self.attending(timeout_s=timeout_s) as provider:
            if self.kind in _LONG_WORK:
                return await self._apart(operation(provider), ends_at)
            return await operation(provider)

    async def _apart(self, work: Coroutine[Any, Any, T], ends_at: float | None) -> T:
        """Run a call in a task of its own: one that does not heed its cancellation is left to itself."""

        async def contained_work() -> T:
            with contained(self.name, self._redact):  # what ends a task with SystemExit would end the loop
                return await work

        context = copy_context()
        context.run(_ENDS_AT.set, ends_at)
        task = asyncio.create_task(contained_work(), context=context)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            task.cancel()
            _, stubborn = await asyncio.wait({task}, timeout=_GRACE_S)
            if stubborn:
                log.warning("provider does not let go", extra={"provider": self.name})
                _STUBBORN.add(task)
                task.add_done_callback(_STUBBORN.discard)
            raise

    @asynccontextmanager
    async def attending(self, *, timeout_s: float | None) -> AsyncIterator[P]:
        """Hold one of the provider's places; what goes wrong meanwhile is its failure.

        Of use for streams: `timeout_s` of None leaves it to the caller to notice that nothing comes.

        Raises:
            ProviderError: it failed, in whatever way, or has no place.
        """
        if (bound := self.bound) is not None and self._inside >= bound + self.limits.max_waiting:
            raise ProviderError(ErrorCategory.RATE_LIMITED, f"{self.name} is busy", retry_after_s=1.0)
        started = time.perf_counter()
        self._inside += 1
        try:
            async with asyncio.timeout(timeout_s), self._places:
                with contained(self.name, self._redact):
                    yield self.provider
        except TimeoutError:
            error = ProviderError(ErrorCategory.TIMEOUT, f"{self.name} took too long")
            self._failed(error)
            raise error from None
        except ProviderError as error:
            self._failed(error)
            raise
        finally:
            self._inside -= 1
        self._breaker.succeeded()
        self._seconds.observe(time.perf_counter() - started)

    @property
    def bound(self) -> int | None:
        """How many calls may run at once: on workers, as many as they have places now. None: any number."""
        places: int | None = self.capabilities.max_concurrency if self.is_remote else None
        if places is None or self._bound is None:
            return self._bound if places is None else places
        return min(places, self._bound)

    @property
    def has_room(self) -> bool:
        """Whether a call would start at once: work that can be left out asks first."""
        return (bound := self.bound) is None or self._inside < bound

    def look_again(self) -> None:
        """Find out at once whether it is well again, if it is out of service."""
        self._breaker.probe_now()

    async def aclose(self) -> None:
        await self._breaker.aclose()

    def _admission_bound(self) -> int | None:
        bounds = [self.limits.max_concurrency]
        if self._instance.provider is not None and not self.is_remote:  # workers come and go
            bounds.append(self.capabilities.max_concurrency)
        return min((bound for bound in bounds if bound is not None), default=None)

    def _failed(self, error: ProviderError) -> None:
        self._metrics.provider_failures.labels(self.name, self.kind, error.category).inc()
        self._emit(
            ProviderFailed(
                at=time.time(), instance=self.name, kind=str(self.kind), category=str(error.category)
            )
        )
        if error.category not in CALLERS_FAULT:
            self._breaker.failed()

    async def _check_health(self) -> None:
        try:
            async with asyncio.timeout(self.limits.timeout_s):
                with contained(self.name, self._redact):
                    await self.provider.health()
        except TimeoutError:
            raise ProviderError(ErrorCategory.TIMEOUT, f"{self.name} took too long") from None

    def _breaker_changed(self, is_open: bool) -> None:  # noqa: FBT001  # a callback's only argument
        self._gauge.set(1 if is_open else 0)
        state = "open" if is_open else "closed"
        self._emit(BreakerChanged(at=time.time(), instance=self.name, state=state))
