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
LETTING_GO_S = 0.25
"""How long who leaves waits for providers to let go."""
_WIND_UP_S = 1.0
"""How long the next turn waits for providers that were interrupted to let go."""


@dataclass(frozen=True, slots=True)
class _Run:
    """A turn that runs. `over` is done with its task, or once that has taken too long to stop."""

    turn: Turn
    task: asyncio.Task[None]
    over: asyncio.Future[None]


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
        self._running: _Run | None = None
        self._runner: asyncio.Task[None] | None = None
        self._aside: set[asyncio.Task[None]] = set()
        self._settling: set[asyncio.Task[None]] = set()
        self._holds_next = False
        self._is_over = False
        self._never_begun: deque[Turn] = deque()

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
        return self._holds_next or (self._current is not None and self._current.is_held)

    @property
    def waiting(self) -> tuple[Said, ...]:
        return tuple(self._waiting)

    def begin(self, said: Said) -> None:
        """Have a turn run once those before it have.

        Raises:
            TooLarge: too many wait already.
        """
        if self._is_over:
            said.drop()
            return
        if len(self._waiting) >= TURNS_WAITING:
            raise TooLarge(f"{TURNS_WAITING} turns are waiting already; this one was dropped")
        self._waiting.append(said)
        turn = self._current
        if said.final is None and turn is not None:
            is_held = turn.is_held and self._running is None
            if turn.is_streaming or is_held:
                self.interrupt("text")  # who types does not want to wait until everything is spoken
        if self._runner is None:
            # At once, so that whoever interrupts in the same breath finds something to interrupt.
            self._start()
            self._runner = asyncio.create_task(self._run(), name="turns")

    def hold(self) -> None:
        """Stop the answer that is being given, or can still be heard, for the moment: somebody speaks."""
        turn = self._current
        if turn is None:
            self._holds_next = bool(self._waiting)
        elif not turn.is_held and self._is_interruptible(turn):
            turn.hold()
            self._events.paused(turn)

    def release(self) -> None:
        """Let the answer go on: it was a cough."""
        self._holds_next = False
        turn = self._current
        if turn is not None and turn.is_held:
            turn.release()
            self._events.resumed(turn)

    def interrupt(self, reason: str) -> bool:
        """Cut off the turn that runs, or whose answer can still be heard; False if there is none.

        While one that was cut off comes to its end, the next is cut off before it has begun.
        """
        turn = self._current
        if turn is None and self._waiting:
            turn = self._make_turn(self._next_id, self._waiting.popleft())
            self._next_id += 1
            self._never_begun.append(turn)  # written down after the one before it
        elif turn is None or not self._is_interruptible(turn):
            return False
        turn.cut()
        run = self._running
        if run is not None and run.turn is turn:
            run.task.cancel()
            asyncio.get_running_loop().call_later(_WIND_UP_S, _tell, run.over)
        elif turn not in self._never_begun:
            self._settle_aside(turn)
        self._current, self._holds_next = None, False
        # Last, as it has the client drop what it was sent: nothing of the turn follows.
        self._events.interrupted(turn, reason)
        return True

    def playback(self, position_ms: float, *, turn_id: int | None) -> None:
        """Believe the client's word on how far it has played the answer."""
        if self._current is not None and turn_id in {None, self._current.id}:
            self._current.playback.report(position_ms, asyncio.get_running_loop().time())

    async def quiet(self) -> None:
        """Wait until no turn runs or waits."""
        while self._runner is not None:
            await asyncio.wait({self._runner})

    async def leave(self) -> tuple[Said, ...]:
        """Cut everything off, and write it down; gives the turns that nobody has answered.

        The client is not told of an interruption: it may play what it has.
        """
        self._is_over = True
        self.release()
        unanswered = tuple(self._waiting)
        self._waiting.clear()
        for said in unanswered:
            said.drop()
        run = self._running
        if run is not None and not run.task.done():
            if not run.turn.is_cut and (cut := run.turn.remains):
                unanswered = (cut, *unanswered)
            await self._leave_off(run)
        elif self._runner is not None:
            await asyncio.wait({self._runner})  # it concludes a turn, and has no other to start
        while self._never_begun:
            await self._settle(self._never_begun.popleft())
        if self._settling:
            await asyncio.wait(self._settling)
        return unanswered

    async def _leave_off(self, run: _Run) -> None:
        if self._runner is not None:
            self._runner.cancel()
            await asyncio.wait({self._runner})
        self._running = None
        run.task.cancel()
        gone = self._spawn(_gone(run.task))
        await asyncio.wait({gone}, timeout=LETTING_GO_S)
        await self._settle(run.turn)
        run.turn.end_audio()
        run.turn.cut()

    async def aclose(self) -> None:
        """Wait, having left, until everything has let go."""
        while self._aside:
            await asyncio.wait(self._aside)

    def _is_interruptible(self, turn: Turn) -> bool:
        return (
            self._running is not None
            or turn.is_held
            or turn.playback.is_audible(asyncio.get_running_loop().time())
        )

    def _start(self) -> None:
        turn = self._current = self._make_turn(self._next_id, self._waiting.popleft())
        self._next_id += 1
        task = asyncio.create_task(turn.run(), name="turn")
        over = asyncio.get_running_loop().create_future()
        task.add_done_callback(lambda _: _tell(over))
        self._running = _Run(turn, task, over)
        if self._holds_next:
            self._holds_next = False
            self.hold()

    async def _run(self) -> None:
        try:
            while self._running is not None:
                await self._running.over
                run, self._running = self._running, None
                await self._conclude(run)
                while self._never_begun:
                    await self._settled(self._never_begun.popleft())
                if self._waiting:
                    self._start()
        finally:
            self._runner = None

    async def _conclude(self, run: _Run) -> None:
        turn, task = run.turn, run.task
        if turn.is_cut or not task.done() or task.cancelled():
            # Its words go into the history before those of the next; its providers may take longer to let go.
            self._spawn(_gone(task))
            await self._settled(turn)
        elif (error := task.exception()) is not None:
            await self._settled(turn)
            self._let_go(turn)
            if not turn.is_cut:
                self._events.failed(turn, error)
        else:
            if not turn.playback.is_audible(asyncio.get_running_loop().time()):
                self._let_go(turn)
            self._events.finished(turn)
            if turn.playback.has_started:
                self._spawn(turn.follow())

    def _let_go(self, turn: Turn) -> None:
        """Do not hold a turn of which nothing will be heard any more."""
        if turn is self._current:
            self.release()

    async def _settled(self, turn: Turn) -> None:
        # What is to be written is, though the conversation be closed meanwhile.
        await asyncio.wait({self._settle_aside(turn)})

    def _settle_aside(self, turn: Turn) -> asyncio.Task[None]:
        task = self._spawn(self._settle(turn))
        self._settling.add(task)
        task.add_done_callback(self._settling.discard)
        return task

    async def _settle(self, turn: Turn) -> None:
        turn.said.drop()
        try:
            await turn.settle()
        except StoreError as error:
            log.warning("a turn that ended early is not in the history", extra={"reason": str(error)})

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._aside.add(task)
        task.add_done_callback(self._aside.discard)
        return task


async def _gone(task: asyncio.Task[None]) -> None:
    """Wait until a task that was cancelled has let go; what it fails with then is nobody's."""
    await asyncio.wait({task})
    if not task.cancelled():
        task.exception()


def _tell(over: asyncio.Future[None]) -> None:
    if not over.done():
        over.set_result(None)
