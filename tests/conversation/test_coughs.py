"""Noises over an answer that are no words: it pauses, and goes on where it was."""

import asyncio
from array import array

import pytest
from glottis.plugins import ErrorCategory, ProviderError
from glottis.plugins.conformance import (
    ScriptedIntentHandler,
    ScriptedRecognizer,
    ScriptedSynthesizer,
    tone,
)

from .conftest import OpenTalk
from .states import LONG, STATES, State
from .talk import Talk

pytestmark = pytest.mark.virtual_time

SPOKEN_OVER = [state for state in STATES if state.name not in {"held", "before_the_final"}]
STREAMING = next(state for state in STATES if state.name == "streaming")


async def cough(talk: Talk) -> None:
    await talk.speak(0.17)
    await talk.be_silent(0.7)


def waves(pcm: bytes) -> bytes:
    """Tell audio by its ups and downs, whatever its loudness."""
    return bytes(sample > 0 for sample in array("h", pcm))


@pytest.mark.parametrize("state", SPOKEN_OVER, ids=repr)
async def test_a_cough_lets_the_answer_go_on(talk_of: OpenTalk, state: State) -> None:
    async with talk_of(**state.given(), recognizer=ScriptedRecognizer("")) as talk:
        await state.reach(talk)
        await cough(talk)
        paused = await talk.until("paused", turn_id=1)
        resumed = await talk.until("resumed_speaking", turn_id=1)
        assert resumed.at > paused.at
        between = talk.sent[talk.sent.index(paused) + 1 : talk.sent.index(resumed)]
        assert [one.kind for one in between if one.turn_id == 1] == []
        assert talk.all("interrupted") == []


async def test_no_audio_is_lost_or_said_twice_by_a_cough(talk_of: OpenTalk) -> None:
    async with talk_of(**STREAMING.given(), recognizer=ScriptedRecognizer("")) as talk:
        await STREAMING.reach(talk)
        await cough(talk)
        await talk.until("resumed_speaking")
        await cough(talk)
        await talk.until("resumed_speaking", 2)
        await talk.quiet()
        is_all_there = waves(talk.audio(1)) == waves(b"".join(frame.pcm for frame in LONG) * 2)
        assert is_all_there
        (end,) = talk.all("audio_end")
        assert end.message["duration_ms"] == 8_000
        assert "interrupted" not in talk.spoken("assistant")[0]
        (paused, paused_again), resumed = talk.all("paused"), talk.all("resumed_speaking")
        pauses = resumed[0].at - paused.at + resumed[1].at - paused_again.at
        began = talk.all("audio")[0].at
        assert end.at - began == pytest.approx(7 + pauses, abs=0.15)


async def test_a_cough_that_nobody_can_read_lets_the_answer_go_on(talk_of: OpenTalk) -> None:
    down = ScriptedRecognizer(ProviderError(ErrorCategory.UNAVAILABLE, "gone"))
    async with talk_of(**STREAMING.given(), recognizer=down) as talk:
        await STREAMING.reach(talk)
        await cough(talk)
        await talk.until("error")
        await talk.until("resumed_speaking", turn_id=1)
        await talk.until("audio_end")


async def test_a_short_word_is_no_cough(talk_of: OpenTalk) -> None:
    async with talk_of(**STREAMING.given(), recognizer=ScriptedRecognizer("stop")) as talk:
        await STREAMING.reach(talk)
        await cough(talk)
        interrupted = await talk.until("interrupted", turn_id=1, reason="speech")
        await talk.until("transcription", is_final=True, text="stop", turn_id=2)
        await talk.until("response", turn_id=2)
        assert [one for one in talk.after(interrupted) if one.turn_id == 1] == []
        await talk.quiet()
        assert [one[1] for one in talk.line()][2:] == ["stop", "Second."]


async def test_an_answer_is_not_let_go_on_into_the_next_words(talk_of: OpenTalk) -> None:
    """A cough is still being read when they begin to speak in earnest."""
    gate = asyncio.Event()
    recognizer = ScriptedRecognizer([gate, ""], "wait a moment")
    async with talk_of(**STREAMING.given(), recognizer=recognizer, wants_partials=False) as talk:
        await STREAMING.reach(talk)
        await cough(talk)
        await talk.speak(0.17)
        gate.set()
        await asyncio.sleep(0.01)
        assert talk.all("resumed_speaking") == []
        await talk.speak(0.3)
        await talk.until("interrupted", turn_id=1, reason="speech")
        await talk.be_silent(0.7)
        await talk.until("response", turn_id=2)
        await talk.quiet()
        assert talk.all("resumed_speaking") == []


async def test_two_utterances_over_an_answer_are_answered_in_their_order(talk_of: OpenTalk) -> None:
    """The first is short, and takes long to be read; the second cuts the answer off meanwhile."""
    gate = asyncio.Event()
    recognizer = ScriptedRecognizer([gate, "first"], "second")
    async with talk_of(**STREAMING.given(), recognizer=recognizer, wants_partials=False) as talk:
        talk.handler.replies = None
        await STREAMING.reach(talk)
        await cough(talk)
        await talk.speak(0.5)
        await talk.until("interrupted", turn_id=1)
        await talk.be_silent(0.7)
        assert talk.all("transcription", is_final=True) == []
        gate.set()
        await talk.until("response", text="second")
        await talk.quiet()
        finals = [one.message["text"] for one in talk.all("transcription", is_final=True)]
        assert finals == ["first", "second"]


async def test_one_who_goes_on_over_an_answer_that_has_not_begun_holds_it(talk_of: OpenTalk) -> None:
    """Both utterances lie in one chunk, as a browser sends them."""
    async with talk_of(recognizer=ScriptedRecognizer("first", "second"), wants_partials=False) as talk:
        words, pause = tone(0.512).pcm, bytes(2 * 16_000 // 1_000 * 704)
        await talk.conversation.hear(words + pause + words)
        await talk.until("paused", turn_id=1)
        await talk.until("interrupted", turn_id=1)
        await talk.be_silent(0.7)
        await talk.until("response", turn_id=2)
        await talk.quiet()
        assert talk.all("response", turn_id=1) == []


async def test_an_answer_that_is_held_goes_on_when_nobody_is_listened_to_any_more(talk_of: OpenTalk) -> None:
    async with talk_of(**STREAMING.given()) as talk:
        await STREAMING.reach(talk)
        await talk.speak(0.17)
        await talk.until("paused")
        await talk.conversation.start(talk.conversation.manners.__class__(is_extended=True))
        await talk.until("resumed_speaking", turn_id=1)
        await talk.until("audio_end", turn_id=1)


async def test_a_cough_where_the_client_says_when_words_end(talk_of: OpenTalk) -> None:
    async with talk_of(**STREAMING.given(), recognizer=ScriptedRecognizer(""), by_voice=False) as talk:
        await STREAMING.reach(talk)
        await cough(talk)
        await talk.until("resumed_speaking", turn_id=1)
        await cough(talk)
        await talk.until("paused", 2, turn_id=1)
        await talk.until("resumed_speaking", 2, turn_id=1)
        await talk.until("audio_end", turn_id=1)


async def test_words_where_the_client_says_when_they_end(talk_of: OpenTalk) -> None:
    async with talk_of(**STREAMING.given(), recognizer=ScriptedRecognizer("stop"), by_voice=False) as talk:
        await STREAMING.reach(talk)
        await cough(talk)
        await talk.until("resumed_speaking", turn_id=1)
        await talk.conversation.end_of_speech()
        await talk.until("interrupted", turn_id=1, reason="speech")
        await talk.until("response", turn_id=2, text="Second.")
        await talk.quiet()


async def test_a_cough_over_an_answer_of_which_all_has_been_played(talk_of: OpenTalk) -> None:
    synthesizer = ScriptedSynthesizer([tone(0.5)])
    async with talk_of(synthesizer=synthesizer, recognizer=ScriptedRecognizer("")) as talk:
        talk.conversation.say("hello")
        await talk.quiet()
        await cough(talk)
        await talk.quiet()
        assert talk.all("paused") == []
        (final,) = talk.all("transcription", is_final=True)
        assert final.message["text"] == ""


async def test_an_answer_is_paused_only_once_while_it_is_thought_of(talk_of: OpenTalk) -> None:
    gate = asyncio.Event()
    handler = ScriptedIntentHandler(replies=[[gate, "First."]])
    async with talk_of(handler=handler, recognizer=ScriptedRecognizer("")) as talk:
        talk.conversation.say("hello")
        await handler.log.wait_for(2)
        await talk.speak(0.17)
        gate.set()
        await asyncio.sleep(0.05)
        held = talk.kinds()
        assert "paused" in held
        assert "response" not in held
        assert "speaking" not in held
        await talk.be_silent(0.7)
        await talk.until("resumed_speaking")
        await talk.until("response", text="First.")
        await talk.quiet()


async def test_a_voice_while_the_answer_before_still_lets_go_holds_the_next(talk_of: OpenTalk) -> None:
    handler = ScriptedIntentHandler(replies=["First. " * 3, "Second.", "Third."])
    recognizer = ScriptedRecognizer("")
    async with talk_of(handler=handler, recognizer=recognizer, mode="none") as talk:
        talk.history.delay_s = 5.0
        talk.conversation.say("one")
        await asyncio.sleep(0.1)
        talk.conversation.interrupt()
        talk.conversation.say("two")
        await talk.speak(0.17)
        await talk.be_silent(0.7)
        await talk.quiet()
        assert talk.all("interrupted", turn_id=2) == []
        assert talk.all("response", turn_id=2) != []


async def test_who_types_while_an_answer_behind_a_url_is_held_ends_it(talk_of: OpenTalk) -> None:
    behind_a_url = next(state for state in STATES if state.name == "behind_a_url")
    async with talk_of(**behind_a_url.given(), recognizer=ScriptedRecognizer("")) as talk:
        await behind_a_url.reach(talk)
        await talk.speak(0.17)
        await talk.until("paused", turn_id=1)
        talk.conversation.say("and now?")
        await talk.until("interrupted", turn_id=1, reason="text")
        await talk.until("response", turn_id=2)
        await talk.be_silent(0.7)
        await talk.quiet()
        assert talk.all("resumed_speaking") == []


async def test_an_answer_that_fails_while_it_is_held_is_held_no_longer(talk_of: OpenTalk) -> None:
    gate = asyncio.Event()
    down = ProviderError(ErrorCategory.UNAVAILABLE, "gone")
    handler = ScriptedIntentHandler(replies=[[gate, down]])
    async with talk_of(handler=handler, recognizer=ScriptedRecognizer("")) as talk:
        talk.conversation.say("hello")
        await handler.log.wait_for(2)
        await talk.speak(0.17)
        await talk.until("paused", turn_id=1)
        gate.set()
        await talk.until("error", turn_id=1)
        assert len(talk.all("resumed_speaking", turn_id=1)) == 1
        await talk.be_silent(0.7)
        await talk.quiet()
        assert len(talk.all("resumed_speaking")) == 1
