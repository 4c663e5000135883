"""What Glottis is told when it loads this plugin."""

from collections.abc import Callable

from glottis.plugins import RecognizerCapabilities, RecognizerSpec, RunsOn, hookimpl

from glottis_whisper.configuration import WhisperConfig
from glottis_whisper.languages import CODES, language_tags
from glottis_whisper.recognizer import Whisper

GLOTTIS_API_VERSION = 1


@hookimpl
def glottis_register_recognizers(register: Callable[[RecognizerSpec], None]) -> None:
    """Offer Whisper. An English-only model narrows the languages once its instance knows it."""
    register(
        RecognizerSpec(
            name="whisper",
            create=Whisper,
            config=WhisperConfig,
            capabilities=RecognizerCapabilities(
                languages=language_tags(CODES),
                runs_on=RunsOn.THREAD,
                expected_latency_s=0.5,
                rate_hz=16_000,
                word_times=True,
                alternatives=True,
            ),
            description="Speech recognition in a hundred languages on this machine, by faster-whisper.",
        )
    )
