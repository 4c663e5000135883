"""Interruptions of a turn, in every state that it can be in."""

import asyncio

import pytest
from glottis.plugins import DialogueContext, Match
from glottis.plugins.conformance import HANG, Outcome, ScriptedIntentHandler, ScriptedRecognizer

from .conftest import OpenTalk
from .states import ANSWER, STATES, State
from .talk import Talk, settle

pytestmark = pytest.mark.virtual_time

SPOKEN_OVER = [state for state in STATES if state.name != "held"]
STREAMED = [
    state for state in STATES if state.name in {"streaming", "held", "between_sentences", "after_audio_end"}
]


def assert_silent(talk: Talk, turn_id: int = 1) -> None:
    """Nothing of a turn may follow once the client was told that it was interrupted."""
    interrupted = talk.all("interrupted", turn_id=turn_id)
    assert len(interrupted) == 1
    assert [one for one in talk.after(interrupted[0]) if one.turn_id == turn_id] == []


async def assert_goes_on(talk: Talk, turn_id: int = 2) -> None:
    """A turn is answered as if nothing had been."""
    talk.conversation.say("again")
    await talk.until("response", turn_id=turn_id)
    await talk.quiet()
    assert talk.all("interrupted", turn_id=turn_id) == []
    assert talk.conversation.outbox.is_idle


@pytest.mark.parametrize("state", STATES, ids=repr)
async def test_a_client_interrupts(talk_of: OpenTalk, state: State) -> None:
    async with talk_of(**state.given()) as talk:
        await state.reach(talk)
        started = asyncio.get_running_loop().time()
        assert talk.conversation.interrupt()
        interrupted = await talk.until("interrupted", turn_id=1, reason="client")
        assert interrupted.at - started < 0.001
        await settle()
        assert talk.still_at_work() == []
        assert bool(interrupted.message["position_ms"]) == state.is_heard
        await talk.be_silent(1)
        assert_silent(talk)
        await talk.quiet()
        assert talk.line()[: len(state.line)] == state.line
        assert len(talk.line()) == len(state.line) + 2 * (state.next_turn - 2)
        await assert_goes_on(talk, state.next_turn)
        assert_silent(talk)


@pytest.mark.parametrize("state", SPOKEN_OVER, ids=repr)
async def test_speech_interrupts(talk_of: OpenTalk, state: State) -> None:
    async with talk_of(**state.given()) as talk:
        await state.reach(talk)
        await talk.speak(0.5)
        paused = await talk.until("paused", turn_id=1)
        interrupted = await talk.until("interrupted", turn_id=1, reason="speech")
        assert interrupted.at - paused.at < 0.2
        await talk.be_silent(1)
        await talk.until("response", turn_id=2)
        await talk.quiet()
        assert_silent(talk)
        assert talk.line()[: len(state.line)] == state.line
        assert talk.line()[len(state.line) :][0] == ("recognition", "hello")
        assert talk.all("resumed_speaking") == []


@pytest.mark.parametrize("state", STREAMED, ids=repr)
async def test_typed_text_interrupts_audio_that_is_streamed(talk_of: OpenTalk, state: State) -> None:
    async with talk_of(**state.given()) as talk:
        await state.reach(talk)
        talk.conversation.say("and now?")
        await talk.until("interrupted", turn_id=1, reason="text")
        await talk.until("response", turn_id=2, text="Second.")
        await talk.quiet()
        assert_silent(talk)
        assert talk.line() == [*state.line, ("user", "and now?"), ("assistant", "Second.")]


@pytest.mark.parametrize("mode", ["stream", "url"])
async def test_typed_text_waits_for_an_answer_that_is_thought_of(talk_of: OpenTalk, mode: str) -> None:
    gate = asyncio.Event()
    handler = ScriptedIntentHandler(replies=[[gate, "First."], "Second."])
    async with talk_of(handler=handler, mode=mode) as talk:
        talk.conversation.say("one")
        await handler.log.wait_for(2)
        talk.conversation.say("two")
        gate.set()
        await talk.until("response", turn_id=2)
        await talk.quiet()
        assert talk.all("interrupted") == [] or mode == "stream"
        assert [one[1] for one in talk.line()] == ["one", "First.", "two", "Second."]


async def test_nothing_is_there_to_interrupt_when_idle(talk_of: OpenTalk) -> None:
    async with talk_of() as talk:
        assert not talk.conversation.interrupt()
        await settle()
        assert talk.sent == []
        await assert_goes_on(talk, 1)
        assert not talk.conversation.interrupt()


async def test_an_interruption_amid_an_utterance_leaves_it_to_be_finished(talk_of: OpenTalk) -> None:
    async with talk_of() as talk:
        await talk.speak(0.4)
        assert not talk.conversation.interrupt()
        await talk.utter(0.2)
        await talk.until("response", turn_id=1, text="hello")
        await talk.quiet()
        assert talk.all("interrupted") == []


async def test_who_types_and_interrupts_at_once_is_not_answered(talk_of: OpenTalk) -> None:
    async with talk_of() as talk:
        talk.conversation.say("hello")
        assert talk.conversation.interrupt()
        await talk.until("interrupted", turn_id=1)
        await talk.quiet()
        assert_silent(talk)
        assert talk.all("response") == []
        assert talk.line() == [("user", "hello")]
        await assert_goes_on(talk)


async def test_a_second_interruption_finds_nothing(talk_of: OpenTalk) -> None:
    async with talk_of(handler=ScriptedIntentHandler(replies=[[HANG]])) as talk:
        talk.conversation.say("hello")
        await talk.handler.log.wait_for(2)
        assert talk.conversation.interrupt()
        assert not talk.conversation.interrupt()
        await talk.quiet()
        assert len(talk.all("interrupted")) == 1


async def test_what_was_asked_is_kept_though_the_history_is_slow(talk_of: OpenTalk) -> None:
    async with talk_of(handler=ScriptedIntentHandler(replies=[ANSWER, "Second."]), mode="none") as talk:
        talk.history.delay_s = 0.2
        talk.conversation.say("hello")
        await asyncio.sleep(0.1)  # both sides are being written
        assert talk.conversation.interrupt()
        await talk.quiet()
        await asyncio.sleep(1)
        assert talk.line() == [("user", "hello"), ("assistant", ANSWER)]
        (answer,) = talk.spoken("assistant")
        assert (answer["interrupted"], answer["heard"]) == (True, "")


async def test_a_turn_that_is_cut_off_is_kept_though_the_conversation_ends_at_once(talk_of: OpenTalk) -> None:
    async with talk_of(handler=ScriptedIntentHandler(replies=[[HANG]])) as talk:
        talk.history.delay_s = 0.2
        talk.conversation.say("hello")
        await talk.handler.log.wait_for(2)
        assert talk.conversation.interrupt()
        await settle()
    assert talk.line() == [("user", "hello")]


async def test_an_answer_that_is_streamed_is_kept_as_it_was_heard(talk_of: OpenTalk) -> None:
    streaming = next(state for state in STATES if state.name == "streaming")
    async with talk_of(**streaming.given()) as talk:
        await streaming.reach(talk)
        talk.conversation.interrupt()
        interrupted = await talk.until("interrupted")
        await talk.quiet()
        (answer,) = talk.spoken("assistant")
        assert 2_100 < interrupted.message["position_ms"] < 2_500
        assert interrupted.message["heard"] == answer["heard"] == "One two"
        assert (answer["text"], answer["interrupted"]) == (ANSWER, True)
        assert answer["heard_ms"] == interrupted.message["position_ms"]
        assert {"reply", "first_audio"} <= set(talk.records[-1].latencies_ms)


async def test_who_is_asked_next_is_told_what_was_heard(talk_of: OpenTalk) -> None:
    streaming = next(state for state in STATES if state.name == "streaming")
    async with talk_of(**streaming.given()) as talk:
        await streaming.reach(talk)
        talk.conversation.interrupt()
        await assert_goes_on(talk)
        remembered = await talk.handler.calls[-1].context.history()
        assert [one.text for one in remembered][:2] == ["hello", "One two"]


async def test_a_provider_that_does_not_let_go_keeps_nobody_waiting_for_long(talk_of: OpenTalk) -> None:
    recognizer = ScriptedRecognizer()
    handler = Stubborn(replies=["First.", "Second."])
    async with talk_of(recognizer=recognizer, handler=handler) as talk:
        talk.conversation.say("one")
        await handler.held.wait()
        talk.conversation.interrupt()
        talk.conversation.say("two")
        response = await talk.until("response", turn_id=2)
        assert response.at - talk.all("interrupted")[0].at < 1.5
        await talk.quiet()
        assert talk.line()[0] == ("user", "one")
        handler.released.set()
        await settle()
    assert Outcome.RUNNING not in {call.outcome for call in handler.calls}


class Stubborn(ScriptedIntentHandler):
    """Takes its time to stop, once."""

    def __init__(self, **script: object) -> None:
        super().__init__(**script)  # type: ignore[arg-type]  # passed on as they are
        self.held, self.released = asyncio.Event(), asyncio.Event()

    async def match(self, utterance: str, context: DialogueContext) -> Match | None:
        if not self.held.is_set():
            self.held.set()
            try:
                await asyncio.Event().wait()
            finally:
                await self.released.wait()
        return await super().match(utterance, context)
