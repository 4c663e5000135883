import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from glottis.plugins import (
    AudioFrame,
    DialogueContext,
    ErrorCategory,
    Match,
    NoConfig,
    Partial,
    ProviderContext,
    ProviderError,
    RecognitionOptions,
    RecognizerCapabilities,
    ReplyPiece,
    ReplyText,
    SynthesisOptions,
    SynthesizerCapabilities,
    Transcript,
    VoiceInfo,
    silence,
)
from glottis.plugins.conformance import (
    HANG,
    Outcome,
    ScriptedIntentHandler,
    ScriptedRecognizer,
    ScriptedSynthesizer,
    tone,
)

CLIP = silence(0.1, rate_hz=16_000)
HEAR = RecognitionOptions(language="en-US")
SPEAK = SynthesisOptions(language="en-US")
CONTEXT = DialogueContext(project="demo")
DOWN = ProviderError(ErrorCategory.UNAVAILABLE, "down")


async def _frames(
    synthesizer: ScriptedSynthesizer, text: str | AsyncIterator[str], options: SynthesisOptions = SPEAK
) -> list[AudioFrame]:
    return [frame async for frame in synthesizer.synthesize(text, options)]


async def test_each_call_takes_the_next_play_and_the_last_one_stays() -> None:
    recognizer = ScriptedRecognizer("one", DOWN, "three")

    heard = [(await recognizer.recognize(CLIP, HEAR)).text]
    with pytest.raises(ProviderError) as failure:
        await recognizer.recognize(CLIP, HEAR)
    heard += [(await recognizer.recognize(CLIP, HEAR)).text for _ in range(2)]

    assert heard == ["one", "three", "three"]
    assert failure.value is DOWN
    assert [call.outcome for call in recognizer.calls] == [
        Outcome.FINISHED,
        Outcome.FAILED,
        Outcome.FINISHED,
        Outcome.FINISHED,
    ]


async def test_an_event_in_a_play_holds_the_call_until_it_is_set() -> None:
    gate = asyncio.Event()
    recognizer = ScriptedRecognizer([gate, "late"])
    call = asyncio.create_task(recognizer.recognize(CLIP, HEAR))

    await recognizer.log.wait_for(1)
    assert recognizer.log.running == 1
    gate.set()

    assert (await call).text == "late"
    assert recognizer.log.running == 0


async def test_a_call_that_hangs_ends_when_it_is_cancelled() -> None:
    recognizer = ScriptedRecognizer(HANG)
    calls = [asyncio.create_task(recognizer.recognize(CLIP, HEAR)) for _ in range(3)]
    await recognizer.log.wait_for(3)

    for call in calls:
        call.cancel()
    for noted in recognizer.calls:
        await noted.ended.wait()

    assert {noted.outcome for noted in recognizer.calls} == {Outcome.CANCELLED}
    assert recognizer.log.most_at_once == 3


async def test_a_script_can_be_replaced_between_calls() -> None:
    recognizer = ScriptedRecognizer(DOWN)
    recognizer.script.replace(["up again"])

    assert (await recognizer.recognize(CLIP, HEAR)).text == "up again"


async def test_a_stream_gives_a_partial_for_each_frame_and_the_transcript_at_the_end() -> None:
    play = (Partial("one"), Partial("one two", "one "), Transcript("one two three", 0.7, "en-US"))
    recognizer = ScriptedRecognizer(play, capabilities=RecognizerCapabilities(streaming=True))
    items: list[Partial | Transcript] = []

    async with recognizer.open(HEAR) as stream:
        reader = aiter(stream)
        for _ in range(2):
            await stream.push(CLIP)
            items.append(await anext(reader))
        await stream.end()
        items += [item async for item in reader]

    assert tuple(items) == play
    assert recognizer.calls[0].frames == [CLIP, CLIP]
    assert recognizer.calls[0].outcome is Outcome.FINISHED


async def test_a_recognizer_that_states_no_streams_refuses_them() -> None:
    with pytest.raises(ProviderError) as failure:
        async with ScriptedRecognizer("one").open(HEAR):
            pass

    assert failure.value.category is ErrorCategory.UNSUPPORTED


async def test_a_synthesizer_acts_its_play_out_for_each_piece_of_a_stream_of_text() -> None:
    async def pieces() -> AsyncIterator[str]:
        yield "One. "
        yield "... "
        yield "Two."

    synthesizer = ScriptedSynthesizer()

    assert await _frames(synthesizer, pieces()) == [tone(), tone()]
    assert synthesizer.calls[0].text == "One. ... Two."


async def test_an_empty_play_is_zero_audio() -> None:
    assert await _frames(ScriptedSynthesizer(()), "One.") == []


async def test_a_synthesizer_can_fail_after_its_first_frame() -> None:
    frames = ScriptedSynthesizer([tone(), DOWN]).synthesize("One.", SPEAK)

    assert await anext(frames) == tone()
    with pytest.raises(ProviderError):
        await anext(frames)


async def test_closing_the_iterator_is_noted_as_cancelled() -> None:
    synthesizer = ScriptedSynthesizer([tone(), HANG])
    frames = synthesizer.synthesize("One.", SPEAK)

    await anext(frames)
    await frames.aclose()

    assert synthesizer.calls[0].outcome is Outcome.CANCELLED


async def test_a_synthesizer_with_voices_refuses_others() -> None:
    synthesizer = ScriptedSynthesizer(voices=[VoiceInfo("anna", "Anna", ("ru",))])

    assert await _frames(synthesizer, "One.", SynthesisOptions(voice="anna"))
    with pytest.raises(ProviderError) as failure:
        await _frames(synthesizer, "One.", SynthesisOptions(voice="boris"))
    assert failure.value.category is ErrorCategory.INVALID_REQUEST


async def test_an_intent_handler_matches_and_answers_as_told() -> None:
    handler = ScriptedIntentHandler(matches=[Match("greeting", 1.0), (None,)], replies=[["Good ", "day"]])

    found = await handler.match("hi", CONTEXT)
    assert found
    pieces: list[ReplyPiece] = [piece async for piece in handler.respond(found, "hi", CONTEXT)]

    assert found.intent == "greeting"
    assert pieces == [ReplyText("Good "), ReplyText("day")]
    assert await handler.match("hm", CONTEXT) is None
    assert [call.method for call in handler.calls] == ["match", "respond", "match"]


async def test_the_life_cycle_can_fail_and_is_counted() -> None:
    recognizer = ScriptedRecognizer()
    recognizer.warming = (DOWN,)
    recognizer.probing = (DOWN,)

    with pytest.raises(ProviderError):
        await recognizer.warmup()
    with pytest.raises(ProviderError):
        await recognizer.health()
    await recognizer.aclose()

    assert (recognizer.warmups, recognizer.probes, recognizer.closes) == (1, 1, 1)


async def test_a_spec_hands_out_the_fake_with_the_context_of_the_engine(tmp_path: Path) -> None:
    stated = SynthesizerCapabilities(languages=frozenset({"ru"}))
    synthesizer = ScriptedSynthesizer(capabilities=stated)
    spec = synthesizer.spec("anna")
    context = ProviderContext("anna-1", tmp_path, spec.capabilities, logging.getLogger(__name__))

    assert spec.create(context, NoConfig()) is synthesizer
    assert synthesizer.context.instance == "anna-1"
    assert (spec.name, spec.capabilities) == ("anna", stated)
