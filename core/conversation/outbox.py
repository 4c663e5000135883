"""What a client is sent: numbered messages and audio, kept for a while for who comes back after a cut.

Bounded: of what the client has not taken, a newer partial transcription replaces the older, status and
metrics give way, and who brings audio waits. Of what was sent, as much is kept as fits.
"""

import asyncio
from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

MOST_MESSAGES = 256
MOST_BYTES = 1024 * 1024
_AUDIO_WAITING = 64 * 1024
"""Bytes of audio that may wait for the client: two seconds of PCM at 16 kHz."""
_CALM_MESSAGES = 64
_GIVES_WAY = frozenset({"status", "metrics", "pong", "sentence"})
_MESSAGE_OVERHEAD = 256


@dataclass(slots=True, eq=False)
class Entry:
    """A message with its number, or a piece of audio of a turn."""

    kind: str
    turn_id: int | None
    seq: int | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)
    audio: bytes = b""
    is_partial: bool = False

    @property
    def cost(self) -> int:
        return len(self.audio) or _MESSAGE_OVERHEAD + len(str(self.fields.get("text", "")))

    def as_message(self) -> dict[str, Any]:
        message = {"type": self.kind, **self.fields, "seq": self.seq}
        if self.turn_id is not None:
            message["turn_id"] = self.turn_id
        return message


class Outbox:
    """Everything on its way to one client, in order.

    Numbers rise by one; one is missing only where a client reads so little that a status had to give way.
    """

    def __init__(self, *, first_seq: int = 1, sent: Iterable[Entry] = ()) -> None:
        self._sent: deque[Entry] = deque(sent)
        self._waiting: deque[Entry] = deque()
        self._sent_cost = sum(entry.cost for entry in self._sent)
        self._hands = 0
        self._audio_waiting = 0
        self._next_seq = first_seq
        self._came = asyncio.Event()
        self._room = asyncio.Event()
        self._closed_turns_up_to = max(
            (entry.turn_id or 0 for entry in self._sent if entry.kind == "interrupted"), default=0
        )
        self.is_overrun = asyncio.Event()
        """Set once so much has waited for so long that something was lost to this connection."""
        self._lost_up_to = 0
        """Who has not got this message has lost something that was never sent."""
        self._forgotten_up_to = min(
            (entry.seq - 1 for entry in self._sent if entry.seq), default=first_seq - 1
        )
        self._forgotten_audio = 0
        """Bytes forgotten since the last message that was."""

    @property
    def last_seq(self) -> int:
        return self._next_seq - 1

    @property
    def is_idle(self) -> bool:
        """Whether everything has been taken."""
        return not self._waiting

    def put(self, kind: str, *, turn_id: int | None = None, is_partial: bool = False, **fields: Any) -> int:
        """Add a message; returns its number."""
        if is_partial and (older := self._waiting_partial(turn_id)):
            older.fields = fields
            return older.seq or 0
        if len(self._waiting) >= MOST_MESSAGES and not self._give_way():
            self._lose(self._waiting.popleft())
        entry = Entry(kind, turn_id, self._next_seq, fields, is_partial=is_partial)
        self._next_seq += 1
        self._add(entry)
        return entry.seq or 0

    async def put_audio(self, audio: bytes, *, turn_id: int) -> bool:
        """Add audio of a turn, waiting for room; False if the turn's audio is not wanted any more."""
        while self._audio_waiting >= _AUDIO_WAITING or len(self._waiting) >= MOST_MESSAGES:
            if turn_id <= self._closed_turns_up_to:
                return False
            self._room.clear()
            await self._room.wait()
        if turn_id <= self._closed_turns_up_to:
            return False
        self._audio_waiting += len(audio)
        self._add(Entry("", turn_id, audio=audio))
        return True

    def end_audio_of(self, turn_id: int) -> None:
        """Take back the audio of a turn and of all before it that has not been taken, and let no more in."""
        self._closed_turns_up_to = max(turn_id, self._closed_turns_up_to)
        kept = [entry for entry in self._waiting if not entry.audio or (entry.turn_id or 0) > turn_id]
        self._waiting = deque(kept)
        self._audio_waiting = sum(len(entry.audio) for entry in kept)
        self._room.set()

    def change_hands(self) -> None:
        """Have whoever waits in `take` wait for ever: from now on entries go to another."""
        self._hands += 1
        self.is_overrun.clear()

    def kept(self) -> tuple[Entry, ...]:
        """Give all that is kept, sent or not, in order."""
        return (*self._sent, *self._waiting)

    async def take(self) -> Entry:
        """Give the next entry, once there is one; it counts as sent."""
        hands = self._hands
        while not self._waiting or hands != self._hands:
            self._came.clear()
            await self._came.wait()
        entry = self._waiting.popleft()
        self._audio_waiting -= len(entry.audio)
        self._room.set()
        self._sent.append(entry)
        self._sent_cost += entry.cost
        while self._sent_cost > MOST_BYTES or len(self._sent) > MOST_MESSAGES:
            oldest = self._sent.popleft()
            self._sent_cost -= oldest.cost
            self._forget(oldest)
        return entry

    async def calm(self) -> None:
        """Wait until so little waits that more may be provoked."""
        while len(self._waiting) >= _CALM_MESSAGES:
            self._room.clear()
            await self._room.wait()

    async def emptied(self) -> None:
        """Wait until nothing waits to be taken."""
        while self._waiting:
            self._room.clear()
            await self._room.wait()

    def rewind(self, seq: int, *, audio_received: int = 0) -> bool:
        """Send everything after message `seq` again, but for `audio_received` bytes that followed it.

        False if what was missed is not kept any more: then only what is kept is sent again.
        """
        missed: deque[Entry] = deque()
        while self._sent and (self._sent[-1].seq is None or self._sent[-1].seq > seq):
            missed.appendleft(self._sent.pop())
        at_forgotten = seq == self._forgotten_up_to
        is_known = max(self._forgotten_up_to, self._lost_up_to) <= seq <= self.last_seq
        is_whole = is_known and not (at_forgotten and self._forgotten_audio > audio_received)
        if seq >= self._forgotten_up_to:
            self._pass_over(missed, audio_received - (self._forgotten_audio if at_forgotten else 0))
        self._sent_cost = sum(entry.cost for entry in self._sent)
        again = [
            entry
            for entry in missed
            if entry.seq is not None or (entry.audio and (entry.turn_id or 0) > self._closed_turns_up_to)
        ]
        self._waiting.extendleft(reversed(again))
        self._audio_waiting = sum(len(entry.audio) for entry in self._waiting)
        self._came.set()
        return is_whole

    def _pass_over(self, missed: deque[Entry], audio_received: int) -> None:
        """Leave audio that was received among what was sent: the client goes on counting from there."""
        while audio_received > 0 and missed and missed[0].seq is None:
            first = missed.popleft()
            got, rest = first.audio[:audio_received], first.audio[audio_received:]
            audio_received -= len(got)
            self._sent.append(Entry("", first.turn_id, audio=got))
            if rest:
                missed.appendleft(Entry("", first.turn_id, audio=rest))

    def _lose(self, entry: Entry) -> None:
        """Give up an entry that was never sent."""
        self._audio_waiting -= len(entry.audio)
        if entry.seq is None:
            before = (sent.seq for sent in reversed(self._sent) if sent.seq is not None)
            self._lost_up_to = max(self._lost_up_to, 1 + next(before, self._forgotten_up_to))
        else:
            self._lost_up_to = entry.seq
        self.is_overrun.set()
        self._room.set()

    def _forget(self, entry: Entry) -> None:
        if entry.seq is None:
            self._forgotten_audio += len(entry.audio)
        else:
            self._forgotten_up_to, self._forgotten_audio = entry.seq, 0

    def _add(self, entry: Entry) -> None:
        self._waiting.append(entry)
        self._came.set()

    def _waiting_partial(self, turn_id: int | None) -> Entry | None:
        for entry in reversed(self._waiting):
            if entry.kind == "transcription":  # a final ends what partials were about
                return entry if entry.is_partial and entry.turn_id == turn_id else None
        return None

    def _give_way(self) -> bool:
        for entry in self._waiting:
            if entry.kind in _GIVES_WAY or entry.is_partial:
                self._waiting.remove(entry)
                return True
        return False
