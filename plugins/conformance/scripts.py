"""What a scripted fake is told to do.

A play says what one call does, act by act. A result is given to the caller, an `asyncio.Event` is waited for,
an exception is raised, and `HANG` waits until the call is cancelled. An empty play gives nothing.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Iterable
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from types import TracebackType
from typing import Generic, Self, TypeAlias, TypeVar

R = TypeVar("R")
C = TypeVar("C", bound="Call")


class Hang(Enum):
    """The act of never coming back."""

    HANG = "hang"


HANG = Hang.HANG

Act: TypeAlias = R | asyncio.Event | BaseException | Hang
Play: TypeAlias = tuple[Act[R], ...] | list[Act[R]]


async def act_out(play: Play[R]) -> AsyncGenerator[R, None]:
    """Do what a play says, giving its results."""
    for act in play:
        if isinstance(act, asyncio.Event):
            await act.wait()
        elif isinstance(act, BaseException):
            raise act.with_traceback(None)
        elif isinstance(act, Hang):
            await asyncio.Event().wait()
        else:
            yield act


class Script(Generic[R]):
    """Plays for the calls to come: each call takes the next, and the last serves every call after it."""

    def __init__(self, plays: Iterable[Play[R] | Act[R]]) -> None:
        self._plays: deque[Play[R]] = deque()
        self.replace(plays)

    def take(self) -> Play[R]:
        return self._plays.popleft() if len(self._plays) > 1 else self._plays[0]

    def replace(self, plays: Iterable[Play[R] | Act[R]]) -> None:
        """Forget the plays that are left, for others."""
        self._plays = deque(play if isinstance(play, (list, tuple)) else (play,) for play in plays)


class Outcome(StrEnum):
    """How a call ended; `CANCELLED` also where its iterator or context was closed before the end."""

    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(eq=False, kw_only=True)
class Call:
    """A call that a fake got. Await `ended.wait()` to know that it has let go."""

    method: str
    outcome: Outcome = Outcome.RUNNING
    ended: asyncio.Event = field(default_factory=asyncio.Event)


class CallLog(Generic[C]):
    """The calls of a fake, oldest first."""

    def __init__(self) -> None:
        self.calls: list[C] = []
        self.running = 0
        self.most_at_once = 0
        self._news = asyncio.Event()

    async def wait_for(self, count: int) -> None:
        """Wait until `count` calls have begun."""
        while len(self.calls) < count:
            await self._news.wait()

    def enter(self, call: C) -> "_Entry[C]":
        """Note a call; leaving the context notes how it ended."""
        return _Entry(self, call)

    def begin(self, call: C) -> None:
        self.calls.append(call)
        self.running += 1
        self.most_at_once = max(self.most_at_once, self.running)
        news, self._news = self._news, asyncio.Event()
        news.set()

    def finish(self, call: C, outcome: Outcome) -> None:
        self.running -= 1
        call.outcome = outcome
        call.ended.set()


class _Entry(Generic[C]):
    def __init__(self, log: CallLog[C], call: C) -> None:
        self._log, self.call = log, call

    def __enter__(self) -> Self:
        self._log.begin(self.call)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            outcome = Outcome.FINISHED
        elif issubclass(kind, (asyncio.CancelledError, GeneratorExit)):
            outcome = Outcome.CANCELLED
        else:
            outcome = Outcome.FAILED
        self._log.finish(self.call, outcome)
