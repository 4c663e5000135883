"""Turns of a conversation from their beginning to their end."""

import pytest
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
