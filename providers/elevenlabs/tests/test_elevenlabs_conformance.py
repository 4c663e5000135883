import pytest
from glottis.plugins import AudioFrame
from glottis.plugins.conformance import (
    RecognizerConformance,
    SynthesizerConformance,
    TrainingBackendConformance,
)


@pytest.mark.usefixtures("imitation")
class TestElevenLabsSynthesizer(SynthesizerConformance):
    plugin = "elevenlabs"
    options = {"api_key": "sk_conformance"}  # noqa: RUF012  # the kit declares it a ClassVar


@pytest.mark.usefixtures("imitation")
class TestElevenLabsRecognizer(RecognizerConformance):
    plugin = "elevenlabs"
    options = {"api_key": "sk_conformance"}  # noqa: RUF012  # the kit declares it a ClassVar

    @pytest.fixture
    def speech(self, spoken_clip: tuple[bytes, str]) -> tuple[AudioFrame, str, str]:
        pcm, text = spoken_clip
        return AudioFrame(pcm, 16_000), text, "en-US"


@pytest.mark.usefixtures("imitation")
class TestElevenLabsTrainer(TrainingBackendConformance):
    plugin = "elevenlabs"
    options = {"api_key": "sk_conformance"}  # noqa: RUF012  # the kit declares it a ClassVar
