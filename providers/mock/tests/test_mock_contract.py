from collections.abc import Mapping
from typing import ClassVar

import pytest
from glottis.plugins import AudioFrame
from glottis.plugins.conformance import (
    IntentHandlerConformance,
    RecognizerConformance,
    SynthesizerConformance,
    TrainingBackendConformance,
)
from glottis_mock.alphabet import packets
from glottis_mock.waveform import sound

TEXT = "Покажи мне, пожалуйста, цены. And then: hello, 你好!"


class TestMockSynthesizer(SynthesizerConformance):
    plugin = "mock"


class TestMockRecognizer(RecognizerConformance):
    plugin = "mock"

    @pytest.fixture
    def speech(self) -> tuple[AudioFrame, str, str]:
        runs = packets(TEXT, most_codes=30)
        pcm = b"".join(sound(codes, pitch="middle", symbol_ms=60, rate_hz=22_050) for codes in runs)
        return AudioFrame(pcm, 22_050), TEXT, "ru-RU"


class TestMockIntentHandler(IntentHandlerConformance):
    plugin = "mock"
    expected: ClassVar[Mapping[str, str]] = {
        "Привет!": "greeting",
        "Покажи цены": "navigate",
        "Show me the prices": "navigate",
    }


class TestMockTrainer(TrainingBackendConformance):
    plugin = "mock"
