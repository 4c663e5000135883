"""When an utterance begins and ends, by voice and by the client's word; answers whose words come slowly."""

import asyncio

import pytest
from glottis.core.listening import WINDOW_BYTES
from glottis.plugins.conformance import ScriptedIntentHandler, ScriptedRecognizer, tone

from .conftest import OpenTalk
from .talk import WINDOW_S, Talk

pytestmark = pytest.mark.virtual_time

QUIET = b"\x58\x02\xa8\xfd" * (WINDOW_BYTES // 4)
"""Sound that is no voice to the detector."""


async def mumble(talk: Talk, seconds: float) -> None:
    await talk.speak(seconds, sound=QUIET)


async def test_noise_alone_makes_no_turn(talk_of: OpenTalk) -> None:
    async with talk_of() as talk:
        for _ in range(20):
            await talk.speak(0.064)
            await mumble(talk, 0.3)
        assert talk.sent == []
        assert talk.recognizer.calls == []


@pytest.mark.parametrize("by_voice", [True, False])
async def test_the_end_of_speech_ends_a_turn_at_once(talk_of: OpenTalk, *, by_voice: bool) -> None:
    async with talk_of(by_voice=by_voice) as talk:
        await talk.speak(0.5)
        await talk.conversation.end_of_speech()
        said_at = asyncio.get_running_loop().time()
        final = await talk.until("transcription", is_final=True, text="hello")
        assert final.at - said_at < 0.05
        await talk.quiet()


async def test_a_final_chunk_ends_a_turn_at_once(talk_of: OpenTalk) -> None:
    async with talk_of() as talk:
        await talk.conversation.hear(tone(0.5).pcm, sequence=0)
        await talk.conversation.hear(tone(0.3).pcm, sequence=1, is_final=True)
        await talk.until("response", turn_id=1)
        await talk.quiet()
        heard = talk.recognizer.calls[-1].frames
        assert sum(frame.duration_s for frame in heard) == pytest.approx(0.8, abs=WINDOW_S)


async def test_a_client_that_says_when_words_end_may_pause_for_long(talk_of: OpenTalk) -> None:
    async with talk_of(by_voice=False) as talk:
        await talk.speak(0.5)
        await talk.be_silent(3)
        await talk.speak(0.5)
        await talk.be_silent(1)
        assert talk.all("transcription", is_final=True) == []
        await talk.conversation.end_of_speech()
        await talk.until("response", turn_id=1)
        await talk.quiet()
        heard = talk.recognizer.calls[-1].frames
        assert sum(frame.duration_s for frame in heard) == pytest.approx(5, abs=0.1)


async def test_one_that_never_says_so_is_ended_after_the_longest_turn(talk_of: OpenTalk) -> None:
    async with talk_of(by_voice=False, listening={"longest_turn_s": 5}) as talk:
        for _ in range(4):
            await talk.speak(0.5)
            await talk.be_silent(1)
        await talk.until("response", turn_id=1)
        await talk.quiet()
        heard = talk.recognizer.calls[-1].frames
        assert sum(frame.duration_s for frame in heard) <= 5 + WINDOW_S


@pytest.mark.parametrize("is_extended", [True, False])
async def test_audio_without_voice_is_read_if_its_client_says_that_it_is_said(
    talk_of: OpenTalk, *, is_extended: bool
) -> None:
    async with talk_of(is_extended=is_extended, by_voice=not is_extended) as talk:
        await mumble(talk, 0.5)
        await talk.conversation.end_of_speech()
        await talk.until("response", turn_id=1, text="hello")
        await talk.quiet()


async def test_the_end_of_nothing_is_answered_with_no_words(talk_of: OpenTalk) -> None:
    async with talk_of() as talk:
        await talk.conversation.end_of_speech()
        await talk.until("transcription", is_final=True, text="")
        await talk.quiet()
        assert talk.kinds() == ["transcription", "listening"]


async def test_an_end_that_comes_after_the_voice_has_ended_makes_no_second_turn(talk_of: OpenTalk) -> None:
    async with talk_of() as talk:
        await talk.utter()
        await talk.until("response")
        await talk.conversation.end_of_speech()
        await talk.quiet()
        assert len(talk.all("transcription", is_final=True)) == 1


async def test_a_client_that_has_not_said_start_has_twice_the_time(talk_of: OpenTalk) -> None:
    async with talk_of(is_extended=False) as talk:
        await talk.speak(0.5)
        await talk.be_silent(0.9)
        await talk.speak(0.5)
        await talk.be_silent(1.4)
        await talk.until("response", turn_id=1)
        await talk.quiet()
        assert len(talk.all("transcription", is_final=True)) == 1
        assert not {"paused", "resumed_speaking", "metrics"} & set(talk.kinds())


async def test_what_was_heard_in_the_wrong_order_is_told(talk_of: OpenTalk) -> None:
    async with talk_of() as talk:
        for number in (0, 1, 1, 3, 2, 5):
            await talk.conversation.hear(tone(0.1).pcm, sequence=number)
        await talk.conversation.hear(tone(0.1).pcm, sequence=6, is_final=True)
        await talk.until("response", turn_id=1)
        await talk.quiet()
        codes = [one.message["code"] for one in talk.all("error")]
        assert codes == ["sequence_repeated", "sequence_reordered", "sequence_gap"]
        heard = talk.recognizer.calls[-1].frames
        assert sum(frame.duration_s for frame in heard) == pytest.approx(0.6, abs=WINDOW_S)


async def test_rubbish_is_told_of_once_and_what_follows_is_heard(talk_of: OpenTalk) -> None:
    async with talk_of() as talk:
        talk.conversation.manners = talk.conversation.manners.__class__(is_extended=True)
        for _ in range(3):
            await talk.conversation.hear(b"<html>this is no audio</html>" * 20)
        await talk.conversation.end_of_speech()
        await talk.until("error", code="UnsupportedAudio")
        await asyncio.sleep(0.1)
        assert len(talk.all("error")) == 1


@pytest.mark.parametrize("mode", ["stream", "url"])
async def test_audio_begins_while_the_words_still_come(talk_of: OpenTalk, mode: str) -> None:
    gates = [asyncio.Event() for _ in range(2)]
    handler = ScriptedIntentHandler(
        replies=[["First one. ", "Second ", gates[0], "one. ", gates[1], "Last."]]
    )
    async with talk_of(handler=handler, mode=mode) as talk:
        talk.conversation.say("hello")
        audio = await talk.until("audio", turn_id=1)
        await asyncio.sleep(0.5)
        assert talk.all("response") == []
        gates[0].set()
        await asyncio.sleep(0.5)
        gates[1].set()
        response = await talk.until("response", turn_id=1, text="First one. Second one. Last.")
        await talk.quiet()
        assert response.message["audio_url"] == audio.message.get("audio_url")
        assert len(talk.synthesizer.calls) == 3
        if mode == "stream":
            said = [one.message["text"] for one in talk.all("sentence")]
            assert said == ["First one.", "Second one.", "Last."]
            assert talk.all("audio_end")[0].message["duration_ms"] == 300
        else:
            assert audio.message["text"] == "First one. Second"
            audio_id = response.message["audio_url"].rpartition("/")[2]
            assert talk.spoken("assistant")[0]["audio_id"] == audio_id
            assert (await talk.speaker.fetch(audio_id)).duration_s == pytest.approx(0.3)


async def test_partials_come_while_somebody_speaks(talk_of: OpenTalk) -> None:
    recognizer = ScriptedRecognizer("I would", "I would like", "I would like tea")
    async with talk_of(recognizer=recognizer) as talk:
        await talk.utter(2.0)
        await talk.quiet()
        partials = talk.all("transcription", is_final=False)
        assert len(partials) >= 2
        assert talk.all("transcription", is_final=True)[0].turn_id == 1
        for partial in partials:
            assert partial.message["text"].startswith(partial.message["stable_prefix"])
