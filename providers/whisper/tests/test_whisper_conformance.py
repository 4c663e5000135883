from collections.abc import Mapping

import pytest
from glottis.plugins import AudioFrame
from glottis.plugins.conformance import RecognizerConformance


class TestWhisper(RecognizerConformance):
    plugin = "whisper"

    @pytest.fixture
    def speech(self, spoken: Mapping[str, AudioFrame]) -> tuple[AudioFrame, str, str]:
        text, clip = next(iter(spoken.items()))
        return clip, text, "en-US"
