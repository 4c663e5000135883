"""What the host loads: the synthesizer `festival`."""

from collections.abc import Callable

from glottis.plugins import RunsOn, SynthesizerCapabilities, SynthesizerSpec, hookimpl

from glottis_festival.config import FestivalConfig
from glottis_festival.synthesizer import FestivalSynthesizer

GLOTTIS_API_VERSION = 1


@hookimpl
def glottis_register_synthesizers(register: Callable[[SynthesizerSpec], None]) -> None:
    register(
        SynthesizerSpec(
            name="festival",
            create=FestivalSynthesizer,
            config=FestivalConfig,
            # Those of Debian's packages: `warmup` says which of them are installed.
            capabilities=SynthesizerCapabilities(
                languages=frozenset({"ru", "en-US"}),
                streaming=True,
                text_stream=True,
                speed=True,
                runs_on=RunsOn.PROCESS,
                expected_latency_s=0.2,
            ),
            description="Festival with the voices of Debian's packages, such as festvox-ru",
        )
    )
