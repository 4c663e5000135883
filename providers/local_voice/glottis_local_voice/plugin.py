"""What Glottis is told when it loads this plugin."""

from collections.abc import Callable

from glottis.plugins import (
    RunsOn,
    SynthesizerCapabilities,
    SynthesizerSpec,
    TrainingBackendSpec,
    TrainingCapabilities,
    hookimpl,
)

from glottis_local_voice.configuration import LocalVoiceConfig
from glottis_local_voice.synthesizer import LocalVoiceSynthesizer
from glottis_local_voice.trainer import LocalVoiceTrainer

GLOTTIS_API_VERSION = 1

_NAME = "local-voice"


@hookimpl
def glottis_register_training_backends(register: Callable[[TrainingBackendSpec], None]) -> None:
    """Offer the training. Which languages it takes hangs on the recognizer and the base voice."""
    register(
        TrainingBackendSpec(
            name=_NAME,
            create=LocalVoiceTrainer,
            config=LocalVoiceConfig,
            capabilities=TrainingCapabilities(
                minimum_samples=3, rate_hz=22_050, resumable=True, max_concurrency=1, runs_on=RunsOn.THREAD
            ),
            peers=("base",),
            description="Turns the voice of another synthesizer into that of the samples, on this machine.",
        )
    )


@hookimpl
def glottis_register_synthesizers(register: Callable[[SynthesizerSpec], None]) -> None:
    """Offer the synthesizer of what was trained."""
    register(
        SynthesizerSpec(
            name=_NAME,
            create=LocalVoiceSynthesizer,
            config=LocalVoiceConfig,
            capabilities=SynthesizerCapabilities(
                streaming=True,
                text_stream=True,
                speed=True,
                runs_on=RunsOn.THREAD,
                expected_latency_s=0.6,
            ),
            peers=("base",),
            description="Speaks with the voices that local-voice has trained.",
        )
    )
