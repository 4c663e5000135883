"""Providers whose work is done by workers: what a node has in place of those that run there."""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

from glottis.core.broker import Broker, BrokerUnavailable, Message, WorkQueue
from glottis.core.inference.asking import Call
from glottis.core.inference.ending import ended
from glottis.core.inference.messages import (
    PRESENCE,
    Malformed,
    Recognize,
    Speak,
    SynthesizerPresence,
    Work,
    decode,
    lane_of,
)
from glottis.core.inference.pace import Pace
from glottis.core.inference.switchboard import Switchboard
from glottis.core.inference.workforce import Workforce
from glottis.core.metrics import Metrics
from glottis.plugins import (
    AudioFrame,
    Capabilities,
    ErrorCategory,
    Kind,
    Provider,
    ProviderContext,
    ProviderError,
    ProviderSpec,
    RecognitionOptions,
    Recognizer,
    RecognizerCapabilities,
    RunsOn,
    SynthesisOptions,
    Synthesizer,
    SynthesizerCapabilities,
    TrainedVoice,
    Transcript,
    VoiceInfo,
)

QUEUE = "inference"
MAX_AGE_S = 60.0
"""How long a ticket waits that nobody renews: its node is gone."""
PRESENCE_SUBJECT = "presence"
GREETING_SUBJECT = "greeting"

log = logging.getLogger(__name__)


class RemoteProviders:
    """Makes providers that have workers do the work, and knows which workers are there.

    Use it as an asynchronous context manager, around all that uses the providers.
    """

    def __init__(self, broker: Broker, metrics: Metrics, *, pace: Pace | None = None) -> None:
        self._broker, self._metrics = broker, metrics
        self.pace = pace or Pace()
        self._switchboard = Switchboard(broker)
        self._workforces: dict[tuple[str, str], Workforce] = {}
        self._calls: dict[Call, tuple[str, str]] = {}
        self._queue: WorkQueue | None = None
        self._stack = AsyncExitStack()
        self._hear_change: Callable[[str, str], None] = lambda _kind, _instance: None

    def on_change(self, hear: Callable[[str, str], None]) -> None:
        """Have somebody hear the kind and name of an instance whose workers come, go or change."""
        self._hear_change = hear

    def make(self, name: str, kind: Kind, spec: ProviderSpec) -> Provider:
        """Make the provider that stands for an instance on workers. May be called in any thread."""
        workforce = self._workforce(kind, name)
        context = ProviderContext(
            name, Path(), spec.capabilities, logging.getLogger(f"glottis.workers.{name}")
        )
        if kind is Kind.RECOGNIZER:
            return RemoteRecognizer(self, workforce, context)
        if kind is Kind.SYNTHESIZER:
            return RemoteSynthesizer(self, workforce, context)
        raise ValueError(f"a {kind} does not run on workers")

    async def __aenter__(self) -> Self:
        """Listen to workers.

        Raises:
            BrokerUnavailable: the broker is away.
        """
        async with AsyncExitStack() as stack:
            self._queue = await self._broker.work_queue(QUEUE, is_kept=False, max_age_s=MAX_AGE_S)
            await stack.enter_async_context(self._switchboard.connected())
            presence = self._broker.subject(PRESENCE_SUBJECT)
            await stack.enter_async_context(self._broker.subscribing(presence, self._hear))
            await self._broker.publish(self._broker.subject(GREETING_SUBJECT))
            watching = asyncio.create_task(self._watch(), name="workers")
            stack.push_async_callback(ended, watching)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    @asynccontextmanager
    async def asking(self, workforce: Workforce, work: Work, clip: bytes = b"") -> AsyncIterator[Call]:
        """Have a worker do something; leaving the context stops it.

        Raises:
            ProviderError: no worker is there, the broker is away, or this cannot be sent.
        """
        workforce.require()
        waits = self._metrics.worker_wait_seconds.labels(workforce.instance, workforce.kind)
        call = Call(self._broker, workforce, self.pace, work, clip, claimed=waits.observe)
        with self._switchboard.line(call.hear) as inbox, workforce.awaited_by(call):
            try:
                await self._queue_up(call, lane_of(workforce.kind, workforce.instance), inbox)
                yield call
            finally:
                self._calls.pop(call, None)
                await call.aclose()
                if call.claims > 1:
                    self._metrics.worker_repeats.labels(workforce.instance, workforce.kind).inc()

    async def _queue_up(self, call: Call, lane: str, inbox: str) -> None:
        if self._queue is None:
            raise ProviderError(ErrorCategory.UNAVAILABLE, "workers are not listened to yet")
        try:
            await call.queue(self._queue, lane, inbox)
        except BrokerUnavailable:
            raise ProviderError(ErrorCategory.UNAVAILABLE, "workers are out of reach") from None
        self._calls[call] = lane, inbox

    async def _hear(self, message: Message) -> None:
        try:
            presence, _ = decode(PRESENCE, message.payload)
        except Malformed:
            log.warning("what a worker says of itself cannot be read")
            return
        now = asyncio.get_running_loop().time()
        workforce = self._workforce(presence.kind, presence.instance)
        with self._noting_change(workforce):
            workforce.hear(presence, now)

    async def _watch(self) -> None:
        """Forget workers that have fallen silent, and queue anew what may be lost."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(min(self.pace.beat_s, self.pace.renew_s) / 4)
            for workforce in self._workforces.values():
                with self._noting_change(workforce):
                    workforce.expire(loop.time(), self.pace.absent_s)
            for call, (lane, inbox) in list(self._calls.items()):
                if self._queue is not None and call.is_overdue(loop.time()):
                    try:
                        await call.queue(self._queue, lane, inbox)
                    except BrokerUnavailable:
                        break

    @contextmanager
    def _noting_change(self, workforce: Workforce) -> Iterator[None]:
        before = workforce.told, workforce.count
        yield
        if (workforce.told, workforce.count) != before:
            self._metrics.workers.labels(workforce.instance, workforce.kind).set(workforce.count)
            self._hear_change(workforce.kind, workforce.instance)

    def _workforce(self, kind: str, instance: str) -> Workforce:
        return self._workforces.setdefault((kind, instance), Workforce(str(kind), instance))


class _Remote(Provider):
    """What both kinds have in common: all of it is what workers say."""

    def __init__(self, remote: RemoteProviders, workforce: Workforce, context: ProviderContext) -> None:
        super().__init__(context)
        self._remote, self._workforce = remote, workforce
        workforce.on_change(self._adopt)
        self._adopt()

    def _adopt(self) -> None:
        told = self._workforce.told
        able = self.context.capabilities if told is None else told.capabilities
        self.capabilities = replace(_adapted(able), max_concurrency=self._workforce.places)

    @property
    def version(self) -> str:
        return self._workforce.told.version if self._workforce.told else ""

    async def warmup(self) -> None:
        try:
            async with asyncio.timeout(self._remote.pace.greet_s):
                await self._workforce.known()
        except TimeoutError:
            log.warning("no worker is there yet", extra={"provider": self.context.instance})

    async def health(self) -> None:
        self._workforce.require()


class RemoteRecognizer(_Remote, Recognizer):
    """Hears by a worker."""

    async def recognize(self, clip: AudioFrame, options: RecognitionOptions) -> Transcript:
        work = Recognize(options, clip.rate_hz, len(clip.pcm))
        async with self._remote.asking(self._workforce, work, clip.pcm) as call:
            return await call.transcript()


class RemoteSynthesizer(_Remote, Synthesizer):
    """Speaks by a worker. Trained voices each worker learns by itself."""

    async def synthesize(
        self, text: str | AsyncIterator[str], options: SynthesisOptions
    ) -> AsyncGenerator[AudioFrame, None]:
        whole = text if isinstance(text, str) else "".join([piece async for piece in text])
        async with (
            self._remote.asking(self._workforce, Speak(whole, options)) as call,
            aclosing(call.frames()) as frames,
        ):
            async for frame in frames:
                yield frame

    async def voices(self) -> Sequence[VoiceInfo]:
        self._workforce.require()
        told = self._workforce.told
        return told.voices if isinstance(told, SynthesizerPresence) else ()

    async def install(self, voice: TrainedVoice) -> None:
        """Leave it to the worker that speaks with it."""


def _adapted(capabilities: Capabilities) -> Capabilities:
    """Leave out what does not reach through the broker, and what the worker sees to itself."""
    match capabilities:
        case RecognizerCapabilities():
            return replace(capabilities, streaming=False, partials=False, runs_on=RunsOn.EVENT_LOOP)
        case SynthesizerCapabilities():
            return replace(capabilities, text_stream=False, runs_on=RunsOn.EVENT_LOOP)
        case _:
            return capabilities
