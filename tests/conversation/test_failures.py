"""Providers and histories that fail while a conversation goes on."""

import asyncio

import pytest
from glottis.core.errors import TooLarge
from glottis.core.store import StoreUnavailable
from glottis.plugins import ErrorCategory, ProviderError, RecognizerCapabilities
from glottis.plugins.conformance import (
    HANG,
    ScriptedIntentHandler,
    ScriptedRecognizer,
    ScriptedSynthesizer,
    tone,
)

from .conftest import OpenTalk
from .talk import TOML, Talk

pytestmark = pytest.mark.virtual_time

DOWN = ProviderError(ErrorCategory.UNAVAILABLE, "gone")
STREAMING = RecognizerCapabilities(streaming=True, partials=True)


async def assert_well_again(talk: Talk, turn_id: int = 2) -> None:
    talk.conversation.say("again")
    await talk.until("response", turn_id=turn_id)
    await talk.quiet()
    assert talk.kinds()[-1] == "listening"


@pytest.mark.parametrize("mode", ["stream", "url", "none"])
async def test_a_handler_that_fails(talk_of: OpenTalk, mode: str) -> None:
    async with talk_of(handler=ScriptedIntentHandler(replies=[[DOWN], "Well."]), mode=mode) as talk:
        talk.conversation.say("hello")
        await talk.until("error", turn_id=1, code="Unavailable")
        await talk.quiet()
        assert talk.kinds() == ["thinking", "error", "error", "listening"]
        assert talk.line() == [("user", "hello")]
        await assert_well_again(talk)


@pytest.mark.parametrize("mode", ["stream", "url"])
async def test_a_handler_that_breaks_off_amid_its_words(talk_of: OpenTalk, mode: str) -> None:
    gate = asyncio.Event()
    handler = ScriptedIntentHandler(replies=[["One two. ", "Three ", gate, DOWN], "Well."])
    async with talk_of(handler=handler, mode=mode) as talk:
        talk.conversation.say("hello")
        await talk.until("audio", turn_id=1)
        await asyncio.sleep(0.5)
        gate.set()
        await talk.until("error", turn_id=1, code="Unavailable")
        await talk.quiet()
        (answer,) = talk.spoken("assistant")
        assert answer["interrupted"]
        assert answer["heard"] == "One two."
        assert talk.all("response", turn_id=1) == []
        await assert_well_again(talk)


async def test_a_handler_that_stalls(talk_of: OpenTalk) -> None:
    async with talk_of(handler=ScriptedIntentHandler(replies=[[HANG], "Well."])) as talk:
        talk.conversation.say("hello")
        error = await talk.until("error", turn_id=1)
        assert 4.9 < error.at < 5.2
        await talk.quiet()
        await assert_well_again(talk)


@pytest.mark.parametrize("mode", ["stream", "url"])
async def test_a_synthesizer_that_fails_leaves_the_words(talk_of: OpenTalk, mode: str) -> None:
    async with talk_of(synthesizer=ScriptedSynthesizer([DOWN], tone()), mode=mode) as talk:
        talk.conversation.say("hello")
        response = await talk.until("response", turn_id=1, text="hello")
        assert response.message["audio_url"] is None
        await talk.quiet()
        assert talk.all("error") == talk.all("audio") == []
        assert "speaking" not in talk.kinds()
        await assert_well_again(talk)


async def test_a_synthesizer_that_breaks_off_amid_its_words(talk_of: OpenTalk) -> None:
    synthesizer = ScriptedSynthesizer([tone(2.0), DOWN], tone())
    async with talk_of(synthesizer=synthesizer) as talk:
        talk.conversation.say("hello")
        await talk.until("audio_end", turn_id=1)
        await talk.quiet()
        assert talk.all("error") == []
        await assert_well_again(talk)


async def test_a_synthesizer_that_stalls(talk_of: OpenTalk) -> None:
    async with talk_of(synthesizer=ScriptedSynthesizer([HANG], tone())) as talk:
        talk.conversation.say("hello")
        await talk.until("response", turn_id=1)
        await talk.quiet()
        await assert_well_again(talk)


@pytest.mark.parametrize("capabilities", [None, STREAMING], ids=["batch", "streaming"])
@pytest.mark.parametrize("play", [[DOWN], [HANG]], ids=["fails", "stalls"])
async def test_a_recognizer_that_gives_no_final(
    talk_of: OpenTalk, capabilities: RecognizerCapabilities | None, play: list[object]
) -> None:
    recognizer = ScriptedRecognizer(play, capabilities=capabilities)  # type: ignore[arg-type]  # a play
    async with talk_of(recognizer=recognizer) as talk:
        await talk.utter()
        await talk.until("error", turn_id=1)
        await talk.quiet()
        assert talk.records == []
        await assert_well_again(talk)


async def test_there_is_nobody_to_hear(talk_of: OpenTalk) -> None:
    toml = TOML.replace('recognize = ["ear"]\n', "")
    async with talk_of(toml=toml) as talk:
        await talk.utter()
        await talk.until("error", code="Unprocessable")
        await talk.utter()
        await talk.until("error", 2)
        for _ in range(3):
            await talk.utter()
        await assert_well_again(talk, 1)


async def test_a_history_that_cannot_be_written(talk_of: OpenTalk) -> None:
    async with talk_of() as talk:
        talk.history.failure = StoreUnavailable("gone")
        talk.conversation.say("hello")
        await talk.until("error", turn_id=1, code="StoreUnavailable")
        await talk.quiet()
        talk.conversation.navigate("open", {"page": "prices"})
        await talk.until("error", 2)
        talk.history.failure = None
        await assert_well_again(talk)


async def test_turns_beyond_those_that_may_wait_are_refused(talk_of: OpenTalk) -> None:
    handler = ScriptedIntentHandler(replies=[[HANG], "Well."])
    async with talk_of(handler=handler, mode="none") as talk:
        for number in range(9):
            talk.conversation.say(f"turn {number}")
        await handler.log.wait_for(2)
        with pytest.raises(TooLarge):
            talk.conversation.say("one too many")
        talk.conversation.interrupt()
        await talk.quiet()
        said = [text for kind, text in talk.line() if kind == "user"]
        assert said == [f"turn {number}" for number in range(9)]
        assert [one.turn_id for one in talk.all("response")] == list(range(2, 10))


async def test_an_utterance_that_is_refused_lets_its_recognizer_go(talk_of: OpenTalk) -> None:
    recognizer = ScriptedRecognizer("hello", capabilities=STREAMING)
    handler = ScriptedIntentHandler(replies=[[HANG], "Well."])
    async with talk_of(recognizer=recognizer, handler=handler, mode="none") as talk:
        await talk.speak(0.5)
        for number in range(9):
            talk.conversation.say(f"turn {number}")
        await talk.be_silent(0.7)
        await talk.until("error", code="TooLarge")
        assert "open" not in talk.still_at_work()


async def test_an_utterance_that_is_cut_off_before_its_turn_lets_its_recognizer_go(talk_of: OpenTalk) -> None:
    recognizer = ScriptedRecognizer("hello", capabilities=STREAMING)
    async with talk_of(recognizer=recognizer, mode="none") as talk:
        await talk.speak(0.5)
        talk.history.delay_s = 3.0
        talk.conversation.say("one")
        await asyncio.sleep(0.1)
        await talk.be_silent(0.7)
        assert talk.conversation.interrupt()
        assert talk.conversation.interrupt()
        await talk.quiet()
        assert talk.still_at_work() == []
        assert [one.turn_id for one in talk.all("interrupted")] == [1, 2]


async def test_a_conversation_that_ends_gives_what_nobody_has_answered(talk_of: OpenTalk) -> None:
    async with talk_of(handler=ScriptedIntentHandler(replies=[[HANG]]), mode="none") as talk:
        talk.conversation.say("one")
        talk.conversation.say("two")
        unanswered = await talk.conversation.aclose()
        assert [(said.text, said.is_written) for said in unanswered] == [("one", True), ("two", False)]
        assert talk.line() == [("user", "one")]


async def test_a_conversation_may_end_amid_an_utterance(talk_of: OpenTalk) -> None:
    async with talk_of(recognizer=ScriptedRecognizer(capabilities=STREAMING)) as talk:
        await talk.speak(0.5)
        assert talk.still_at_work() == ["open"]
    assert talk.still_at_work() == []
