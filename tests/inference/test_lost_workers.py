"""Workers that die, freeze, leave and come back."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, aclosing
from pathlib import Path

import pytest
from glottis.config import Limits
from glottis.core.broker import open_broker
from glottis.core.inference import InferenceWorker, RemoteProviders
from glottis.core.metrics import Metrics
from glottis.core.routing import Guard
from glottis.plugins import (
    AudioFrame,
    ErrorCategory,
    ProviderError,
    RecognitionOptions,
    Recognizer,
    SynthesisOptions,
    Synthesizer,
    Transcript,
)
from glottis.plugins.conformance import HANG, Outcome, ScriptedRecognizer, ScriptedSynthesizer, tone
from pydantic import SecretStr

from tests.nats_server import nats_server

from .conftest import PACE, Killable, Node, OpenWorker, guard_over, ramp

RunProcess = Callable[[str], AbstractAsyncContextManager[Killable]]
STOPS_WITHIN_S = 2.0


async def hear(guard: Guard[Recognizer]) -> Transcript:
    return await guard.call(lambda provider: provider.recognize(tone(), RecognitionOptions(language="en")))


class Listening:
    """Somebody who takes the frames of an utterance, and can be waited for."""

    def __init__(self, guard: Guard[Synthesizer]) -> None:
        self._guard = guard
        self.frames: list[AudioFrame] = []
        self._news = asyncio.Event()
        self.task = asyncio.create_task(guard.call(self._listen))

    async def _listen(self, provider: Synthesizer) -> bytes:
        async with aclosing(provider.synthesize("a story", SynthesisOptions(language="en"))) as frames:
            async for frame in frames:
                self.frames.append(frame)
                self._news.set()
        return b"".join(frame.pcm for frame in self.frames)

    async def heard(self, count: int) -> None:
        while len(self.frames) < count:
            self._news.clear()
            await self._news.wait()


async def test_another_worker_hears_what_a_killed_one_was_to_hear(
    node: Node, worker: OpenWorker, process: RunProcess
) -> None:
    async with process("ears") as killed:
        guard = await node.recognizer()
        hearing = asyncio.create_task(hear(guard))
        await killed.until("hearing")
        ears = ScriptedRecognizer("by another")
        async with worker(ears):
            await killed.kill()
            assert (await hearing).text == "by another"
        assert len(ears.calls) == 1


async def test_another_worker_goes_on_where_a_killed_one_stopped_without_a_gap_or_a_repetition(
    node: Node, worker: OpenWorker, process: RunProcess
) -> None:
    async with process("mouth") as killed:
        listening = Listening(await node.synthesizer())
        await listening.heard(3)
        await killed.kill()
        mouth = ScriptedSynthesizer((ramp(0, 700), ramp(700, 2_600), ramp(3_300, 1_700)))
        async with worker(mouth):
            assert await listening.task == ramp(0, 5_000).pcm
        assert len(mouth.calls) == 1


async def test_a_frozen_worker_is_replaced_and_what_it_says_when_it_thaws_is_not_heard(
    node: Node, worker: OpenWorker, process: RunProcess
) -> None:
    gate = asyncio.Event()
    async with process("mouth") as frozen:
        listening = Listening(await node.synthesizer())
        await listening.heard(3)
        frozen.freeze()
        mouth = ScriptedSynthesizer((ramp(0, 4_000), gate, ramp(4_000, 1_000)))
        async with worker(mouth):
            await mouth.log.wait_for(1)
            frozen.thaw()
            await frozen.until("stopped")
            gate.set()
            assert await listening.task == ramp(0, 5_000).pcm


async def test_without_a_worker_a_call_fails_at_once(node: Node) -> None:
    guard = node.cold_recognizer()
    async with asyncio.timeout(PACE.absent_s / 2):
        with pytest.raises(ProviderError, match="unavailable: no worker serves ears"):
            await hear(guard)
        with pytest.raises(ProviderError, match="unavailable"):
            await guard.provider.health()


async def test_calls_that_the_last_worker_has_taken_with_it_fail_over(
    node: Node, process: RunProcess
) -> None:
    async with process("ears") as killed:
        guard = await node.recognizer()
        hearing = asyncio.create_task(hear(guard))
        await killed.until("hearing")
        await killed.kill()
        with pytest.raises(ProviderError, match="no worker serves ears"):
            await hearing


async def test_calls_that_wait_when_the_last_worker_leaves_fail_over_and_those_begun_are_finished(
    node: Node, worker: OpenWorker
) -> None:
    gate = asyncio.Event()
    ears = ScriptedRecognizer((gate, "in the end"))
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(worker(ears, slots=1))
        guard = await node.recognizer()
        begun = asyncio.create_task(hear(guard))
        await ears.log.wait_for(1)
        waiting = asyncio.create_task(hear(guard))
        closing = asyncio.create_task(stack.aclose())
        with pytest.raises(ProviderError, match="no worker serves ears"):
            await waiting
        gate.set()
        assert (await begun).text == "in the end"
        await closing
    assert len(ears.calls) == 1


async def test_what_a_leaving_worker_cannot_finish_in_time_another_does(
    node: Node, worker: OpenWorker
) -> None:
    hanging, well = ScriptedRecognizer(HANG), ScriptedRecognizer("by another")
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(worker(hanging, drain_timeout_s=0.1))
        hearing = asyncio.create_task(hear(await node.recognizer()))
        await hanging.log.wait_for(1)
        async with worker(well):
            await stack.aclose()
            assert (await hearing).text == "by another"
    assert hanging.calls[0].outcome is Outcome.CANCELLED


async def test_a_worker_that_comes_back_is_found(node: Node, worker: OpenWorker) -> None:
    guard = node.cold_recognizer()
    for _ in range(2):
        with pytest.raises(ProviderError, match="no worker"):
            await hear(guard)
        async with worker(ScriptedRecognizer("back")):
            await guard.provider.warmup()
            assert (await hear(guard)).text == "back"
            await guard.provider.health()


@pytest.mark.parametrize("kind", ["ears", "mouth"])
async def test_a_call_that_is_cancelled_stops_the_provider(
    node: Node, process: RunProcess, kind: str
) -> None:
    async with process(kind) as killable:
        calling: asyncio.Task[Transcript] | asyncio.Task[bytes]
        if kind == "ears":
            calling = asyncio.create_task(hear(await node.recognizer()))
            await killable.until("hearing")
        else:
            listening = Listening(await node.synthesizer())
            calling = listening.task
            await listening.heard(1)
        calling.cancel()
        async with asyncio.timeout(STOPS_WITHIN_S):
            await killable.until("stopped")
        await asyncio.wait({calling})


async def test_a_call_that_takes_longer_than_its_node_waits_stops_the_provider(
    node: Node, worker: OpenWorker
) -> None:
    ears = ScriptedRecognizer(HANG)
    async with worker(ears):
        guard = await node.recognizer(limits=Limits(timeout_s=0.3))
        with pytest.raises(ProviderError) as raised:
            await hear(guard)
        assert raised.value.category is ErrorCategory.TIMEOUT
        async with asyncio.timeout(STOPS_WITHIN_S):
            await ears.calls[0].ended.wait()


async def test_a_broker_that_is_killed_meanwhile_costs_no_call(tmp_path: Path) -> None:
    gate = asyncio.Event()
    ears = ScriptedRecognizer((gate, "in the end"))
    with nats_server(tmp_path / "nats") as server:
        async with AsyncExitStack() as stack:
            brokers = [
                await stack.enter_async_context(open_broker(SecretStr(server.url), name=name))
                for name in ("node", "worker")
            ]
            guard_here = guard_over(ears, ears.spec(), name="ears")
            serving = InferenceWorker(brokers[1], [guard_here], Metrics(), pace=PACE).serving()
            await stack.enter_async_context(serving)
            remote = await stack.enter_async_context(RemoteProviders(brokers[0], Metrics(), pace=PACE))
            guard = await Node(brokers[0], remote).recognizer()
            hearing = asyncio.create_task(hear(guard))
            await ears.log.wait_for(1)
            server.kill()
            server.start()
            gate.set()
            assert (await hearing).text == "in the end"
            assert (await hear(guard)).text == "in the end"
