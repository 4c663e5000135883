"""Answers that are prepared while it is not yet certain that somebody has finished."""

from dataclasses import replace

import pytest
from glottis.core.conversation import AudioMode, Voice
from glottis.plugins import ErrorCategory, IntentCapabilities, Partial, ProviderError, RecognizerCapabilities
from glottis.plugins.conformance import (
    HANG,
    Outcome,
    ScriptedIntentHandler,
    ScriptedRecognizer,
    ScriptedSynthesizer,
    tone,
)

from .conftest import OpenTalk
from .talk import Talk, settle

pytestmark = pytest.mark.virtual_time

SPECULATIVE = IntentCapabilities(speculative=True)
PAUSE_S = 0.4
"""Long enough to be a pause, too short to be the end."""


def mind(*replies: object) -> ScriptedIntentHandler:
    return ScriptedIntentHandler(replies=replies, capabilities=SPECULATIVE)  # type: ignore[arg-type]  # plays


async def pause(talk: Talk) -> None:
    await talk.speak(0.5)
    await talk.be_silent(PAUSE_S)


@pytest.mark.parametrize("mode", ["stream", "url", "none"])
async def test_an_answer_is_ready_when_they_have_finished(talk_of: OpenTalk, mode: str) -> None:
    async with talk_of(handler=mind("Here."), mode=mode) as talk:
        await pause(talk)
        assert len(talk.handler.calls) == 2
        assert len(talk.synthesizer.calls) == (mode != "none")
        assert talk.all("response") == []
        assert talk.records == []
        assert talk.kinds() in ([], ["transcription"])
        await talk.be_silent(0.4)
        await talk.until("response", text="Here.")
        await talk.quiet()
        (metrics,) = talk.all("metrics")
        assert metrics.message["speculated"]
        assert (len(talk.handler.calls), len(talk.synthesizer.calls)) == (2, int(mode != "none"))
        assert talk.line() == [("recognition", "hello"), ("assistant", "Here.")]


@pytest.mark.parametrize("mode", ["stream", "url"])
async def test_who_goes_on_speaking_hears_nothing_of_it(talk_of: OpenTalk, mode: str) -> None:
    recognizer = ScriptedRecognizer("open the", "open the door")
    handler = mind("What?", "It is open.")
    async with talk_of(
        recognizer=recognizer,
        handler=handler,
        synthesizer=ScriptedSynthesizer([tone(), HANG], tone()),
        mode=mode,
        wants_partials=False,
    ) as talk:
        await pause(talk)
        assert talk.still_at_work() == ["synthesize"]
        await talk.speak(0.3)
        assert talk.synthesizer.calls[0].outcome is Outcome.CANCELLED
        await talk.be_silent(0.7)
        await talk.until("response", text="It is open.")
        await talk.quiet()
        assert [call.utterance for call in handler.calls if call.method == "match"] == [
            "open the",
            "open the door",
        ]
        assert len(talk.all("response")) == 1
        assert talk.line() == [("recognition", "open the door"), ("assistant", "It is open.")]


async def test_a_handler_that_may_have_effects_is_not_asked_before_the_end(talk_of: OpenTalk) -> None:
    async with talk_of() as talk:
        await pause(talk)
        assert talk.handler.calls == []
        await talk.speak(0.3)
        await pause(talk)
        assert talk.handler.calls == []
        await talk.be_silent(0.3)
        await talk.until("response", text="hello")
        await talk.quiet()
        assert [call.method for call in talk.handler.calls] == ["match", "respond"]


async def test_nothing_is_prepared_where_that_is_not_wanted(talk_of: OpenTalk) -> None:
    async with talk_of(handler=mind("Here."), listening={"speculation": False}) as talk:
        await pause(talk)
        assert talk.handler.calls == []
        await talk.be_silent(0.4)
        await talk.until("response")
        await talk.quiet()
        assert not talk.all("metrics")[0].message["speculated"]


async def test_an_interruption_drops_what_is_prepared_and_the_words_are_still_answered(
    talk_of: OpenTalk,
) -> None:
    async with talk_of(handler=mind([HANG], "Here.")) as talk:
        await pause(talk)
        assert not talk.conversation.interrupt()
        await settle()
        assert talk.still_at_work() == []
        await talk.be_silent(0.4)
        await talk.until("response", text="Here.")
        await talk.quiet()
        assert len(talk.all("response")) == 1


async def test_who_types_amid_a_pause_is_answered_first(talk_of: OpenTalk) -> None:
    async with talk_of(handler=mind([HANG], "To the typed.", "To the spoken."), mode="none") as talk:
        await pause(talk)
        talk.conversation.say("typed")
        await talk.until("response", turn_id=1, text="To the typed.")
        assert talk.handler.calls[1].outcome is Outcome.CANCELLED
        await talk.be_silent(0.4)
        await talk.until("response", turn_id=2, text="To the spoken.")
        await talk.quiet()


async def test_what_failed_in_preparation_is_tried_again(talk_of: OpenTalk) -> None:
    down = ProviderError(ErrorCategory.UNAVAILABLE, "gone")
    async with talk_of(handler=mind([down], "Here.")) as talk:
        await pause(talk)
        await talk.be_silent(0.4)
        await talk.until("response", text="Here.")
        await talk.quiet()
        assert talk.all("error") == []


async def test_what_was_prepared_for_words_that_were_none_is_dropped(talk_of: OpenTalk) -> None:
    streaming = RecognizerCapabilities(streaming=True, partials=True)
    recognizer = ScriptedRecognizer([Partial("hello", ""), ""], capabilities=streaming)
    async with talk_of(recognizer=recognizer, handler=mind([HANG])) as talk:
        await pause(talk)
        assert talk.still_at_work() == ["open", "respond"]
        await talk.be_silent(0.4)
        await talk.until("transcription", is_final=True, text="")
        await talk.quiet()
        assert talk.still_at_work() == []


async def test_other_wishes_drop_what_was_prepared_by_the_old_ones(talk_of: OpenTalk) -> None:
    async with talk_of(handler=mind([HANG])) as talk:
        await pause(talk)
        manners = talk.conversation.manners
        await talk.conversation.start(manners)
        await settle()
        assert talk.still_at_work() == ["respond"]
        await talk.conversation.start(replace(manners, voice=Voice(mode=AudioMode.NONE)))
        await settle()
        assert talk.still_at_work() == []


async def test_a_conversation_that_ends_amid_a_preparation_leaves_nothing(talk_of: OpenTalk) -> None:
    async with talk_of(handler=mind([HANG])) as talk:
        await pause(talk)
        assert talk.still_at_work() == ["respond"]
    assert talk.still_at_work() == []
    assert talk.records == []


async def test_an_answer_is_prepared_while_the_one_before_can_still_be_heard(
    talk_of: OpenTalk,
) -> None:
    handler = mind("First.", "Second.")
    async with talk_of(handler=handler, synthesizer=ScriptedSynthesizer([tone(5.0)]), mode="url") as talk:
        talk.conversation.say("one")
        await talk.quiet()
        await pause(talk)
        await talk.until("interrupted", turn_id=1, reason="speech")
        assert len(handler.calls) == 4
        await talk.be_silent(0.4)
        await talk.until("response", turn_id=2, text="Second.")
        await talk.quiet()
        assert len(handler.calls) == 4
