"""The conversations that live on this node: found again by who reconnects, or sent after them elsewhere."""

import asyncio
import logging
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from glottis.core.conversation.conversation import Conversation
from glottis.core.conversation.handover import from_history, packed, unpacked
from glottis.core.conversation.surroundings import Surroundings
from glottis.core.store import Claim, SessionRecord, Store, StoredEvent, StoreError

CLAIMED = "conversation.claimed"
HANDED_OVER = "conversation.handed_over"
_HANDOVER_S = 2.0
"""How long a node that is asked for a conversation has to answer; one that was killed never does."""
_LAST_WORDS_S = 1.0

log = logging.getLogger(__name__)


@dataclass(eq=False, slots=True)
class Seat:
    """A connection's place in a conversation; `is_taken` is set when a newer connection has it."""

    conversation: Conversation
    is_new: bool
    is_taken: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass(eq=False, slots=True)
class _Resident:
    conversation: Conversation
    epoch: int
    seat: Seat | None = None
    leaving: asyncio.TimerHandle | None = None


@dataclass(eq=False, slots=True)
class _Door:
    """Who comes waits until who goes is gone. `users` are in it, or wait for it."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    users: int = 0


class Residents:
    """The conversations of this node, each with at most one connection.

    One whose connection is cut stays for `grace_s`, so that the next can go on with it.
    """

    def __init__(self, store: Store, around: Surroundings, *, node: str, grace_s: float) -> None:
        self._store = store
        self._around = around
        self._node = node
        self._grace_s = grace_s
        self._residents: dict[str, _Resident] = {}
        self._doors: dict[str, _Door] = {}
        self._awaited: dict[str, asyncio.Event] = {}
        self._aside: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Answer other nodes while the context lasts; at its end leave all conversations to them."""
        events = self._store.events
        with events.subscribe(CLAIMED, self._claimed), events.subscribe(HANDED_OVER, self._handed_over):
            try:
                yield
            finally:
                leaving = [self._park(session_id) for session_id in list(self._residents)]
                await asyncio.gather(*leaving)
                while self._aside:
                    await asyncio.wait(self._aside)

    async def sit_down(self, session: SessionRecord) -> Seat:
        """Join the conversation of a session; whoever was connected to it is told to go.

        Raises:
            StoreUnavailable: MongoDB does not answer.
        """
        async with self._door(session.id):
            resident = self._residents.get(session.id)
            is_new = resident is None
            if resident is None:
                resident = self._residents[session.id] = await self._move_in(session)
            if resident.leaving is not None:
                resident.leaving.cancel()
                resident.leaving = None
            if resident.seat is not None:
                resident.seat.is_taken.set()
            resident.conversation.outbox.change_hands()
            seat = resident.seat = Seat(resident.conversation, is_new)
        return seat

    def stand_up(self, seat: Seat) -> None:
        """Leave the conversation, which waits for the next connection for a while."""
        session_id = seat.conversation.session.id
        resident = self._residents.get(session_id)
        if resident is not None and resident.seat is seat:
            resident.seat = None
            loop = asyncio.get_running_loop()
            resident.leaving = loop.call_later(self._grace_s, lambda: self._spawn(self._move_out(resident)))

    async def end(self, seat: Seat) -> None:
        """End a conversation for good: its session is over."""
        resident = self._residents.get(seat.conversation.session.id)
        if resident is not None and resident.seat is seat:
            resident.seat = None
            await self._move_out(resident)

    async def _move_in(self, session: SessionRecord) -> _Resident:
        claim = await self._claim(session.id)
        was_held = claim.previous_node is not None
        if was_held and claim.state is None and await self._is_handed_over(session.id, claim.epoch):
            claim = await self._claim(session.id)
        state: Mapping[str, Any] | None = None
        if claim.state is not None:
            state = unpacked(claim.state)
        elif claim.epoch > 1:  # it was here or elsewhere, and has died, or waited in vain
            items = await self._store.interactions.history(session.id, limit=50)
            state = from_history(items, epoch=claim.epoch, link=self._around.link)
        if state is None:
            return _Resident(Conversation(session, self._around), claim.epoch)
        return _Resident(Conversation.restored(session, self._around, state), claim.epoch)

    async def _claim(self, session_id: str) -> Claim:
        return await self._store.conversations.claim(session_id, node=self._node, now=datetime.now(UTC))

    async def _is_handed_over(self, session_id: str, epoch: int) -> bool:
        """Ask whoever had a conversation to leave it to us; False if nobody answers in time."""
        answered = self._awaited[session_id] = asyncio.Event()
        try:
            await self._store.events.publish(CLAIMED, session_id, {"epoch": epoch, "node": self._node})
            async with asyncio.timeout(_HANDOVER_S):
                return await answered.wait()
        except TimeoutError:
            return False
        finally:
            del self._awaited[session_id]

    def _claimed(self, event: StoredEvent) -> None:
        """Another node has taken a conversation; if it was here, send it there."""
        if event.data.get("node") != self._node and event.key in self._residents:
            self._spawn(self._hand_over(event.key, int(event.data["epoch"])))

    async def _hand_over(self, session_id: str, epoch: int) -> None:
        resident = self._residents.get(session_id)
        if resident is None or resident.epoch >= epoch:
            return
        del self._residents[session_id]
        await self._leave_to(session_id, resident, epoch=epoch)
        with suppress(StoreError):  # whoever waits for it goes by the history then
            await self._store.events.publish(HANDED_OVER, session_id, {"epoch": epoch})

    def _handed_over(self, event: StoredEvent) -> None:
        if event.key in self._awaited:
            self._awaited[event.key].set()

    async def _park(self, session_id: str) -> None:
        """Leave a conversation for whichever node its client finds next."""
        resident = self._residents.pop(session_id, None)
        if resident is not None:
            await self._leave_to(session_id, resident, epoch=resident.epoch)

    async def _leave_to(self, session_id: str, resident: _Resident, *, epoch: int) -> None:
        """Park what is left of a conversation under the epoch of whoever may have it."""
        state = await self._leave(resident)
        try:
            await self._store.conversations.park(session_id, epoch=epoch, state=state)
        except StoreError as error:
            log.warning("a conversation could not be parked", extra={"reason": str(error)})

    async def _leave(self, resident: _Resident) -> bytes:
        if resident.leaving is not None:
            resident.leaving.cancel()
        if resident.seat is not None:
            resident.seat.is_taken.set()
        with suppress(TimeoutError):  # what is not answered by then will be, over there
            async with asyncio.timeout(_LAST_WORDS_S):
                await resident.conversation.quiet()
        unanswered = await resident.conversation.leave()
        self._spawn(_let_go(resident.conversation))
        return packed(resident.conversation, unanswered)

    async def _move_out(self, resident: _Resident) -> None:
        """End a conversation that nobody is connected to."""
        session_id = resident.conversation.session.id
        async with self._door(session_id):
            if self._residents.get(session_id) is not resident or resident.seat is not None:
                return
            del self._residents[session_id]
            if resident.leaving is not None:
                resident.leaving.cancel()
            await resident.conversation.leave()
            self._spawn(_let_go(resident.conversation))
            try:
                await self._store.conversations.renounce(session_id, epoch=resident.epoch)
            except StoreError as error:
                log.warning("a conversation could not be renounced", extra={"reason": str(error)})

    @asynccontextmanager
    async def _door(self, session_id: str) -> AsyncIterator[None]:
        door = self._doors.setdefault(session_id, _Door())
        door.users += 1
        try:
            async with door.lock:
                yield
        finally:
            door.users -= 1
            if not door.users:
                del self._doors[session_id]

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._aside.add(task)
        task.add_done_callback(self._aside.discard)


async def _let_go(conversation: Conversation) -> None:
    """Wait for what a conversation that has left still holds; whoever has it now does not."""
    await conversation.aclose()
