"""Conversations of any course at all: whatever a client does and whenever, some things hold."""

import asyncio
from pathlib import Path

import pytest
from glottis.plugins import (
    AudioFrame,
    ErrorCategory,
    IntentCapabilities,
    Partial,
    ProviderError,
    RecognizerCapabilities,
)
from glottis.plugins.conformance import (
    ScriptedIntentHandler,
    ScriptedRecognizer,
    ScriptedSynthesizer,
    tone,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.virtual_time import VirtualTimeLoop

from .talk import Talk, talking

DOWN = ProviderError(ErrorCategory.UNAVAILABLE, "gone")
HEARD = st.lists(
    st.sampled_from([["hello"], [""], [Partial("hel", ""), "hello"], [Partial("no", ""), ""], [DOWN]]),
    min_size=1,
    max_size=6,
)
REPLIES = st.lists(
    st.sampled_from([["Yes."], ["First one. ", "Second one. ", "Third."], [DOWN], ["Half. ", "Of ", DOWN]]),
    min_size=1,
    max_size=6,
)
SOUNDS: dict[str, tuple[AudioFrame | ProviderError, ...]] = {
    "short": (tone(0.1),),
    "long": (tone(1.0),) * 3,
    "broken off": (tone(2.5), DOWN),
    "none": (DOWN,),
}
AUDIO = st.lists(st.sampled_from(sorted(SOUNDS)), min_size=1, max_size=6)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("say"), st.just(0.0)),
        st.tuples(st.just("interrupt"), st.just(0.0)),
        st.tuples(st.just("speak"), st.sampled_from([0.1, 0.17, 0.3, 0.6])),
        st.tuples(st.just("be silent"), st.sampled_from([0.1, 0.3, 0.7])),
        st.tuples(st.just("wait"), st.sampled_from([0.0, 0.001, 0.05, 1.0])),
        st.tuples(st.just("end"), st.just(0.0)),
        st.tuples(st.just("playback"), st.sampled_from([0.0, 300.0, 5_000.0])),
    ),
    max_size=20,
)


async def do(talk: Talk, what: str, amount: float, number: int) -> None:
    conversation = talk.conversation
    match what:
        case "say":
            conversation.say(f"text {number}")
        case "interrupt":
            conversation.interrupt()
        case "speak":
            await talk.speak(amount)
        case "be silent":
            await talk.be_silent(amount)
        case "wait":
            await asyncio.sleep(amount)
        case "end":
            await conversation.end_of_speech()
        case "playback":
            conversation.playback(amount)


def assert_orderly(talk: Talk) -> None:
    over: set[int] = set()
    held: int | None = None
    numbers = [one.message["seq"] for one in talk.sent if one.kind != "frame"]
    assert numbers == sorted(set(numbers))
    for one in talk.sent:
        if one.turn_id is not None:
            assert one.turn_id not in over, f"{one.kind} after the turn was cut off"
        if one.kind == "interrupted":
            over.add(one.turn_id or 0)
            held = None
        elif one.kind == "paused":
            assert held is None
            held = one.turn_id
        elif one.kind == "resumed_speaking":
            assert held == one.turn_id
            held = None
        elif one.kind in {"frame", "response", "audio_end"}:
            assert held != one.turn_id, f"{one.kind} of a turn that is held"
    assert held is None, "an answer is held for ever"


@given(
    steps=STEPS,
    heard=HEARD,
    replies=REPLIES,
    audio=AUDIO,
    mode=st.sampled_from(["stream", "url", "none"]),
    is_streaming=st.booleans(),
    is_speculative=st.booleans(),
    by_voice=st.booleans(),
)
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.slow
def test_a_conversation_takes_any_course(
    tmp_path: Path,
    *,
    steps: list[tuple[str, float]],
    heard: list[object],
    replies: list[object],
    audio: list[str],
    mode: str,
    is_streaming: bool,
    is_speculative: bool,
    by_voice: bool,
) -> None:
    async def course() -> None:
        recognizer = ScriptedRecognizer(
            *heard,  # type: ignore[arg-type]  # plays
            capabilities=RecognizerCapabilities(streaming=is_streaming, partials=is_streaming),
        )
        handler = ScriptedIntentHandler(
            replies=replies,  # type: ignore[arg-type]  # plays
            capabilities=IntentCapabilities(speculative=is_speculative),
        )
        synthesizer = ScriptedSynthesizer(*(SOUNDS[name] for name in audio))
        async with talking(
            tmp_path,
            [],
            recognizer=recognizer,
            handler=handler,
            synthesizer=synthesizer,
            mode=mode,
            by_voice=by_voice,
        ) as talk:
            typed: list[str] = []
            for number, (what, amount) in enumerate(steps):
                if what == "say":
                    if len(typed) == 8:
                        continue
                    typed.append(f"text {number}")
                await do(talk, what, amount, number)
            await talk.be_silent(1)
            await talk.conversation.end_of_speech()
            await talk.quiet()
            await asyncio.sleep(20)
            assert talk.still_at_work() == []
            assert_orderly(talk)
            assert [record.content["text"] for record in talk.records if record.type == "user"] == typed
        await asyncio.sleep(0.01)
        assert asyncio.all_tasks() == {asyncio.current_task()}

    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        runner.run(course())
