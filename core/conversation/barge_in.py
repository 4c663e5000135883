"""Whether an answer goes on over which somebody speaks: by words it is cut off, by a cough it is not."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from glottis.core.conversation.floor import Floor
from glottis.core.conversation.turn import Said
from glottis.core.errors import GlottisError
from glottis.core.speech import Heard
from glottis.core.store import StoreError


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdicts:
    """Who is told what came of an utterance; called on the event loop."""

    meant: Callable[[Said], None]
    """It is to be answered."""
    nothing: Callable[[], None]
    """There was not a word in it."""
    failed: Callable[[BaseException], None]
    """Nobody could read it."""


class BargeIn:
    """Follows who speaks, and holds, lets go on or cuts off what they may be speaking over."""

    def __init__(self, floor: Floor, verdicts: Verdicts) -> None:
        self._floor = floor
        self._verdicts = verdicts
        self._is_speaking = False
        self._is_meant = False
        self._judging: set[asyncio.Task[None]] = set()
        self._in_order = asyncio.Lock()

    def began(self) -> None:
        """Somebody speaks."""
        self._is_speaking, self._is_meant = True, False
        self._floor.hold()

    def persists(self) -> None:
        """They have spoken for long enough to mean it."""
        self._is_meant = True
        if self._floor.is_held:
            self._floor.interrupt("speech")

    def faded(self) -> None:
        """They are silent, though the utterance is not over, or nobody listens to it any more."""
        self._is_speaking = self._is_meant = False
        self._let_go()

    def ended(self, said: Said) -> None:
        """They have finished; if what they have said has to be read first, others wait for it."""
        if not self._is_speaking:
            self._floor.hold()  # it is the client who says that somebody has spoken
        self._is_speaking = self._is_meant = False
        if not self._floor.is_held and not self._judging:
            self._verdicts.meant(said)
            return
        judging = asyncio.create_task(self._judge(said))
        self._judging.add(judging)
        judging.add_done_callback(self._judging.discard)

    async def aclose(self) -> None:
        """Leave everything undecided."""
        for task in self._judging:
            task.cancel()
        if self._judging:
            await asyncio.wait(self._judging)

    async def _judge(self, said: Said) -> None:
        async with self._in_order:
            try:
                heard = await said.final() if said.final else None
            except (GlottisError, StoreError) as error:
                self._let_go(judged=1)
                self._verdicts.failed(error)
                return
            if heard is None or not heard.transcript.text:
                self._verdicts.nothing()
                self._let_go(judged=1)
                return
            if self._floor.is_held:
                self._floor.interrupt("speech")
            self._verdicts.meant(_known(heard, said.ended_at))
            self._go_by_who_speaks()

    def _go_by_who_speaks(self) -> None:
        """Do to a turn that comes late what would have been done had it been there before."""
        if self._is_speaking:
            self._floor.hold()
        if self._is_meant and self._floor.is_held:
            self._floor.interrupt("speech")

    def _let_go(self, *, judged: int = 0) -> None:
        if not self._is_speaking and len(self._judging) <= judged:
            self._floor.release()


def _known(heard: Heard, ended_at: float) -> Said:
    async def final() -> Heard:
        return heard

    return Said(final=final, ended_at=ended_at)
