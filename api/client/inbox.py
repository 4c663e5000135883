"""What the server has said and nobody has read yet; and up to where it has been received."""

import asyncio
from collections import deque

from glottis.api.client.errors import ClientError, ProtocolError
from glottis.api.client.messages import Audio, AudioData, Message, Pong, Resumed, parse

MOST_MESSAGES = 64
_MOST_HELD_BACK = 4096
_FIRST_WORDS = 2
"""In a conversation that has just begun, the server greets, and then says that it has resumed nothing."""
_NOISE = frozenset({"sequence_repeated", "sequence_reordered"})
"""Codes of errors that say no more than that something was sent again after a cut, as it should be."""


class Inbox:
    """Bounded: who brings something waits for a reader, and so, over TCP, does the server."""

    def __init__(self) -> None:
        self._unread: deque[Message] = deque()
        self._came = asyncio.Event()
        self._room = asyncio.Event()
        self._turn_id: int | None = None
        self._held_back: list[str | bytes] | None = None
        self._resumed_from = 0
        self.is_over = False
        self.failure: ClientError | None = None
        self.last_seq = 0
        self.audio_received = 0
        """Bytes of audio since the last message."""

    def expect_resumption(self) -> None:
        """Prepare for a new connection: what it brings counts only once it is told what that is."""
        self._held_back = []
        self._resumed_from = self.last_seq

    async def put(self, frame: str | bytes) -> list[Pong | Resumed]:
        """Take what came, in order; gives what the sender has to know of.

        Raises:
            ProtocolError: no server says such things.
        """
        if self._held_back is None:
            return await self._take(frame)
        self._held_back.append(frame)
        resumed = parse(frame)[1] if isinstance(frame, str) else None
        if not isinstance(resumed, Resumed):
            if len(self._held_back) > _MOST_HELD_BACK:
                raise ProtocolError("the server does not go on with the conversation")
            return []
        # Before it was told to, the server may have begun to go on from where it thought best.
        frames, self._held_back = self._held_back[resumed.sent_before :], None
        for each in frames:
            await self._take(each)
        return [resumed]

    def is_same(self, resumed: Resumed) -> bool:
        """Tell whether it is the conversation that was cut, and not a new one that counts from the start."""
        return resumed.seq > max(self._resumed_from, _FIRST_WORDS)

    def end(self, failure: ClientError | None) -> None:
        """Have readers end once they have read everything, with the failure if there is one."""
        self.failure = self.failure or failure
        self.is_over = True
        self._came.set()

    async def get(self) -> Message | None:
        """Give the next message; None if none will come.

        Raises:
            ClientError: the conversation failed, and everything before that has been read.
        """
        while not self._unread:
            if self.failure is not None:
                raise self.failure
            if self.is_over:
                return None
            self._came.clear()
            await self._came.wait()
        self._room.set()
        return self._unread.popleft()

    async def _add(self, message: Message) -> None:
        while len(self._unread) >= MOST_MESSAGES:
            self._room.clear()
            await self._room.wait()
        self._unread.append(message)
        self._came.set()

    async def _take(self, frame: str | bytes) -> list[Pong | Resumed]:
        if isinstance(frame, bytes):
            await self._add(AudioData(data=frame, turn_id=self._turn_id))
            self.audio_received += len(frame)
            return []
        seq, message = parse(frame)
        if message is not None and not isinstance(message, Pong) and not _is_noise(message):
            await self._add(message)
        if isinstance(message, Audio):
            self._turn_id = message.turn_id
        self.last_seq, self.audio_received = seq, 0
        return [message] if isinstance(message, Pong | Resumed) else []


def _is_noise(message: Message) -> bool:
    return getattr(message, "code", None) in _NOISE
