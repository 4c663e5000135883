"""One call as the asking node sees it: a ticket for whoever has a place, then a talk with that worker."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress

from glottis.core.broker import Broker, BrokerUnavailable, Message, WorkQueue
from glottis.core.inference.messages import (
    FROM_WORKER,
    Alive,
    Answer,
    Audio,
    Claim,
    End,
    Failed,
    FromWorker,
    Go,
    Heard,
    Malformed,
    More,
    No,
    Order,
    Piece,
    Result,
    Stop,
    Taken,
    Ticket,
    Why,
    Work,
    decode,
    encode,
)
from glottis.core.inference.pace import Pace
from glottis.core.inference.workforce import Workforce
from glottis.core.routing import time_left_s
from glottis.plugins import AudioFrame, ErrorCategory, ProviderError, Transcript

_TELL_AT = 4
"""A quarter of the window, or of the frames that may be on their way, is taken: the worker is told."""
_TOO_MANY = 3
"""So many times as much as a worker may send, and it is out of its mind."""


class Call:
    """A call under way; `claims` counts the workers that have taken it.

    What it gives does not hang on how many workers it took: the samples of a lost one are not given again.
    """

    def __init__(
        self,
        broker: Broker,
        workforce: Workforce,
        pace: Pace,
        work: Work,
        clip: bytes,
        *,
        claimed: Callable[[float], None],
    ) -> None:
        self._broker, self._workforce, self._pace = broker, workforce, pace
        self._work, self._clip, self._claimed = work, clip, claimed
        self._part = broker.max_payload // 2
        self._loop = asyncio.get_running_loop()
        left_s = time_left_s()
        self._ends_at = None if left_s is None else self._loop.time() + left_s
        self._asked_at = self._news_at = self._queued_at = self._loop.time()
        self._claimant: str | None = None
        self.claims = self._rounds = 0
        self._latest = (-1, -1)
        self._frames: deque[AudioFrame] = deque()
        self._given = self._taken = self._told = self._told_frames = 0
        self._outcome: Result | ProviderError | None = None
        self._changed = asyncio.Event()
        self._require_writable()

    async def transcript(self) -> Transcript:
        """Wait for what was heard.

        Raises:
            ProviderError: the provider failed, or there is no worker.
        """
        while self._outcome is None:
            await self._news()
        if isinstance(self._outcome, Heard):
            return self._outcome.transcript
        raise self._error(self._outcome)

    async def frames(self) -> AsyncGenerator[AudioFrame, None]:
        """Give the audio as it comes; a slow taker keeps the worker waiting. Raises as `transcript`."""
        while True:
            while self._frames:
                frame = self._frames.popleft()
                yield frame
                self._taken += frame.sample_count
                await self._tell_taken(frame.rate_hz)
            if isinstance(self._outcome, End):
                return
            if self._outcome is not None:
                raise self._error(self._outcome)
            await self._news()

    async def queue(self, queue: WorkQueue, lane: str, inbox: str) -> None:
        """Put its ticket into a lane; the queue holds it but once, however often this is called.

        Raises:
            BrokerUnavailable: the broker is away.
        """
        self._queued_at = self._loop.time()
        ticket = encode(Ticket(inbox, self._rounds))
        self._rounds += 1
        await queue.put(lane, inbox, ticket)

    def is_overdue(self, now: float) -> bool:
        """Whether it has been quiet for so long that its ticket may be lost."""
        quiet_s = now - max(self._news_at, self._queued_at)
        return self._outcome is None and quiet_s > self._pace.renew_s

    def nobody_is_there(self, now: float) -> None:
        """Give up, unless its own worker is still heard."""
        if self._claimant is None or now - self._news_at > self._pace.absent_s:
            self._end(self._workforce.absence())

    async def aclose(self) -> None:
        """Have the worker stop, if it has not come to the end."""
        is_told = isinstance(self._outcome, (Heard, End, Failed))
        self._end(ProviderError(ErrorCategory.CANCELLED, "nobody waits for it"))
        if not is_told:
            await self._dismiss("over")

    async def hear(self, message: Message) -> None:
        """Hear what a worker says, and answer if it wants an answer."""
        body = b""
        answer: Answer
        try:
            said, sent = decode(FROM_WORKER, message.payload)
        except Malformed as malformed:
            if malformed.call is not None and malformed.call == self._claimant:
                self._end(self._nonsense())
            answer = No()
        else:
            answer, body = await self._answered(said, sent)
        if message.reply:
            await self._broker.publish(message.reply, encode(answer, body))

    async def _answered(self, said: FromWorker, body: bytes) -> tuple[Answer, bytes]:
        if self._outcome is not None:
            return No("over"), b""
        if isinstance(said, Claim) and (said.round, said.delivery) > self._latest:
            return await self._engage(said), self._clip[: self._part]
        if said.call != self._claimant:
            return No("another"), b""
        self._news_at = self._loop.time()
        match said:
            case More(offset=offset):
                return Piece(), self._clip[offset : offset + self._part]
            case Audio():
                await self._take(said, body)
            case End(samples=samples) if samples != self._given:
                await self._begin_anew()
                return No("again"), b""
            case Heard() | End() | Failed():
                self._end(said)
            case Alive():
                pass
        return Go(self._taken), b""

    async def _engage(self, claim: Claim) -> Order:
        """Let a worker have it, and nobody else from now on."""
        await self._dismiss("another")
        self._claimant, self._latest = claim.call, (claim.round, claim.delivery)
        self.claims += 1
        self._news_at = self._loop.time()
        self._claimed(self._news_at - self._asked_at)
        left_ms = None if self._ends_at is None else max(0, round(1_000 * (self._ends_at - self._news_at)))
        return Order(self._work, left_ms, given=self._given, taken=self._taken)

    async def _take(self, audio: Audio, body: bytes) -> None:
        try:
            frame = AudioFrame(body, audio.rate_hz)
        except ValueError:
            self._end(self._nonsense())
            return
        if audio.start != self._given:
            await self._begin_anew()
            return
        self._given += frame.sample_count
        self._frames.append(frame)
        self._changed.set()
        waiting_s = (self._given - self._taken) / frame.rate_hz
        pace = self._pace
        if waiting_s > _TOO_MANY * pace.window_s or len(self._frames) > _TOO_MANY * pace.window_frames:
            self._end(self._nonsense())

    async def _begin_anew(self) -> None:
        """Have it all made again, since something was lost on the way."""
        await self._dismiss("again")

    async def _dismiss(self, why: Why) -> None:
        claimant, self._claimant = self._claimant, None
        if claimant is not None:
            with suppress(BrokerUnavailable):  # it asks before long whether anybody waits
                await self._broker.publish(claimant, encode(Stop(why)))

    async def _tell_taken(self, rate_hz: int) -> None:
        self._told_frames += 1
        is_much = _TELL_AT * (self._taken - self._told) >= self._pace.window_s * rate_hz
        if self._claimant is None or not (
            is_much or _TELL_AT * self._told_frames >= self._pace.window_frames
        ):
            return
        self._told, self._told_frames = self._taken, 0
        with suppress(BrokerUnavailable):  # as above
            await self._broker.publish(self._claimant, encode(Taken(self._taken)))

    async def _news(self) -> None:
        self._changed.clear()
        await self._changed.wait()

    def _end(self, outcome: Result | ProviderError) -> None:
        if self._outcome is None:
            self._outcome = outcome
            self._changed.set()

    def _error(self, outcome: Result | ProviderError) -> ProviderError:
        match outcome:
            case ProviderError():
                return outcome
            case Failed(category=category, message=message, retry_after_s=retry_after_s):
                return ProviderError(category, message, retry_after_s)
            case _:
                return self._nonsense()

    def _nonsense(self) -> ProviderError:
        return ProviderError(ErrorCategory.INTERNAL, f"a worker of {self._workforce.instance} sent nonsense")

    def _require_writable(self) -> None:
        try:
            size = len(encode(Order(self._work)))
        except ValueError:
            raise ProviderError(
                ErrorCategory.INVALID_REQUEST, "the text or an option cannot be sent"
            ) from None
        if size >= self._part:
            raise ProviderError(ErrorCategory.INVALID_REQUEST, "the text is too long for a worker")
