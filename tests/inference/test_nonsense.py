"""Nodes and workers that say what they should not, or nothing."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from glottis.core.broker import Broker, Message
from glottis.core.inference import Pace
from glottis.core.inference.messages import (
    Audio,
    Claim,
    End,
    Failed,
    Heard,
    Order,
    Recognize,
    RecognizerPresence,
    Speak,
    Stop,
    SynthesizerPresence,
    Ticket,
    encode,
    lane_of,
)
from glottis.plugins import (
    AudioFrame,
    ErrorCategory,
    Kind,
    ProviderError,
    RecognitionOptions,
    RecognizerCapabilities,
    SynthesisOptions,
    SynthesizerCapabilities,
    Transcript,
)
from glottis.plugins.conformance import HANG, Outcome, ScriptedRecognizer, ScriptedSynthesizer, tone

from .conftest import Node, OpenWorker, ramp

NONSENSE = [
    b"",
    b"\n",
    b"\xff\xfe",
    b"[]",
    b"{}",
    b'{"type": "heard"}',
    b'{"type": "claim", "call": 7}',
    b'{"type": "audio", "call": "x", "start": -1, "rate_hz": 0}',
    b'{"type": ' + b"[" * 10_000,
]
HELLO = Transcript("hello", 0.5, "en")
CLIP = tone()


class Hand:
    """Somebody who takes part by hand: says anything, and hears what is said to an inbox."""

    def __init__(self, broker: Broker, inbox: str, heard: "asyncio.Queue[Message]") -> None:
        self.broker, self.inbox, self.heard = broker, inbox, heard

    async def ask(self, subject: str, head: Any) -> dict[str, Any]:
        answer = await self.broker.request(subject, encode(head), timeout_s=10)
        return head_of(answer)

    async def next(self, kind: str) -> Message:
        """Wait for a message of a kind."""
        while True:
            message = await self.heard.get()
            if head_of(message)["type"] == kind:
                return message


def head_of(message: Message) -> dict[str, Any]:
    head: dict[str, Any] = json.loads(message.payload.partition(b"\n")[0])
    return head


@asynccontextmanager
async def hand(broker: Broker) -> AsyncIterator[Hand]:
    inbox, heard = broker.new_inbox(), asyncio.Queue[Message]()
    async with broker.subscribing(inbox, heard.put):
        yield Hand(broker, inbox, heard)


@asynccontextmanager
async def claimed(node: Node, hand: Hand, lane: str) -> AsyncIterator[tuple[str, dict[str, Any]]]:
    """Take the next ticket of a lane as a worker does: where its node hears, and its order."""
    queue = await node.broker.work_queue("inference", is_kept=False, max_age_s=60)
    async with queue.pulling(lane, ack_wait_s=30) as pulling:
        delivery = await pulling.take()
        inbox = json.loads(delivery.payload)["node"]
        order = await hand.ask(
            inbox, Claim(hand.inbox, json.loads(delivery.payload)["round"], delivery.count)
        )
        yield inbox, order
        await delivery.done()


async def present(node: Node, *, kind: Kind = Kind.RECOGNIZER) -> None:
    """Say that there is a worker."""
    told: Any = {"worker": "w", "version": "", "places": 1, "free": 1}
    presence = (
        RecognizerPresence(instance="ears", capabilities=RecognizerCapabilities(), **told)
        if kind is Kind.RECOGNIZER
        else SynthesizerPresence(instance="mouth", capabilities=SynthesizerCapabilities(), **told)
    )
    await node.broker.publish(node.broker.subject("presence"), encode(presence))


async def hear(node: Node) -> Transcript:
    guard = await node.recognizer()
    return await guard.call(lambda provider: provider.recognize(CLIP, RecognitionOptions()))


async def say(node: Node) -> list[AudioFrame]:
    guard = await node.synthesizer()
    return await guard.call(lambda provider: _all(provider.synthesize("hello", SynthesisOptions())))


async def _all(frames: AsyncIterator[AudioFrame]) -> list[AudioFrame]:
    return [frame async for frame in frames]


async def test_nonsense_said_to_a_node_changes_nothing(node: Node) -> None:
    for nonsense in NONSENSE:
        await node.broker.publish(node.broker.subject("presence"), nonsense)
    await present(node)
    hearing = asyncio.create_task(hear(node))
    async with hand(node.broker) as worker, claimed(node, worker, "recognizer.ears") as (inbox, order):
        assert order["type"] == "order"
        for nonsense in NONSENSE:
            await node.broker.publish(inbox, nonsense)
            answer = await node.broker.request(inbox, nonsense, timeout_s=10)
            assert head_of(answer)["type"] == "no"
        stranger = await worker.ask(inbox, Heard("a stranger", Transcript("wrong", 1, "en")))
        assert stranger == {"type": "no", "why": "another"}
        assert (await worker.ask(inbox, Heard(worker.inbox, HELLO)))["type"] == "go"
    assert await hearing == HELLO


async def test_a_worker_whose_answer_is_none_has_failed(node: Node) -> None:
    await present(node)
    hearing = asyncio.create_task(hear(node))
    async with hand(node.broker) as worker, claimed(node, worker, "recognizer.ears") as (inbox, _):
        wrong = {"type": "heard", "call": worker.inbox, "transcript": {"text": None}}
        assert (await worker.ask(inbox, wrong))["type"] == "no"
        with pytest.raises(ProviderError, match="internal: a worker of ears sent nonsense"):
            await hearing
        await worker.next("stop")


async def test_an_answer_of_the_other_kind_is_a_failure(node: Node) -> None:
    await present(node)
    hearing = asyncio.create_task(hear(node))
    async with hand(node.broker) as worker, claimed(node, worker, "recognizer.ears") as (inbox, _):
        await worker.ask(inbox, End(worker.inbox, 0))
        with pytest.raises(ProviderError, match="internal"):
            await hearing


@pytest.mark.parametrize("pcm", [b"odd", bytes(16_000 * 2 * 60)])
async def test_audio_that_is_none_or_far_too_much_is_a_failure(node: Node, pcm: bytes) -> None:
    await present(node, kind=Kind.SYNTHESIZER)
    saying = asyncio.create_task(say(node))
    async with hand(node.broker) as worker, claimed(node, worker, "synthesizer.mouth") as (inbox, _):
        piece = node.broker.max_payload // 2
        for start in range(0, len(pcm), piece):
            audio = Audio(worker.inbox, start // 2, 16_000)
            await node.broker.publish(inbox, encode(audio, pcm[start : start + piece]))
        with pytest.raises(ProviderError, match="internal: a worker of mouth sent nonsense"):
            await saying


async def test_audio_of_which_a_part_is_lost_is_made_again_from_there(node: Node) -> None:
    await present(node, kind=Kind.SYNTHESIZER)
    saying = asyncio.create_task(say(node))
    async with hand(node.broker) as first, claimed(node, first, "synthesizer.mouth") as (inbox, order):
        assert order["given"] == 0
        await node.broker.publish(inbox, encode(Audio(first.inbox, 0, 16_000), ramp(0, 100).pcm))
        await node.broker.publish(inbox, encode(Audio(first.inbox, 200, 16_000), ramp(200, 100).pcm))
        assert head_of(await first.next("stop"))["why"] == "again"
        async with hand(node.broker) as second:
            again = await second.ask(inbox, Claim(second.inbox, 0, 2))
            assert again["given"] == 100
            await node.broker.publish(inbox, encode(Audio(second.inbox, 100, 16_000), ramp(100, 200).pcm))
            assert (await second.ask(inbox, End(second.inbox, 300)))["type"] == "go"
    assert b"".join(frame.pcm for frame in await saying) == ramp(0, 300).pcm


async def test_an_end_that_comes_without_the_last_audio_is_none(node: Node) -> None:
    await present(node, kind=Kind.SYNTHESIZER)
    saying = asyncio.create_task(say(node))
    async with hand(node.broker) as worker, claimed(node, worker, "synthesizer.mouth") as (inbox, _):
        assert (await worker.ask(inbox, End(worker.inbox, 100))) == {"type": "no", "why": "again"}
        order = await worker.ask(inbox, Claim(worker.inbox, 0, 2))
        assert order["type"] == "order"
        await node.broker.publish(inbox, encode(Audio(worker.inbox, 0, 16_000), ramp(0, 100).pcm))
        assert (await worker.ask(inbox, End(worker.inbox, 100)))["type"] == "go"
    assert await saying == [ramp(0, 100)]


async def test_a_ticket_that_is_lost_is_written_again(node: Node) -> None:
    await present(node)
    hearing = asyncio.create_task(hear(node))
    queue = await node.broker.work_queue("inference", is_kept=False, max_age_s=60)
    async with queue.pulling("recognizer.ears", ack_wait_s=30) as lane, hand(node.broker) as worker:
        await (await lane.take()).done()
        taking = asyncio.create_task(lane.take())
        while not taking.done():
            await present(node)
            await asyncio.wait({taking}, timeout=0.1)
        ticket = json.loads(taking.result().payload)
        assert ticket["round"] > 0
        await worker.ask(ticket["node"], Claim(worker.inbox, ticket["round"], 1))
        await worker.ask(ticket["node"], Heard(worker.inbox, HELLO))
        await taking.result().done()
    assert await hearing == HELLO


async def ordered(
    hand: Hand, lane: str, order: object, *, body: bytes = b"", payload: bytes | None = None
) -> Message:
    """Have a worker do something, as a node does: its claim, which is answered."""
    queue = await hand.broker.work_queue("inference", is_kept=False, max_age_s=60)
    await queue.put(lane, hand.broker.new_inbox(), encode(Ticket(hand.inbox)))
    claim = await hand.next("claim")
    await hand.broker.publish(claim.reply, encode(order, body) if payload is None else payload)
    return claim


HEAR = Recognize(RecognitionOptions(language="en"), CLIP.rate_hz, len(CLIP.pcm))


async def test_a_worker_that_reads_nonsense_says_so_and_goes_on(broker: Broker, worker: OpenWorker) -> None:
    queue = await broker.work_queue("inference", is_kept=False, max_age_s=60)
    async with worker(ScriptedRecognizer(), slots=1), hand(broker) as node:
        for number, nonsense in enumerate(NONSENSE):
            await broker.publish(broker.subject("greeting"), nonsense)
            await queue.put("recognizer.ears", f"nonsense {number}", nonsense)
        await queue.put("recognizer.ears", "no address", encode(Ticket("much-too-long" * 1_000)))
        other_kind, endless = Order(Speak("hello", SynthesisOptions())), Order(HEAR, 10**400)
        for nonsense in (*NONSENSE, encode(other_kind), encode(endless)):
            await ordered(node, "recognizer.ears", None, payload=nonsense)
            failed = await node.next("failed")
            assert head_of(failed)["category"] == "internal"
            await broker.publish(failed.reply, NONSENSE[0])
        claim = await ordered(node, "recognizer.ears", Order(HEAR), body=CLIP.pcm)
        for nonsense in NONSENSE:
            await broker.publish(head_of(claim)["call"], nonsense)
        heard = await node.next("heard")
        assert head_of(heard)["transcript"]["text"] == "hello"
        await broker.publish(heard.reply, encode({"type": "go"}))


async def test_a_clip_that_never_comes_or_is_none_is_a_failure(broker: Broker, worker: OpenWorker) -> None:
    ears = ScriptedRecognizer()
    odd = Recognize(RecognitionOptions(), 16_000, 3)
    endless = Recognize(RecognitionOptions(), 16_000, 2**40)
    async with worker(ears), hand(broker) as node:
        for order, body in ((odd, b"odd"), (endless, b"")):
            await ordered(node, "recognizer.ears", Order(order), body=body)
            assert head_of(await node.next("failed"))["category"] == "internal"
        await ordered(node, "recognizer.ears", Order(HEAR), body=b"")
        more = await node.next("more")
        await broker.publish(more.reply, encode({"type": "piece"}))
        assert head_of(await node.next("failed"))["category"] == "internal"
    assert not ears.calls


async def test_a_worker_gives_up_when_the_time_that_its_node_told_is_over(
    broker: Broker, worker: OpenWorker
) -> None:
    ears = ScriptedRecognizer(HANG)
    async with worker(ears), hand(broker) as node:
        await ordered(node, "recognizer.ears", Order(HEAR, left_ms=100), body=CLIP.pcm)
        failed = head_of(await node.next("failed"))
        assert (failed["category"], failed["message"]) == (ErrorCategory.TIMEOUT, "ears took too long")
    assert ears.calls[0].outcome is Outcome.CANCELLED


async def test_a_node_tells_how_long_it_waits(node: Node) -> None:
    await present(node)
    hearing = asyncio.create_task(hear(node))
    async with hand(node.broker) as worker, claimed(node, worker, "recognizer.ears") as (inbox, order):
        assert 0 < order["left_ms"] <= 60_000
        await worker.ask(inbox, Failed(worker.inbox, ErrorCategory.QUOTA, "no more"))
    with pytest.raises(ProviderError, match="quota: no more"):
        await hearing


@pytest.mark.parametrize("kind", [Kind.RECOGNIZER, Kind.SYNTHESIZER])
async def test_a_worker_stops_within_two_seconds_when_its_node_is_gone(
    broker: Broker, worker: OpenWorker, kind: Kind
) -> None:
    ears, mouth = ScriptedRecognizer(HANG), ScriptedSynthesizer((ramp(0, 100), HANG))
    fake = ears if kind is Kind.RECOGNIZER else mouth
    async with worker(ears, mouth, pace=Pace()):
        async with hand(broker) as node:
            if kind is Kind.RECOGNIZER:
                await ordered(node, lane_of(kind, "ears"), Order(HEAR), body=CLIP.pcm)
            else:
                await ordered(node, lane_of(kind, "mouth"), Order(Speak("hello", SynthesisOptions())))
            await fake.log.wait_for(1)
        async with asyncio.timeout(2):
            await fake.calls[0].ended.wait()


async def test_a_worker_that_is_told_to_stop_does_and_takes_the_next(
    broker: Broker, worker: OpenWorker
) -> None:
    ears = ScriptedRecognizer(HANG, "next")
    async with worker(ears, slots=1), hand(broker) as node:
        claim = await ordered(node, "recognizer.ears", Order(HEAR), body=CLIP.pcm)
        await ears.log.wait_for(1)
        await broker.publish(head_of(claim)["call"], encode(Stop("again")))
        claim = await node.next("claim")
        assert head_of(claim)["delivery"] == 2
        await broker.publish(claim.reply, encode(Order(HEAR), CLIP.pcm))
        heard = await node.next("heard")
        await broker.publish(heard.reply, encode({"type": "go"}))
        assert head_of(heard)["transcript"]["text"] == "next"
    assert ears.calls[0].outcome is Outcome.CANCELLED
