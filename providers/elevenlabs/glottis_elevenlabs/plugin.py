"""What the host loads: a synthesizer, a recognizer and a training backend, all called `elevenlabs`."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from glottis.plugins import (
    ProviderContext,
    RecognizerCapabilities,
    RecognizerSpec,
    SynthesizerCapabilities,
    SynthesizerSpec,
    TrainingBackendSpec,
    TrainingCapabilities,
    hookimpl,
)

from glottis_elevenlabs.abilities import FLASH_V2_5
from glottis_elevenlabs.config import ElevenLabsConfig
from glottis_elevenlabs.expression import EMOTIONS

if TYPE_CHECKING:
    from glottis_elevenlabs.recognizer import ElevenLabsRecognizer
    from glottis_elevenlabs.synthesizer import ElevenLabsSynthesizer
    from glottis_elevenlabs.trainer import ElevenLabsTrainer

GLOTTIS_API_VERSION = 1


# httpx is imported with the provider, not with the plugin: who only lists plugins need not wait for it.
def _synthesizer(context: ProviderContext, config: ElevenLabsConfig) -> "ElevenLabsSynthesizer":
    from glottis_elevenlabs.synthesizer import ElevenLabsSynthesizer

    return ElevenLabsSynthesizer(context, config)


def _recognizer(context: ProviderContext, config: ElevenLabsConfig) -> "ElevenLabsRecognizer":
    from glottis_elevenlabs.recognizer import ElevenLabsRecognizer

    return ElevenLabsRecognizer(context, config)


def _trainer(context: ProviderContext, config: ElevenLabsConfig) -> "ElevenLabsTrainer":
    from glottis_elevenlabs.trainer import ElevenLabsTrainer

    return ElevenLabsTrainer(context, config)


@hookimpl
def glottis_register_synthesizers(register: Callable[[SynthesizerSpec], None]) -> None:
    register(
        SynthesizerSpec(
            name="elevenlabs",
            create=_synthesizer,
            config=ElevenLabsConfig,
            capabilities=SynthesizerCapabilities(
                languages=FLASH_V2_5,
                streaming=True,
                text_stream=True,
                emotions=frozenset(EMOTIONS),
                speed=True,
                expected_latency_s=0.3,
            ),
            description="ElevenLabs speech, streamed as it is made",
        )
    )


@hookimpl
def glottis_register_recognizers(register: Callable[[RecognizerSpec], None]) -> None:
    register(
        RecognizerSpec(
            name="elevenlabs",
            create=_recognizer,
            config=ElevenLabsConfig,
            capabilities=RecognizerCapabilities(rate_hz=16_000, word_times=True, expected_latency_s=1.0),
            description="ElevenLabs Scribe",
        )
    )


@hookimpl
def glottis_register_training_backends(register: Callable[[TrainingBackendSpec], None]) -> None:
    register(
        TrainingBackendSpec(
            name="elevenlabs",
            create=_trainer,
            config=ElevenLabsConfig,
            capabilities=TrainingCapabilities(
                languages=FLASH_V2_5,
                minimum_samples=1,
                rate_hz=44_100,
                resumable=True,
                expected_latency_s=30.0,
            ),
            description="ElevenLabs instant voice cloning",
        )
    )
