"""What Glottis is told when it loads this plugin."""

from collections.abc import Callable

from glottis.plugins import (
    IntentCapabilities,
    IntentHandlerSpec,
    RecognizerCapabilities,
    RecognizerSpec,
    SynthesizerCapabilities,
    SynthesizerSpec,
    TrainingBackendSpec,
    TrainingCapabilities,
    hookimpl,
)

from glottis_mock.configuration import MockConfig
from glottis_mock.intents import MockIntentHandler
from glottis_mock.recognizer import MockRecognizer
from glottis_mock.synthesizer import GAINS, MockSynthesizer
from glottis_mock.training import MockTrainer

GLOTTIS_API_VERSION = 1


@hookimpl
def glottis_register_recognizers(register: Callable[[RecognizerSpec], None]) -> None:
    """Offer the recognizer."""
    register(
        RecognizerSpec(
            name="mock",
            create=MockRecognizer,
            config=MockConfig,
            capabilities=RecognizerCapabilities(
                rate_hz=16_000, streaming=True, partials=True, word_times=True, expected_latency_s=0.002
            ),
            description="Hears what the mock synthesizer says, and nothing else.",
        )
    )


@hookimpl
def glottis_register_synthesizers(register: Callable[[SynthesizerSpec], None]) -> None:
    """Offer the synthesizer."""
    register(
        SynthesizerSpec(
            name="mock",
            create=MockSynthesizer,
            config=MockConfig,
            capabilities=SynthesizerCapabilities(
                streaming=True,
                text_stream=True,
                emotions=frozenset(GAINS),
                speed=True,
                expected_latency_s=0.002,
            ),
            description="Speaks any language as tones that the mock recognizer hears.",
        )
    )


@hookimpl
def glottis_register_intent_handlers(register: Callable[[IntentHandlerSpec], None]) -> None:
    """Offer the intent handler."""
    register(
        IntentHandlerSpec(
            name="mock",
            create=MockIntentHandler,
            config=MockConfig,
            capabilities=IntentCapabilities(
                intents=("echo", "greeting", "navigate"), expected_latency_s=0.0001
            ),
            description="Navigates to sections that are named, returns greetings and echoes the rest.",
        )
    )


@hookimpl
def glottis_register_training_backends(register: Callable[[TrainingBackendSpec], None]) -> None:
    """Offer the training backend."""
    register(
        TrainingBackendSpec(
            name="mock",
            create=MockTrainer,
            config=MockConfig,
            capabilities=TrainingCapabilities(rate_hz=16_000),
            description="Counts its steps, and makes a voice that the mock synthesizer speaks.",
        )
    )
