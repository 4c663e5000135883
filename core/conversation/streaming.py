"""Audio of an answer as it goes over the socket: one encoded stream, frame by frame."""

from dataclasses import dataclass
from typing import Any

from glottis.core.audio import CONTENT_TYPES, Encoder
from glottis.core.audio.resampling import RateMatcher
from glottis.plugins import AudioFrame

RAW = "pcm16"
FORMATS = (RAW, *CONTENT_TYPES)


@dataclass(frozen=True, slots=True)
class StreamFormat:
    """What a client plays: `format` is one of `FORMATS`."""

    format: str = RAW
    rate_hz: int = 24_000


class AudioOut:
    """Encodes the frames of one answer, whatever rates they come in. Cheap enough for the event loop."""

    def __init__(self, wanted: StreamFormat) -> None:
        self._format = wanted.format
        if wanted.format == RAW:
            self._rates = RateMatcher(wanted.rate_hz)
            self._encoder, self._rate_hz = None, wanted.rate_hz
        else:
            self._encoder = Encoder(wanted.format, rate_hz=wanted.rate_hz)
            self._rate_hz = self._encoder.rate_hz

    def description(self) -> dict[str, Any]:
        """Tell the client what comes."""
        return {"format": self._format, "sample_rate": self._rate_hz, "channels": 1}

    def encode(self, frame: AudioFrame) -> bytes:
        return self._encoder.push(frame) if self._encoder else self._rates.push(frame)

    def finish(self) -> bytes:
        return self._encoder.finish() if self._encoder else self._rates.finish()
