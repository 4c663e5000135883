"""What a node knows of its workers, and what workers know of trained voices."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest
from glottis.config import Limits, parse_deployment
from glottis.core.broker import Broker
from glottis.core.errors import Unprocessable
from glottis.core.inference import InferenceWorker
from glottis.core.metrics import Metrics
from glottis.core.routing import Guard, Routing
from glottis.core.store import Store, VoiceRecord
from glottis.core.training import TrainedVoices
from glottis.plugins import (
    Kind,
    ProviderError,
    RecognitionOptions,
    Recognizer,
    RecognizerCapabilities,
    RunsOn,
    SynthesisOptions,
    SynthesizerCapabilities,
    TrainedVoice,
    VoiceInfo,
)
from glottis.plugins.conformance import ScriptedRecognizer, ScriptedSynthesizer, tone

from .conftest import PACE, Node, OpenWorker, guard_over

ANNA = VoiceInfo("anna", "Anna", ("ru",), "female")


class Changes:
    """Counts what a node hears of."""

    def __init__(self, node: Node, *also: Callable[[str, str], None]) -> None:
        self._also = also
        self._changed = asyncio.Event()
        node.remote.on_change(self._hear)

    def _hear(self, kind: str, instance: str) -> None:
        self._changed.set()
        for hear in self._also:
            hear(kind, instance)

    async def next(self) -> None:
        await self._changed.wait()
        self._changed.clear()

    async def until(self, is_so: Callable[[], bool]) -> None:
        while not is_so():
            await self.next()


async def test_a_node_offers_what_the_worker_can_do_but_for_what_the_worker_sees_to(
    node: Node, worker: OpenWorker
) -> None:
    can = RecognizerCapabilities(
        languages=frozenset({"ru", "en"}),
        max_concurrency=2,
        runs_on=RunsOn.THREAD,
        expected_latency_s=0.5,
        rate_hz=8_000,
        streaming=True,
        word_times=True,
    )
    says = SynthesizerCapabilities(text_stream=True, emotions=frozenset({"neutral", "happy"}), speed=True)
    ears = ScriptedRecognizer(capabilities=can, version="model 7")
    mouth = ScriptedSynthesizer(capabilities=says, voices=[ANNA], version="voice 3")
    async with worker(ears, mouth):
        listens, speaks = await node.recognizer(), await node.synthesizer()
        assert listens.capabilities == RecognizerCapabilities(
            languages=frozenset({"ru", "en"}),
            max_concurrency=2,  # the places of all workers
            expected_latency_s=0.5,
            rate_hz=8_000,
            word_times=True,
        )
        assert speaks.capabilities == SynthesizerCapabilities(
            emotions=frozenset({"neutral", "happy"}), max_concurrency=16, speed=True
        )
        assert (listens.bound, speaks.bound) == (2, 16)
        assert (listens.provider.version, speaks.provider.version) == ("model 7", "voice 3")


async def test_a_node_offers_the_voices_of_its_worker(node: Node, worker: OpenWorker) -> None:
    changes = Changes(node)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(worker(ScriptedSynthesizer(voices=[ANNA])))
        provider = (await node.synthesizer()).provider
        while not await provider.voices():
            await changes.next()
        assert await provider.voices() == (ANNA,)
        await stack.aclose()
        while b'glottis_workers{instance="mouth",kind="synthesizer"} 1' in node.metrics.render():
            await changes.next()
        with pytest.raises(ProviderError, match="no worker serves mouth"):
            await provider.voices()


async def test_what_the_first_of_two_workers_can_do_counts_until_it_leaves(
    node: Node, worker: OpenWorker
) -> None:
    changes = Changes(node)
    async with AsyncExitStack() as first:
        await first.enter_async_context(worker(ScriptedRecognizer(version="old")))
        provider = (await node.recognizer()).provider
        async with worker(ScriptedRecognizer(version="new")):
            assert provider.version == "old"
            await first.aclose()
            await changes.until(lambda: provider.version == "new")
        assert provider.version == "new", "the last word stays"


async def test_a_language_that_a_worker_has_learnt_is_routed_to_it(node: Node, worker: OpenWorker) -> None:
    guard = await _known(node, worker, frozenset({"en"}))
    toml = 'enable = ["x"]\n[providers.ears]\nuse = "ears"\n[routes]\nrecognize = ["ears"]'
    routing = Routing(
        parse_deployment(toml, file="plugins.toml", environment={}), {(Kind.RECOGNIZER, "ears"): guard}
    )
    changes = Changes(node, routing.look_again)
    with pytest.raises(Unprocessable):
        routing.chain(Kind.RECOGNIZER, language="ru", project="")
    able = RecognizerCapabilities(languages=frozenset({"en", "ru"}))
    async with worker(ScriptedRecognizer(capabilities=able)):
        await changes.until(lambda: "ru" in guard.capabilities.languages)
        assert routing.chain(Kind.RECOGNIZER, language="ru", project="") == (guard,)


async def test_a_worker_that_comes_is_asked_at_once_although_the_breaker_would_wait(
    node: Node, worker: OpenWorker
) -> None:
    guard = node.cold_recognizer(limits=Limits(breaker_failures=1, breaker_probe_s=3_600))
    toml = 'enable = ["x"]\n[providers.ears]\nuse = "ears"\n[routes]\nrecognize = ["ears"]'
    routing = Routing(
        parse_deployment(toml, file="plugins.toml", environment={}), {(Kind.RECOGNIZER, "ears"): guard}
    )
    node.remote.on_change(routing.look_again)
    with pytest.raises(ProviderError, match="no worker"):
        await guard.call(lambda provider: provider.recognize(tone(), RecognitionOptions()))
    assert not guard.is_available
    async with worker(ScriptedRecognizer()), asyncio.timeout(30):
        while not guard.is_available:  # noqa: ASYNC110 - a breaker tells nobody
            await asyncio.sleep(0.01)


async def _known(node: Node, worker: OpenWorker, languages: frozenset[str]) -> Guard[Recognizer]:
    """A recognizer whose worker has been there, and has left."""
    async with worker(ScriptedRecognizer(capabilities=RecognizerCapabilities(languages=languages))):
        return await node.recognizer()


async def test_calls_are_counted(node: Node, worker: OpenWorker) -> None:
    metrics = Metrics()
    async with worker(ScriptedRecognizer(), metrics=metrics):
        guard = await node.recognizer()
        await guard.call(lambda provider: provider.recognize(tone(), RecognitionOptions()))
        assert b'glottis_workers{instance="ears",kind="recognizer"} 1.0' in node.metrics.render()
    waited = b'glottis_worker_wait_seconds_count{instance="ears",kind="recognizer"} 1.0'
    assert waited in node.metrics.render()
    counted = b'glottis_worker_calls_total{instance="ears",kind="recognizer",outcome="done"} 1.0'
    assert counted in metrics.render()
    assert b'glottis_worker_calls_running{instance="ears",kind="recognizer"} 0.0' in metrics.render()


class Learning(ScriptedSynthesizer):
    """Keeps what its voices were installed with."""

    def __init__(self) -> None:
        super().__init__(tone())
        self.learnt: dict[str, bytes] = {}

    async def install(self, voice: TrainedVoice) -> None:
        assert voice.artefact is not None
        self.learnt[voice.voice_id] = await asyncio.to_thread(voice.artefact.read_bytes)


async def test_a_worker_installs_a_trained_voice_before_it_speaks_with_it(
    node: Node, broker: Broker, store: Store, tmp_path: Path
) -> None:
    mouth = Learning()
    here = guard_over(mouth, mouth.spec(), name="mouth")
    deployment = parse_deployment("enable = []", file="plugins.toml", environment={})
    on_worker = Routing(deployment, {(Kind.SYNTHESIZER, "mouth"): here})
    learning = TrainedVoices(store, on_worker, tmp_path / "worker")
    serving = InferenceWorker(broker, [here], Metrics(), pace=PACE, trained=learning).serving()
    async with learning.running(), serving:
        guard = await node.synthesizer()
        on_node = Routing(deployment, {(Kind.SYNTHESIZER, "mouth"): guard})
        asking = TrainedVoices(store, on_node, tmp_path / "node")
        voice = await _trained(store, b"all about a voice")
        async with asking.running():
            spoken = await asking.spoken(voice.id, project="demo")
        assert spoken == (guard, voice.voice_id)
        options = SynthesisOptions(voice=voice.voice_id)
        for _ in range(2):
            assert await guard.call(lambda provider: _all(provider.synthesize("hello", options)))
    assert mouth.learnt == {voice.voice_id: b"all about a voice"}


async def _all(frames: AsyncIterator[object]) -> list[object]:
    return [frame async for frame in frames]


async def _trained(store: Store, artefact: bytes) -> VoiceRecord:
    async def pieces() -> AsyncIterator[bytes]:
        yield artefact

    words = {"en": "said"}
    await store.jobs.queue(
        project="demo", name="Anna", language="en", backend="mouth", sample_ids=["a"], message=words
    )
    job = await store.jobs.claim(node="n", backends=["mouth"], lease_s=60)
    assert job is not None
    voice = VoiceRecord(
        id=job.id,
        project="demo",
        name="Anna",
        provider="mouth",
        voice_id=job.id,
        languages=("en",),
        artefact=await store.files.write("voice", pieces()),
        metrics={},
        created_at=datetime.now(UTC),
    )
    assert await store.jobs.complete(job, voice, result={}, message=words) is not None
    return voice
