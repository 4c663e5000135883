"""The head of a WAV stream, read as soon as it is there: FFmpeg wants the first two seconds as well."""

import struct
from dataclasses import dataclass

from glottis.core.audio.errors import UndecodableAudio
from glottis.core.audio.formats import PcmFormat

_PCM, _EXTENSIBLE = 1, 0xFFFE
_ENDLESS = (0, 0xFFFF_FFFF)  # what is written where the length is not known yet
_LONGEST_HEAD = 2**20


@dataclass(frozen=True, slots=True)
class WavHeader:
    """Where the samples are, `data_at` bytes from the start, and how they are laid out.

    `pcm` is `None` if they are not 16-bit little-endian samples; `data_bytes` is `None` if nobody knew.
    """

    pcm: PcmFormat | None
    data_at: int
    data_bytes: int | None


def wav_header(data: bytes) -> WavHeader | None:
    """Read what begins like a WAV file; `None` when the samples have not begun yet.

    Raises:
        UndecodableAudio: it is damaged.
    """
    if data[:4] != b"RIFF":
        return WavHeader(None, 0, None)
    pcm, at, has_format = None, 12, False
    while at + 8 <= len(data):
        name, size = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        if name == b"data":
            if not has_format:
                break
            return WavHeader(pcm, at + 8, None if size in _ENDLESS else size)
        if name == b"fmt ":
            if len(data) < at + 8 + min(size, 40):
                return None
            pcm, has_format = _pcm_format(data[at + 8 : at + 8 + size]), True
        at += 8 + size + size % 2
    if at > _LONGEST_HEAD or at + 8 <= len(data):
        raise UndecodableAudio("this begins like WAV and cannot be read: it is damaged")
    return None


def _pcm_format(fields: bytes) -> PcmFormat | None:
    if len(fields) < 16:
        return None
    tag, channels, rate_hz, _, block, bits = struct.unpack_from("<HHIIHH", fields)
    if tag == _EXTENSIBLE and len(fields) >= 26:
        tag = int.from_bytes(fields[24:26], "little")
    if tag != _PCM or bits != 16 or block != 2 * channels:
        return None
    try:
        return PcmFormat(sample_rate=rate_hz, channels=channels)
    except ValueError as error:
        raise UndecodableAudio(str(error)) from None
