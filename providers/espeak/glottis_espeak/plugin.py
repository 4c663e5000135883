"""What the host loads: the synthesizer `espeak`."""

from collections.abc import Callable

from glottis.plugins import ANY, RunsOn, SynthesizerCapabilities, SynthesizerSpec, hookimpl

from glottis_espeak.config import EspeakConfig
from glottis_espeak.prosody import EMOTIONS
from glottis_espeak.synthesizer import EspeakSynthesizer

GLOTTIS_API_VERSION = 1


@hookimpl
def glottis_register_synthesizers(register: Callable[[SynthesizerSpec], None]) -> None:
    register(
        SynthesizerSpec(
            name="espeak",
            create=EspeakSynthesizer,
            config=EspeakConfig,
            # The data says which languages there are: `warmup` replaces ANY by their tags.
            capabilities=SynthesizerCapabilities(
                languages=ANY,
                streaming=True,
                text_stream=True,
                emotions=frozenset(EMOTIONS),
                speed=True,
                runs_on=RunsOn.THREAD,
                expected_latency_s=0.02,
            ),
            description="eSpeak NG: robotic, instant, over a hundred languages",
        )
    )
