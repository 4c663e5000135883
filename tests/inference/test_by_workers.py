"""Recognition and synthesis by a worker, while all goes well."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path

import pytest
from glottis.config import Limits, Settings, parse_deployment
from glottis.core.broker import Broker
from glottis.core.inference import InferenceWorker
from glottis.core.metrics import Metrics
from glottis.core.platform import open_engine
from glottis.core.routing import Guard
from glottis.plugins import (
    Alternative,
    AudioFrame,
    ErrorCategory,
    Kind,
    ProviderError,
    RecognitionOptions,
    Recognizer,
    SynthesisOptions,
    Synthesizer,
    Transcript,
    Word,
)
from glottis.plugins.conformance import ScriptedRecognizer, ScriptedSynthesizer, tone

from .conftest import PACE, Node, OpenWorker, ramp

HEARD = Transcript(
    "привет, you\n\u2028",
    0.75,
    "ru",
    (Word("привет", 0.0, 0.5, 0.5), Word("you", 0.5, 1, 1)),
    (Alternative("приветик", 0.25),),
)


async def hear(
    guard: Guard[Recognizer], clip: AudioFrame, options: RecognitionOptions | None = None
) -> Transcript:
    given = options or RecognitionOptions(language="en")
    return await guard.call(lambda provider: provider.recognize(clip, given))


async def say(guard: Guard[Synthesizer], text: str = "hello", **options: str) -> list[AudioFrame]:
    async def speak(provider: Synthesizer) -> list[AudioFrame]:
        given = SynthesisOptions(language="en", **options)  # type: ignore[arg-type]  # texts, all of them
        return [frame async for frame in provider.synthesize(text, given)]

    return await guard.call(speak)


def samples(frames: list[AudioFrame]) -> bytes:
    return b"".join(frame.pcm for frame in frames)


async def test_a_worker_hears_what_the_node_was_given_and_is_answered_as_it_is(
    node: Node, worker: OpenWorker
) -> None:
    ears = ScriptedRecognizer(HEARD)
    options = RecognitionOptions(language="ru-RU", alternatives=2, word_times=True, draft=True)
    async with worker(ears):
        assert await hear(await node.recognizer(), ramp(0, 16_000), options) == HEARD
    (call,) = ears.calls
    assert (call.frames, call.options) == ([ramp(0, 16_000)], options)


async def test_a_worker_speaks_frame_by_frame_as_the_provider_does(node: Node, worker: OpenWorker) -> None:
    frames = (ramp(0, 100), ramp(100, 1), ramp(101, 8_000))
    mouth = ScriptedSynthesizer(frames)
    options = SynthesisOptions(voice="v", language="ru", emotion="happy", speed=1.5, extra={"a": [1, None]})
    async with worker(mouth):
        guard = await node.synthesizer()
        spoken = await guard.call(lambda provider: _all(provider.synthesize("здравствуй\n", options)))
    assert spoken == list(frames)
    assert (mouth.calls[0].text, mouth.calls[0].options) == ("здравствуй\n", options)


async def _all(frames: AsyncIterator[AudioFrame]) -> list[AudioFrame]:
    return [frame async for frame in frames]


async def test_the_mock_provider_says_and_hears_by_a_worker_what_it_does_here(
    node: Node, broker: Broker, tmp_path: Path
) -> None:
    toml = 'enable = ["mock"]\n[routes]\nrecognize = ["mock"]\nsynthesize = ["mock"]'
    deployment = parse_deployment(toml, file="plugins.toml", environment={})
    async with open_engine(Settings(data_dir=tmp_path), deployment, environment={}) as engine:
        ears = engine.routing.instance(Kind.RECOGNIZER, "mock")
        mouth = engine.routing.instance(Kind.SYNTHESIZER, "mock")
        assert ears is not None
        assert mouth is not None
        async with InferenceWorker(broker, engine.routing.guards, Metrics(), pace=PACE).serving():
            far_mouth, far_ears = await node.synthesizer("mock"), await node.recognizer("mock")
            spoken = await say(mouth, "one two three")
            assert samples(await say(far_mouth, "one two three")) == samples(spoken)
            clip = AudioFrame(samples(spoken), spoken[0].rate_hz)
            assert (await hear(ears, clip)).text == "one two three"
            assert await hear(far_ears, clip) == await hear(ears, clip)


async def test_a_clip_larger_than_a_message_arrives_whole(node: Node, worker: OpenWorker) -> None:
    ears = ScriptedRecognizer()
    clip = ramp(0, node.broker.max_payload * 2 + 1)
    async with worker(ears):
        assert (await hear(await node.recognizer(), clip)).text == "hello"
    assert ears.calls[0].frames == [clip]


async def test_a_frame_larger_than_a_message_arrives_whole(node: Node, worker: OpenWorker) -> None:
    frame = ramp(0, node.broker.max_payload + 1, rate_hz=48_000)
    async with worker(ScriptedSynthesizer((frame,))):
        spoken = await say(await node.synthesizer())
    assert samples(spoken) == frame.pcm


async def test_a_text_with_nothing_to_say_gives_no_audio(node: Node, worker: OpenWorker) -> None:
    async with worker(ScriptedSynthesizer()):
        assert await say(await node.synthesizer(), "...") == []


async def test_a_failure_carries_its_category_its_message_and_when_to_come_back(
    node: Node, worker: OpenWorker
) -> None:
    failure = ProviderError(ErrorCategory.QUOTA, "too much of «it»", retry_after_s=7.5)
    async with worker(ScriptedRecognizer(failure), ScriptedSynthesizer((ramp(0, 10), failure))):
        for failing in (hear(await node.recognizer(), tone()), say(await node.synthesizer())):
            with pytest.raises(ProviderError) as raised:
                await failing
            error = raised.value
            assert (error.category, error.public_message, error.retry_after_s) == (
                ErrorCategory.QUOTA,
                "too much of «it»",
                7.5,
            )


async def test_what_is_not_a_provider_error_is_one_when_it_arrives(node: Node, worker: OpenWorker) -> None:
    async with worker(ScriptedRecognizer(ZeroDivisionError("secret"))):
        with pytest.raises(ProviderError, match="internal: ears failed inside"):
            await hear(await node.recognizer(), tone())


async def test_two_workers_share_what_there_is_to_do(node: Node, worker: OpenWorker) -> None:
    gate = asyncio.Event()
    one, two = ScriptedRecognizer((gate, "one")), ScriptedRecognizer((gate, "two"))
    async with worker(one, slots=2), worker(two, slots=2):
        guard = await node.recognizer()
        hearing = [asyncio.create_task(hear(guard, tone())) for _ in range(4)]
        await one.log.wait_for(2)
        await two.log.wait_for(2)
        gate.set()
        assert sorted(heard.text for heard in await asyncio.gather(*hearing)) == ["one", "one", "two", "two"]


async def test_more_calls_than_places_wait_for_their_turn(node: Node, worker: OpenWorker) -> None:
    ears = ScriptedRecognizer()
    async with worker(ears, slots=2):
        guard = await node.recognizer()
        await asyncio.gather(*(hear(guard, tone()) for _ in range(12)))
    assert len(ears.calls) == 12
    assert ears.log.most_at_once <= 2


async def test_a_call_more_than_may_wait_is_refused_at_once_until_there_are_more_places(
    node: Node, worker: OpenWorker
) -> None:
    release = asyncio.Event()
    async with worker(ScriptedRecognizer([release, HEARD]), slots=1):
        guard = await node.recognizer(limits=Limits(max_waiting=1, timeout_s=60))
        calls = [asyncio.create_task(hear(guard, tone())) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(ProviderError, match="ears is busy"):
            await hear(guard, tone())
        assert not guard.has_room
        async with worker(ScriptedRecognizer([HEARD]), slots=2), asyncio.timeout(30):
            while guard.bound != 3:  # noqa: ASYNC110 - nobody tells of what a guard thinks
                await asyncio.sleep(0.01)
            assert await hear(guard, tone())
        release.set()
        await asyncio.gather(*calls)


async def test_a_worker_has_no_more_places_than_its_provider(node: Node, worker: OpenWorker) -> None:
    ears = ScriptedRecognizer()
    async with worker(ears, slots=8, limits=Limits(max_concurrency=1)):
        guard = await node.recognizer()
        await asyncio.gather(*(hear(guard, tone()) for _ in range(6)))
    assert ears.log.most_at_once == 1


async def test_who_takes_audio_slowly_keeps_the_provider_waiting(node: Node, worker: OpenWorker) -> None:
    given, full = 0, asyncio.Event()

    class Talkative(ScriptedSynthesizer):
        async def synthesize(
            self, text: str | AsyncIterator[str], options: SynthesisOptions
        ) -> AsyncGenerator[AudioFrame, None]:
            nonlocal given
            for number in range(100):
                given = number + 1
                if given * 0.1 > PACE.window_s:
                    full.set()
                yield ramp(number * 1_600, 1_600)

    async with worker(Talkative()):
        provider = (await node.synthesizer()).provider
        spoken = []
        frames = provider.synthesize("a long story", SynthesisOptions(language="en"))
        most_s = PACE.window_s + 0.2
        async for frame in frames:
            spoken.append(frame)
            assert (given - len(spoken)) * 0.1 <= most_s
            if len(spoken) == 1:
                await full.wait()
    assert samples(spoken) == ramp(0, 160_000).pcm


async def test_a_request_that_cannot_be_written_down_is_refused(node: Node, worker: OpenWorker) -> None:
    async with worker(ScriptedSynthesizer()):
        guard = await node.synthesizer()
        with pytest.raises(ProviderError, match="invalid_request"):
            await say(guard, "half a \ud800 pair")
        with pytest.raises(ProviderError, match="invalid_request: the text is too long"):
            await say(guard, "long " * node.broker.max_payload)


async def test_text_that_comes_in_pieces_is_spoken_as_one(node: Node, worker: OpenWorker) -> None:
    async def pieces() -> AsyncIterator[str]:
        yield "one "
        yield "two"

    mouth = ScriptedSynthesizer()
    async with worker(mouth):
        provider = (await node.synthesizer()).provider
        assert await _all(provider.synthesize(pieces(), SynthesisOptions(language="en")))
    assert mouth.calls[0].text == "one two"
