"""Reading containers with FFmpeg, and no more of FFmpeg than that takes."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any, Protocol

import av
import av.error
from av.container import InputContainer
from glottis.core.audio.errors import UndecodableAudio
from glottis.core.audio.formats import Container
from numpy.typing import NDArray

# FFmpeg has decoders for hundreds of codecs, each a surface for an attack; speech is recorded with these.
_CODECS = {
    *("aac", "aac_latm", "alac", "flac", "mp1", "mp1float", "mp2", "mp2float", "mp3", "mp3float"),
    *("opus", "libopus", "vorbis", "libvorbis", "adpcm_ima_wav", "adpcm_ms", "gsm_ms"),
    *("pcm_alaw", "pcm_mulaw", "pcm_u8", "pcm_s8", "pcm_s16le", "pcm_s16be", "pcm_s24le", "pcm_s24be"),
    *("pcm_s32le", "pcm_s32be", "pcm_f32le", "pcm_f32be", "pcm_f64le", "pcm_f64be"),
}
_DEMUXER_OPTIONS = {
    "codec_whitelist": ",".join(sorted(_CODECS)),
    "ignore_editlist": "1",  # an MP4 may ask for every sample again and again, a thousand times
    "max_streams": "64",
}
_NOTHING: Mapping[str, str] = MappingProxyType({})


class Source(Protocol):
    """Where the bytes come from: a file, or a stream without `seek`."""

    def read(self, size: int, /) -> bytes: ...


def open_container(
    source: Source, container: Container, *, options: Mapping[str, str] = _NOTHING
) -> InputContainer:
    """Open what is known to be a container.

    Raises:
        av.error.FFmpegError: it cannot be read.
    """
    # The demuxer is named, so that FFmpeg guesses none: some of those read playlists and other files.
    return av.open(
        source,
        "r",
        format=container.value,
        metadata_errors="ignore",
        options={**_DEMUXER_OPTIONS, **options},
    )


def sound_of(opened: InputContainer, container: Container) -> Iterator[tuple[NDArray[Any], int]]:
    """Decode piece by piece: samples of shape (samples, channels) and of any type, with their rate in Hz.

    Ends where the recording ends, or is cut off.

    Raises:
        UndecodableAudio: there is no sound in it, or none that is accepted.
    """
    stream = opened.streams.best("audio")
    if not isinstance(stream, av.AudioStream):
        raise UndecodableAudio(f"this {container.label} file has no sound in it")
    codec = stream.codec_context  # `None` where FFmpeg knows no decoder
    if codec is None or codec.name not in _CODECS:
        name = codec.name if codec else "unknown"
        raise UndecodableAudio(f"this {container.label} file holds {name} audio, which is not accepted here")
    packets = opened.demux(stream)
    while True:
        try:
            packet = next(packets, None)
        except av.error.FFmpegError:
            return  # the recording was cut off here: what came before counts
        if packet is None:
            return
        try:
            frames = packet.decode()
        except av.error.FFmpegError:
            continue  # a damaged packet costs its own milliseconds
        for frame in frames:
            yield _samples(frame), frame.sample_rate


def damaged(container: Container) -> str:
    """Say that it cannot be read."""
    return f"this begins like {container.label} and cannot be read: it is damaged or cut too short"


def _samples(frame: av.AudioFrame) -> NDArray[Any]:
    samples: NDArray[Any] = frame.to_ndarray()
    if frame.format.is_planar:
        return samples.T
    return samples.reshape(-1, frame.layout.nb_channels)
