"""One call as the worker sees it: claimed from the node that asks, done by the provider, told in pieces."""

import asyncio
import logging
from collections import deque
from contextlib import aclosing
from enum import StrEnum
from typing import Any, Protocol

from glottis.core.broker import Broker, BrokerUnavailable, Delivery, Message
from glottis.core.errors import GlottisError
from glottis.core.inference.ending import ended
from glottis.core.inference.messages import (
    ANSWER,
    FROM_NODE,
    TICKET,
    Alive,
    Audio,
    Claim,
    End,
    Failed,
    Go,
    Heard,
    Malformed,
    More,
    No,
    Order,
    Piece,
    Recognize,
    Result,
    Speak,
    Stop,
    Taken,
    Why,
    decode,
    encode,
)
from glottis.core.inference.pace import Pace
from glottis.core.inference.switchboard import Switchboard
from glottis.core.routing import Guard
from glottis.core.routing.answers import frame_of, transcript_of
from glottis.core.routing.patience import each_within
from glottis.core.store import StoreError
from glottis.plugins import (
    DEFAULT_VOICE,
    AudioFrame,
    ErrorCategory,
    Kind,
    ProviderError,
    Recognizer,
    Synthesizer,
    Transcript,
)

_MOST_DELIVERIES = 5
"""A ticket that has come so often, and whose node could never be reached, is thrown away."""
_PUT_OFF_S = 1.0
_TRY_AGAIN_S = 0.2
_MOST_BYTES = 256 * 1024 * 1024

log = logging.getLogger(__name__)


class Learns(Protocol):
    """What knows of trained voices."""

    async def learn(self, provider: str, voice_id: str) -> None:
        """Have a synthesizer of this process learn a voice, if it is one that was trained for it.

        Raises:
            GlottisError, StoreError: it cannot.
        """
        ...


class Outcome(StrEnum):
    """How an errand ended: `STOPPED` by the node, `LOST` where the node cannot be reached."""

    DONE = "done"
    FAILED = "failed"
    STOPPED = "stopped"
    LOST = "lost"


class _Gone(Exception):
    """Nobody wants the result, at least not of us; the message says why."""

    def __init__(self, why: Why | None) -> None:
        super().__init__(why)
        self.why = why


class Errand:
    """Does what one ticket asks for, and settles the ticket."""

    def __init__(
        self,
        delivery: Delivery,
        guard: Guard[Any],
        *,
        broker: Broker,
        switchboard: Switchboard,
        pace: Pace,
        trained: Learns | None,
    ) -> None:
        self._delivery, self._guard = delivery, guard
        self._broker, self._switchboard, self._pace, self._trained = broker, switchboard, pace, trained
        self._node, self._round = "", 0
        self._part = broker.max_payload // 2
        self._call = ""
        self._order: Order | None = None
        self._gone: asyncio.Future[Why | None] = asyncio.get_running_loop().create_future()
        self._made = self._sent = self._taken = 0
        self._on_the_way: deque[int] = deque()
        self._room = asyncio.Event()

    async def run(self) -> Outcome:
        """Do it to its end. Being cancelled, it is left to another worker at once."""
        try:
            ticket, _ = decode(TICKET, self._delivery.payload)
        except Malformed:
            log.warning("a ticket cannot be read", extra={"provider": self._guard.name})
            await self._delivery.done()
            return Outcome.FAILED
        self._node, self._round = ticket.node, ticket.round
        with self._switchboard.line(self._hear) as self._call:
            try:
                outcome = await self._claimed_and_done()
            except _Gone as gone:
                await self._settle(gone.why)
                return Outcome.LOST if gone.why is None else Outcome.STOPPED
            except asyncio.CancelledError:
                await self._delivery.later(0)
                raise
            await self._delivery.done()
            return outcome

    async def _claimed_and_done(self) -> Outcome:
        try:
            order, clip = await self._claim()
        except Malformed:
            malformed = Failed(self._call, ErrorCategory.INTERNAL, "the worker cannot read the order")
            await self._tell(malformed)
            return Outcome.FAILED
        self._taken = order.taken
        self._sent = order.given
        doing = asyncio.create_task(self._do(order, clip), name=f"call to {self._guard.name}")
        keeping = asyncio.create_task(self._keep(), name=f"ticket of {self._guard.name}")
        ending: set[asyncio.Future[Any]] = {doing, self._gone}
        try:
            await asyncio.wait(ending, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await ended(doing, keeping)
        if not self._gone.done():
            return doing.result()
        if not doing.cancelled() and (error := doing.exception()) is not None:
            raise error
        raise _Gone(self._gone.result())

    async def _claim(self) -> tuple[Order, bytes]:
        """Ask for the call. Raises `_Gone`, `Malformed`."""
        claim = Claim(self._call, self._round, self._delivery.count)
        said, body = await self._asked(claim, timeout_s=self._pace.ack_wait_s)
        match said:
            case Order():
                return said, body
            case No(why=why):
                raise _Gone(why)
            case _:
                raise Malformed(self._call)

    async def _do(self, order: Order, clip: bytes) -> Outcome:
        result: Result
        left_s = None if order.left_ms is None else order.left_ms / 1_000
        try:
            async with asyncio.timeout(left_s):
                result = await self._result(order, clip)
        except ProviderError as error:
            result = Failed(self._call, error.category, error.public_message, error.retry_after_s)
        except TimeoutError:
            result = Failed(self._call, ErrorCategory.TIMEOUT, f"{self._guard.name} took too long")
        except Malformed:
            result = Failed(self._call, ErrorCategory.INTERNAL, "the clip cannot be read")
        except _Gone as gone:
            self._leave(gone.why)
            return Outcome.STOPPED
        if not self._gone.done():
            await self._tell(result)
        return Outcome.FAILED if isinstance(result, Failed) else Outcome.DONE

    async def _result(self, order: Order, clip: bytes) -> Result:
        match order.work:
            case Recognize() as work if self._guard.kind is Kind.RECOGNIZER:
                return Heard(self._call, await self._recognize(work, clip))
            case Speak() as work if self._guard.kind is Kind.SYNTHESIZER:
                await self._learn(work.options.voice)
                await self._speak(work, order)
                return End(self._call, self._sent)
            case _:
                raise Malformed(self._call)

    async def _recognize(self, work: Recognize, beginning: bytes) -> Transcript:
        pcm = bytearray(beginning)
        if work.size > _MOST_BYTES:
            raise Malformed(self._call)
        while len(pcm) < work.size:
            said, body = await self._asked(More(self._call, len(pcm)), timeout_s=self._pace.ack_wait_s)
            if isinstance(said, No):
                raise _Gone(said.why)
            if not isinstance(said, Piece) or not body:
                raise Malformed(self._call)
            pcm += body
        try:
            clip = AudioFrame(bytes(pcm), work.rate_hz)
        except ValueError:
            raise Malformed(self._call) from None

        async def run(provider: Recognizer) -> Transcript:
            return transcript_of(await provider.recognize(clip, work.options), work.options)

        return await self._guard.call(run)

    async def _speak(self, work: Speak, order: Order) -> None:
        async def run(provider: Synthesizer) -> None:
            # Only the provider's time counts, not that of whoever listens.
            async with (
                aclosing(provider.synthesize(work.text, work.options)) as given,
                aclosing(each_within(given, self._guard.limits.timeout_s)) as frames,
            ):
                async for frame in frames:
                    await self._send(frame_of(frame), skip=order.given)
                    await asyncio.sleep(0)  # one that never waits would keep everybody else waiting

        await self._guard.call(run, is_timed=False)

    async def _send(self, frame: AudioFrame, *, skip: int) -> None:
        """Send what the node has not got yet, in pieces that fit, when there is room for them."""
        known = min(frame.sample_count, max(0, skip - self._made))
        self._made += frame.sample_count
        step = min(self._part // 2, max(1, round(frame.rate_hz * self._pace.window_s / 2)))
        for start in range(known, frame.sample_count, step):
            pcm = frame.pcm[2 * start : 2 * (start + step)]
            await self._have_room(frame.rate_hz)
            try:
                await self._broker.publish(
                    self._node, encode(Audio(self._call, self._sent, frame.rate_hz), pcm)
                )
            except BrokerUnavailable:
                self._leave("again")
                # The provider has done nothing wrong, and its guard is to know.
                raise ProviderError(ErrorCategory.CANCELLED, "the broker is away") from None
            self._sent += len(pcm) // 2
            self._on_the_way.append(self._sent)

    async def _have_room(self, rate_hz: int) -> None:
        pace = self._pace
        while (
            self._sent - self._taken >= pace.window_s * rate_hz or len(self._on_the_way) >= pace.window_frames
        ):
            self._room.clear()
            await self._room.wait()

    async def _learn(self, voice: str) -> None:
        if self._trained is None or voice == DEFAULT_VOICE:
            return
        try:
            await self._trained.learn(self._guard.name, voice)
        except GlottisError as error:
            raise ProviderError(ErrorCategory.UNAVAILABLE, error.detail, error.retry_after_s) from None
        except StoreError:
            raise ProviderError(ErrorCategory.UNAVAILABLE, "trained voices cannot be looked up") from None

    async def _keep(self) -> None:
        """Keep the ticket, and see whether anybody still waits, until nobody does."""
        misses = 0
        while True:
            await asyncio.sleep(_TRY_AGAIN_S if misses else self._pace.keep_s)
            await self._delivery.keep()
            try:
                said, _ = await self._asked(Alive(self._call), timeout_s=self._pace.answer_s)
            except Malformed:
                continue
            except _Gone:
                # Where it is the broker that is away, a node that waits will be there again.
                misses += self._broker.is_connected
                if misses > 1:
                    self._leave(None)
                    return
                continue
            misses = 0
            if isinstance(said, No):
                self._leave(said.why)
                return
            if isinstance(said, Go):
                self._note_taken(said.taken)

    async def _tell(self, result: Result) -> None:
        """Tell the result until the node has it. Ends where nobody wants it."""
        payload = encode(result)
        if len(payload) > self._broker.max_payload:
            payload = encode(Failed(self._call, ErrorCategory.INTERNAL, "the result is too long to be sent"))
        misses = 0
        while misses < 2:
            try:
                answer = await self._broker.request(self._node, payload, timeout_s=self._pace.ack_wait_s)
            except BrokerUnavailable:
                misses += self._broker.is_connected
                await asyncio.sleep(_TRY_AGAIN_S)
                continue
            try:
                said, _ = decode(ANSWER, answer.payload)
            except Malformed:
                return
            if isinstance(said, No):
                self._leave(said.why)
            return
        self._leave(None)

    async def _asked(self, head: Claim | More | Alive, *, timeout_s: float) -> tuple[Any, bytes]:
        """Ask the node. Raises `_Gone` where it cannot be reached, and `Malformed`."""
        try:
            answer = await self._broker.request(self._node, encode(head), timeout_s=timeout_s)
        except BrokerUnavailable:
            raise _Gone(None) from None
        return decode(ANSWER, answer.payload)

    async def _hear(self, message: Message) -> None:
        try:
            said, _ = decode(FROM_NODE, message.payload)
        except Malformed:
            log.warning("what a node says cannot be read", extra={"provider": self._guard.name})
            return
        match said:
            case Stop(why=why):
                self._leave(why)
            case Taken(samples=samples):
                self._note_taken(samples)

    def _note_taken(self, samples: int) -> None:
        self._taken = max(self._taken, samples)
        while self._on_the_way and self._on_the_way[0] <= self._taken:
            self._on_the_way.popleft()
        self._room.set()

    def _leave(self, why: Why | None) -> None:
        if not self._gone.done():
            self._gone.set_result(why)

    async def _settle(self, why: Why | None) -> None:
        """Do with the ticket what is right: whoever waits, waits for another worker."""
        match why:
            case "over":
                await self._delivery.done()
            case "another":
                return
            case "again":
                await self._delivery.later(0)
            case _ if self._delivery.count >= _MOST_DELIVERIES:
                await self._delivery.done()
            case _:
                await self._delivery.later(_PUT_OFF_S)
