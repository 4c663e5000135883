"""How far an answer has been heard, by the clock and by what the client says."""

import asyncio

import pytest
from glottis.core.conversation.playback import Playback
from glottis.plugins.conformance import ScriptedIntentHandler, ScriptedSynthesizer, tone

from .conftest import OpenTalk
from .states import STATES
from .talk import settle

pytestmark = pytest.mark.virtual_time

STREAMING = next(state for state in STATES if state.name == "streaming")


async def test_a_client_that_lags_behind_is_believed(talk_of: OpenTalk) -> None:
    async with talk_of(**STREAMING.given()) as talk:
        await STREAMING.reach(talk)
        talk.conversation.playback(1_100)
        talk.conversation.interrupt()
        interrupted = await talk.until("interrupted")
        await talk.quiet()
        assert (interrupted.message["position_ms"], interrupted.message["heard"]) == (1_100, "One")
        assert talk.spoken("assistant")[0]["heard_ms"] == 1_100
        assert talk.spoken("assistant")[0]["heard"] == "One"


async def test_a_client_that_reports_once_and_no_more_keeps_nobody_waiting(talk_of: OpenTalk) -> None:
    async with talk_of(synthesizer=ScriptedSynthesizer([tone(0.8)])) as talk:
        talk.conversation.say("hello")
        await talk.until("audio_end")
        talk.conversation.playback(100)
        began = asyncio.get_running_loop().time()
        await talk.quiet()
        assert asyncio.get_running_loop().time() - began < 1
        assert talk.kinds()[-1] == "listening"


async def test_an_answer_can_be_interrupted_for_as_long_as_the_client_lags(talk_of: OpenTalk) -> None:
    async with talk_of(synthesizer=ScriptedSynthesizer([tone(0.8)])) as talk:
        talk.conversation.say("hello")
        await talk.until("audio_end")
        await asyncio.sleep(0.7)
        talk.conversation.playback(100)
        await asyncio.sleep(0.5)
        assert talk.conversation.interrupt()
        await talk.until("interrupted", position_ms=100)
        await talk.quiet()


async def test_a_late_report_does_not_count_for_the_next_answer(talk_of: OpenTalk) -> None:
    async with talk_of(**STREAMING.given()) as talk:
        await STREAMING.reach(talk)
        talk.conversation.say("and now?")
        talk.conversation.playback(2_300)
        await talk.until("response", turn_id=2)
        await settle()
        talk.conversation.interrupt()
        interrupted = await talk.until("interrupted", turn_id=2)
        assert interrupted.message["position_ms"] < 100
        await talk.quiet()


async def test_audio_is_sent_no_further_ahead_than_a_second(talk_of: OpenTalk) -> None:
    async with talk_of(**STREAMING.given()) as talk:
        await STREAMING.reach(talk)
        began = talk.all("audio")[0].at
        sent_s = 0.0
        for one in talk.all("frame"):
            sent_s += len(one.audio) / 32_000
            assert sent_s - (one.at - began) < 1.15


async def test_the_words_of_a_url_that_were_heard_are_known_when_it_is_cut_off(talk_of: OpenTalk) -> None:
    handler = ScriptedIntentHandler(replies=["One two three four."])
    async with talk_of(handler=handler, synthesizer=ScriptedSynthesizer([tone(4.0)]), mode="url") as talk:
        talk.conversation.say("hello")
        await talk.quiet()
        await asyncio.sleep(2.1)
        assert talk.conversation.interrupt()
        interrupted = await talk.until("interrupted", turn_id=1)
        assert interrupted.message["heard"] == "One two"
        await settle()
        assert talk.spoken("assistant")[0]["heard"] == "One two"
        assert not talk.conversation.interrupt()


async def test_a_url_of_which_all_was_played_is_not_interrupted(talk_of: OpenTalk) -> None:
    async with talk_of(synthesizer=ScriptedSynthesizer([tone(1.0)]), mode="url") as talk:
        talk.conversation.say("hello")
        await talk.quiet()
        await asyncio.sleep(1.1)
        assert not talk.conversation.interrupt()
        assert "interrupted" not in talk.spoken("assistant")[0]


def test_a_pause_at_the_first_moment_stops_the_clock() -> None:
    playback = Playback()
    playback.start(0.0)
    playback.begin_sentence("one two")
    playback.add(1_000)
    playback.hold(0.0)
    assert playback.heard_ms(5.0) == 0
    playback.release(5.0)
    assert playback.heard_ms(5.5) == 500
    assert playback.heard_words(5.5) == "one"


def test_a_sentence_that_is_said_again_counts_once() -> None:
    playback = Playback()
    playback.start(0.0)
    playback.begin_sentence("one two")
    playback.add(500)
    playback.begin_sentence("one two", is_repeated=True)
    playback.add(1_000)
    assert playback.sent_words() == "one two"
    assert playback.heard_words(1.0) == "one"
    assert playback.heard_words(2.0) == "one two"
