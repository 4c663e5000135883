"""Turns of a conversation from their beginning to their end."""

import pytest
from glottis.core.store import StoreUnavailable
from glottis.plugins.conformance import ScriptedIntentHandler, ScriptedRecognizer

from .conftest import OpenTalk

pytestmark = pytest.mark.virtual_time


async def test_a_spoken_turn_streams_its_answer(talk_of: OpenTalk) -> None:
    recognizer = ScriptedRecognizer("show the prices")
    handler = ScriptedIntentHandler(replies=["Here they are. Anything else?"])
    async with talk_of(recognizer=recognizer, handler=handler) as talk:
        await talk.utter()
        await talk.quiet()
        assert talk.kinds() == [
            "transcription",
            "thinking",
            "transcription",
            "response",
            "speaking",
            "audio",
            "sentence",
            "frame",
            "sentence",
            "frame",
            "audio_end",
            "metrics",
            "listening",
        ]
        assert talk.all("audio_end")[0].message["duration_ms"] == 200
        assert len(talk.audio(1)) == 2 * 1_600 * 2
        assert talk.line() == [
            ("recognition", "show the prices"),
            ("assistant", "Here they are. Anything else?"),
        ]
        assert "interrupted" not in talk.spoken("assistant")[0]
        (metrics,) = talk.all("metrics")
        (answer,) = [record for record in talk.records if record.type == "assistant"]
        assert set(answer.latencies_ms) == {"final", "reply", "first_audio"}
        assert answer.latencies_ms.items() < metrics.message["latencies_ms"].items()


async def test_the_times_of_a_turn_are_no_reason_to_call_it_failed(talk_of: OpenTalk) -> None:
    async with talk_of(handler=ScriptedIntentHandler(replies=["Here they are."])) as talk:
        talk.conversation.say("show the prices")
        await talk.until("response")
        talk.history.failure = StoreUnavailable("gone")
        await talk.until("metrics")
        await talk.quiet()
        assert talk.kinds().count("audio_end") == 1
        assert "error" not in talk.kinds()
