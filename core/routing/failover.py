"""Trying the providers of a chain one after another until one of them does it."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from glottis.core.errors import GlottisError, Unavailable, Unprocessable
from glottis.core.routing.guard import CALLERS_FAULT, Guard, P
from glottis.plugins import ErrorCategory, ProviderError

log = logging.getLogger(__name__)

T = TypeVar("T")

_WORTH_RETRYING = frozenset(
    {ErrorCategory.UNAVAILABLE, ErrorCategory.TIMEOUT, ErrorCategory.RATE_LIMITED, ErrorCategory.INTERNAL}
)
_LONGEST_RETRY_PAUSE_S = 2.0
_FIRST_RETRY_PAUSE_S = 0.1


@dataclass(frozen=True, slots=True)
class Answered(Generic[T]):
    """A result and the name of the instance that gave it."""

    result: T
    provider: str


async def first_answer(
    chain: Sequence[Guard[P]], operation: Callable[[Guard[P]], Awaitable[T]], *, what: str
) -> Answered[T]:
    """Run `operation` on the first provider of the chain that succeeds.

    Only the last one is tried again, after a pause, as nobody is left to fall back on. `what` names the work
    in errors ("synthesize").

    Raises:
        Unprocessable: the last provider refused the request itself.
        Unavailable: every provider failed.
    """
    failures: list[ProviderError] = []
    for guard in chain[:-1]:
        try:
            return Answered(await operation(guard), guard.name)
        except ProviderError as error:
            _note(guard, error)
            failures.append(_light(error))
    last = chain[-1]
    for attempt in range(last.limits.retries + 1):
        try:
            return Answered(await operation(last), last.name)
        except ProviderError as error:
            _note(last, error)
            failures.append(_light(error))
            pause = error.retry_after_s or _FIRST_RETRY_PAUSE_S * 2**attempt
            if error.category not in _WORTH_RETRYING or pause > _LONGEST_RETRY_PAUSE_S:
                break
            if attempt < last.limits.retries:
                await asyncio.sleep(pause)
    raise _as_engine_error(failures, what)


def _light(error: ProviderError) -> ProviderError:
    """Free it of what it came through: audio would stay in memory until cyclic references are collected."""
    return error.with_traceback(None)


def _note(guard: Guard[P], error: ProviderError) -> None:
    log.warning(
        "provider failed",
        extra={
            "provider": guard.name,
            "category": str(error.category),
            # It may quote what was said.
            "pii": {"reason": error.public_message},
        },
    )


def _as_engine_error(failures: Sequence[ProviderError], what: str) -> GlottisError:
    """Blame the request if every provider did, else the providers."""
    if all(error.category in CALLERS_FAULT for error in failures):
        return Unprocessable(failures[0].public_message)
    waits = [error.retry_after_s for error in failures if error.retry_after_s is not None]
    detail = f"no provider to {what} could answer; try again in a moment"
    return Unavailable(detail, retry_after_s=min(waits, default=None))
