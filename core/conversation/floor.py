"""Who has the floor: turns run one after another; the one that runs can be held, let go on, or cut off."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from glottis.core.conversation.turn import Said, Turn
from glottis.core.errors import TooLarge
from glottis.core.store import StoreError

log = logging.getLogger(__name__)

TURNS_WAITING = 8
_WIND_UP_S = 1.0
"""How long the next turn waits for providers that were interrupted to let go."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FloorEvents:
    """Who is told what happens on the floor; called on the event loop."""

    failed: Callable[[Turn, BaseException], None]
    finished: Callable[[Turn], None]
    interrupted: Callable[[Turn, str], None]
    paused: Callable[[Turn], None]
    resumed: Callable[[Turn], None]


class Floor:
    """The turns of one conversation."""

    def __init__(
        self, make_turn: Callable[[int, Said], Turn], events: FloorEvents, *, first_turn: int
    ) -> None:
        self._make_turn = make_turn
        self._events = events
        self._next_id = first_turn
        self._waiting: deque[Said] = deque()
        self._current: Turn | None = None
        self._running: asyncio.Task[None] | None = None
        self._runner: asyncio.Task[None] | None = None
        self._aside: set[asyncio.Task[None]] = set()
        self._over: asyncio.Future[None] | None = None

    @property
    def next_turn(self) -> int:
        return self._next_id

    @property
    def is_busy(self) -> bool:
        """Whether a turn runs or waits."""
        return self._runner is not None

    @property
    def is_held(self) -> bool:
        """Whether a turn waits to be let go on, or cut off."""
        return self._current is not None and self._current.is_held

    @property
    def waiting(self) -> tuple[Said, ...]:
        return tuple(self._waiting)

    def begin(self, said: Said) -> None:
        """Have a turn run once those before it have.

        Raises:
            TooLarge: too many wait already.
        """
        if len(self._waiting) >= TURNS_WAITING:
            raise TooLarge(f"{TURNS_WAITING} turns are waiting already; this one was dropped")
        self._waiting.append(said)
        if said.final is None and self._current is not None and self._current.is_streaming:
            self.interrupt("text")  # who types does not want to wait until everything is spoken
        if self._runner is None:
            self._runner = asyncio.create_task(self._run(), name="turns")

    def hold(self) -> None:
        """Stop the answer that is being given, or can still be heard, for the moment: somebody speaks."""
        turn = self._current
        if turn is not None and not turn.is_held and self._is_interruptible(turn):
            turn.hold()
            self._events.paused(turn)

    def release(self) -> None:
        """Let the answer go on: it was a cough."""
        turn = self._current
        if turn is not None and turn.is_held:
            turn.release()
            self._events.resumed(turn)

    def interrupt(self, reason: str) -> bool:
        """Cut off the turn that runs, or whose answer can still be heard; False if there is none."""
        turn = self._current
        if turn is None or not self._is_interruptible(turn):
            return False
        self._current = None
        if self._running is not None and self._over is not None:
            self._running.cancel()
            asyncio.get_running_loop().call_later(_WIND_UP_S, _tell, self._over)
        else:
            self._spawn(self._settle(turn))
        # Last, as it has the client drop what it was sent: nothing of the turn follows.
        self._events.interrupted(turn, reason)
        return True

    def playback(self, position_ms: float) -> None:
        """Believe the client's word on how far it has played the answer."""
        if self._current is not None:
            self._current.playback.report(position_ms)

    async def quiet(self) -> None:
        """Wait until no turn runs or waits."""
        while self._runner is not None:
            await asyncio.wait({self._runner})

    async def aclose(self) -> tuple[Said, ...]:
        """Cut everything off, and wait until it has let go; gives the turns that had not begun."""
        unanswered = tuple(self._waiting)
        self._waiting.clear()
        if self._running is not None and self._current is not None and (cut := self._current.remains):
            unanswered = (cut, *unanswered)
        if self._runner is not None:
            self._runner.cancel()
            await asyncio.wait({self._runner})
        while self._aside:
            await asyncio.wait(self._aside)
        return unanswered

    def _is_interruptible(self, turn: Turn) -> bool:
        return self._running is not None or turn.playback.is_audible(asyncio.get_running_loop().time())

    async def _run(self) -> None:
        try:
            while self._waiting:
                await self._take_turn(self._waiting.popleft())
        finally:
            self._runner = None

    async def _take_turn(self, said: Said) -> None:
        turn = self._current = self._make_turn(self._next_id, said)
        self._next_id += 1
        running = self._running = asyncio.create_task(turn.run(), name="turn")
        over = self._over = asyncio.get_running_loop().create_future()
        running.add_done_callback(lambda _: _tell(over))
        try:
            await over
        except asyncio.CancelledError:
            running.cancel()
            self._spawn(self._wind_up(turn, running))
            raise
        finally:
            self._running = self._over = None
        if not running.done() or running.cancelled():
            # Its words go into the history before those of the next; its providers may take longer to let go.
            await self._settle(turn)
            self._spawn(self._wind_up(None, running))
        else:
            await self._conclude(turn, running.exception())

    async def _conclude(self, turn: Turn, error: BaseException | None) -> None:
        if error is None:
            self._events.finished(turn)
            self._spawn(turn.follow())
        else:
            await self._settle(turn)
            self._events.failed(turn, error)

    async def _wind_up(self, turn: Turn | None, running: asyncio.Task[None]) -> None:
        await asyncio.wait({running})
        if turn is not None:
            await self._settle(turn)

    async def _settle(self, turn: Turn) -> None:
        try:
            await turn.settle()
        except StoreError as error:
            log.warning("a turn that ended early is not in the history", extra={"reason": str(error)})

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._aside.add(task)
        task.add_done_callback(self._aside.discard)


def _tell(over: asyncio.Future[None]) -> None:
    if not over.done():
        over.set_result(None)
