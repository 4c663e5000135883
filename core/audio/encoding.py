"""Speech as a file or a stream that a browser plays."""

import struct
from collections.abc import Mapping
from types import MappingProxyType
from typing import Protocol

import av
import lameenc
import numpy as np
from glottis.core.audio.errors import AudioError
from glottis.core.audio.resampling import RateMatcher
from glottis.plugins import AudioFrame

CONTENT_TYPES: Mapping[str, str] = MappingProxyType(
    {"mp3": "audio/mpeg", "opus": "audio/ogg", "wav": "audio/wav"}
)
"""Every format that `Encoder` and `encode_clip` make, with its content type."""

_MP3_KBPS = 64
_MP3_RATES_HZ = (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)
_OPUS_BITRATE = 32_000
_OPUS_RATES_HZ = (8_000, 12_000, 16_000, 24_000, 48_000)
_OPUS_EFFORT = "5"  # of 10, at a third of its time: 31 ms for 10 s of speech
_OPUS_PAGE_US = 100_000  # Ogg overhead against how much audio waits in the muxer
_WAV_HEADER_BYTES = 44
_UNKNOWN_LENGTH = 0xFFFF_FFFF


class Codec(Protocol):
    """Samples of one rate in, bytes of a file out."""

    rate_hz: int

    def encode(self, pcm: bytes) -> bytes: ...
    def finish(self) -> bytes: ...


class Encoder:
    """Encodes a stream, frame by frame, as "mp3" (64 kbit/s), "opus" (Ogg) or "wav".

    `rate_hz` is the rate wanted; the stream gets the nearest that the format knows. Frames may come at any
    rate, and may change it between two of them: another voice may take over in mid-reply.
    What `push` and `finish` return, joined, is the file. Blocks the CPU: 2 to 30 ms for 10 s of audio.

    Raises:
        AudioError: there is no such format.
    """

    def __init__(self, format: str, *, rate_hz: int) -> None:  # noqa: A002 - the API's own word for it
        codec = _CODECS.get(format)
        if codec is None:
            raise AudioError(f'the format "{format}" is not known; accepted: {", ".join(CONTENT_TYPES)}')
        self.format = format
        self._codec = codec(rate_hz)
        self._rates = RateMatcher(self._codec.rate_hz)

    @property
    def content_type(self) -> str:
        return CONTENT_TYPES[self.format]

    @property
    def rate_hz(self) -> int:
        """The sample rate of what comes out."""
        return self._codec.rate_hz

    def push(self, frame: AudioFrame) -> bytes:
        """Encode a frame; gives the bytes that are ready, which may be none yet."""
        return self._codec.encode(self._rates.push(frame))

    def finish(self) -> bytes:
        """Give the rest. Nothing may be pushed after it."""
        return self._codec.encode(self._rates.finish()) + self._codec.finish()


def encode_clip(frame: AudioFrame, format: str) -> bytes:  # noqa: A002 - as above
    """Encode a whole clip as "mp3", "opus" or "wav"; unlike a stream's, a WAV header tells the length.

    Raises:
        AudioError: there is no such format.
    """
    if format == "wav":
        return _wav_header(frame.rate_hz, len(frame.pcm)) + frame.pcm
    encoder = Encoder(format, rate_hz=frame.rate_hz)
    return encoder.push(frame) + encoder.finish()


def wav_clip(data: bytes) -> AudioFrame:
    """Give back what `encode_clip` made a WAV of; of no use for other people's."""
    (rate_hz,) = struct.unpack_from("<I", data, 24)
    return AudioFrame(data[_WAV_HEADER_BYTES:], rate_hz)


class _Mp3:
    def __init__(self, rate_hz: int) -> None:
        self.rate_hz = _nearest(rate_hz, _MP3_RATES_HZ)
        self._lame = lameenc.Encoder()
        self._lame.silence()
        self._lame.set_channels(1)
        self._lame.set_bit_rate(_MP3_KBPS)
        self._lame.set_in_sample_rate(self.rate_hz)
        self._lame.set_out_sample_rate(self.rate_hz)
        self._lame.set_quality(5)
        self._has_begun = False

    def encode(self, pcm: bytes) -> bytes:
        if not pcm:
            return b""
        self._has_begun = True
        return bytes(self._lame.encode(pcm))

    def finish(self) -> bytes:
        return bytes(self._lame.flush()) if self._has_begun else b""


class _Opus:
    def __init__(self, rate_hz: int) -> None:
        self.rate_hz = _nearest(rate_hz, _OPUS_RATES_HZ)
        self._out = _Pipe()
        self._container = av.open(self._out, "w", format="ogg", options={"page_duration": str(_OPUS_PAGE_US)})
        self._stream = self._container.add_stream("libopus", rate=self.rate_hz, layout="mono")
        self._stream.bit_rate = _OPUS_BITRATE
        self._stream.codec_context.options = {"compression_level": _OPUS_EFFORT}
        self._samples = 0

    def encode(self, pcm: bytes) -> bytes:
        if pcm:
            samples = np.frombuffer(pcm, "<i2").reshape(1, -1)
            frame = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
            frame.sample_rate = self.rate_hz
            frame.pts = self._samples
            self._samples += samples.shape[1]
            self._container.mux(self._stream.encode(frame))
        return self._out.take()

    def finish(self) -> bytes:
        self._container.mux(self._stream.encode(None))
        self._container.close()
        return self._out.take()


class _Wav:
    def __init__(self, rate_hz: int) -> None:
        self.rate_hz = rate_hz
        self._head = _wav_header(rate_hz, None)

    def encode(self, pcm: bytes) -> bytes:
        head, self._head = self._head, b""
        return head + pcm

    def finish(self) -> bytes:
        return self.encode(b"")


class _Pipe:
    """The muxer's way out: a file that cannot be sought in."""

    def __init__(self) -> None:
        self._pending = bytearray()

    def write(self, data: bytes) -> int:
        self._pending += data
        return len(data)

    def take(self) -> bytes:
        taken, self._pending = bytes(self._pending), bytearray()
        return taken


_CODECS: Mapping[str, type[_Mp3 | _Opus | _Wav]] = MappingProxyType({"mp3": _Mp3, "opus": _Opus, "wav": _Wav})


def _nearest(rate_hz: int, known: tuple[int, ...]) -> int:
    """Choose the least rate that loses nothing, or the highest there is."""
    return min((rate for rate in known if rate >= rate_hz), default=known[-1])


def _wav_header(rate_hz: int, data_bytes: int | None) -> bytes:
    """Write a WAV header; a stream of unknown length claims the most there can be."""
    size = _UNKNOWN_LENGTH if data_bytes is None else data_bytes
    riff = _UNKNOWN_LENGTH if data_bytes is None else 36 + data_bytes
    return struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        b"RIFF",
        riff,
        b"WAVE",
        b"fmt ",
        16,
        1,
        1,
        rate_hz,
        2 * rate_hz,
        2,
        16,
        b"data",
        size,
    )
