"""What Glottis is told when it loads this plugin."""

from collections.abc import Callable

from glottis.plugins import RunsOn, SynthesizerCapabilities, SynthesizerSpec, hookimpl

from glottis_piper.configuration import PiperConfig
from glottis_piper.synthesizer import Piper

GLOTTIS_API_VERSION = 1


@hookimpl
def glottis_register_synthesizers(register: Callable[[SynthesizerSpec], None]) -> None:
    """Offer Piper. Which languages it speaks hangs on the voices: the provider states them once loaded."""
    register(
        SynthesizerSpec(
            name="piper",
            create=Piper,
            config=PiperConfig,
            capabilities=SynthesizerCapabilities(
                runs_on=RunsOn.THREAD,
                expected_latency_s=0.15,
                streaming=True,
                text_stream=True,
                speed=True,
            ),
            description="Quick neural voices on the CPU, sentence by sentence, from .onnx files.",
        )
    )
