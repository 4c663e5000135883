"""Which format these bytes are in, told by the bytes themselves."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

ACCEPTED = "WAV, WebM, Ogg, MP3, FLAC or MP4 audio, or raw 16-bit little-endian PCM"

_TELLING_BYTES = 64  # 2 ms of raw samples at 16 kHz: all the magic numbers are shorter
_HEAD_BYTES = 4096  # as far as anything here looks, past an ID3 tag


class Container(StrEnum):
    """A container that we read; the value is FFmpeg's name of its demuxer."""

    WAV = "wav"
    WEBM = "matroska"
    OGG = "ogg"
    MP3 = "mp3"
    FLAC = "flac"
    MP4 = "mp4"

    @property
    def label(self) -> str:
        return _LABELS[self]


_LABELS = {
    Container.WAV: "WAV",
    Container.WEBM: "WebM",
    Container.OGG: "Ogg",
    Container.MP3: "MP3",
    Container.FLAC: "FLAC",
    Container.MP4: "MP4",
}


@dataclass(frozen=True, slots=True)
class PcmFormat:
    """How raw samples are laid out, when their sender says so.

    `encoding` is always "pcm16": signed 16-bit little-endian, channels interleaved.

    Raises:
        ValueError: a value that raw PCM cannot have.
    """

    encoding: Literal["pcm16"] = "pcm16"
    sample_rate: int = 16_000
    channels: int = 1

    def __post_init__(self) -> None:
        if self.encoding != "pcm16":
            raise ValueError(f'encoding must be "pcm16", not "{self.encoding}"')
        if not MIN_RATE_HZ <= self.sample_rate <= MAX_RATE_HZ:
            raise ValueError(f"sample_rate must be {MIN_RATE_HZ} to {MAX_RATE_HZ}, not {self.sample_rate}")
        if not 1 <= self.channels <= MAX_CHANNELS:
            raise ValueError(f"channels must be 1 to {MAX_CHANNELS}, not {self.channels}")


# A header may claim any rate and any number of channels, and a few bytes of a codec stand for thousands of
# samples of each: these bounds keep `max_s` a bound on memory.
MIN_RATE_HZ = 4_000
MAX_RATE_HZ = 384_000
MAX_CHANNELS = 32

# Four bytes or more, or enough structure, so that raw samples do not look like one of these by chance.
_FOREIGN = (
    (b"\x89PNG\r\n\x1a\n", "a PNG image"),
    (b"\xff\xd8\xff\xe0", "a JPEG image"),
    (b"\xff\xd8\xff\xe1", "a JPEG image"),
    (b"\xff\xd8\xff\xdb", "a JPEG image"),
    (b"\xff\xd8\xff\xee", "a JPEG image"),
    (b"GIF87a", "a GIF image"),
    (b"GIF89a", "a GIF image"),
    (b"II*\x00", "a TIFF image"),
    (b"MM\x00*", "a TIFF image"),
    (b"%PDF-", "a PDF document"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"PK\x05\x06", "a ZIP archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"\xfd7zXZ\x00", "an XZ archive"),
    (b"\x28\xb5\x2f\xfd", "a Zstandard archive"),
    (b"\x1f\x8b\x08\x00", "a gzip archive"),
    (b"\x1f\x8b\x08\x08", "a gzip archive"),
    (b"\x7fELF", "a program"),
    (b"SQLite format 3\x00", "an SQLite database"),
    (b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "Windows Media audio"),
    (b"#!AMR", "AMR audio"),
    (b".snd", "AU audio"),
    (b"caff\x00", "CAF audio"),
    (b"MThd\x00\x00", "a MIDI file"),
    (b"FLV\x01", "an FLV video"),
    (b"\x00\x00\x01\xba", "an MPEG video"),
    (b"wvpk", "WavPack audio"),
    (b"MAC ", "Monkey's Audio"),
    (b"\x1f\x43\xb6\x75", "a part of a WebM stream without its beginning"),
)
_RIFF_KINDS = {b"WEBP": "a WebP image", b"AVI ": "an AVI video"}
_IMAGE_BRANDS = {
    b"avif": "an AVIF image",
    b"heic": "a HEIC image",
    b"heix": "a HEIC image",
    b"mif1": "a HEIC image",
}


_BEGINNINGS = (
    (re.compile(rb"(RIFF|RIFX|RF64)....WAVE", re.DOTALL), Container.WAV),
    (re.compile(rb"\x1a\x45\xdf\xa3"), Container.WEBM),
    (re.compile(rb"OggS"), Container.OGG),
    (re.compile(rb"fLaC"), Container.FLAC),
    (re.compile(rb"....ftyp(?!avif|heic|heix|mif1)", re.DOTALL), Container.MP4),
)


def container_of(data: bytes) -> Container | None:
    """Recognise a container that we read by how it begins; `None` when it is none of them."""
    body = data[_id3_length(data) :][:_HEAD_BYTES]  # some put an MP3's tag before a FLAC stream
    for beginning, container in _BEGINNINGS:
        if beginning.match(body):
            return container
    return Container.MP3 if data[:3] == b"ID3" or _is_mpeg_audio(body) else None


def is_enough_to_tell(data: bytes) -> bool:
    """Tell whether `container_of` would say the same whatever came after these bytes."""
    body = data[_id3_length(data) :]
    if len(body) < _TELLING_BYTES:
        return False
    length = _mpeg_frame_length(body)
    return length is None or len(body) >= length + 4


def begins_anew(data: bytes) -> Container | None:
    """Recognise the beginning of a recording, where it comes after other audio.

    Only what cannot well be the inside of a recording counts: four bytes or more of it. The pages of an Ogg
    stream all look alike, but for a mark on the first.
    """
    for beginning, container in _BEGINNINGS:
        if beginning.match(data):
            is_first = container is not Container.OGG or bool(data[5:6] and data[5] & 2)
            return container if is_first else None
    return None


def foreign_name(data: bytes) -> str | None:
    """Name what the bytes are when they are something known that is not for us: "a PNG image"."""
    for magic, name in _FOREIGN:
        if data.startswith(magic):
            return name
    if data[:4] == b"RIFF" and data[8:12] in _RIFF_KINDS:
        return _RIFF_KINDS[data[8:12]]
    if data[:4] == b"FORM" and data[8:12] in (b"AIFF", b"AIFC"):
        return "AIFF audio"
    if data[4:8] == b"ftyp":
        return _IMAGE_BRANDS.get(data[8:12])
    return None


def text_name(data: bytes) -> str | None:
    """Name the kind of text that the bytes are; `None` when they are no text."""
    head = data[:_HEAD_BYTES]
    encoding = "utf-16" if head[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    text = head.decode(encoding, errors="replace")
    # The last character may be cut, by our own slice or by the sender's.
    visible = text.removesuffix("\ufffd")
    if "\ufffd" in visible or not all(char.isprintable() or char in "\t\r\n\f\x1b" for char in visible):
        return None
    start = visible.lstrip().lower()
    if start.startswith("data:"):
        return 'a "data:" URL (send only what follows its comma)'
    if re.match(r"<!doctype html|<html", start):
        return "an HTML page"
    if start.startswith(("<?xml", "<svg")):
        return "an XML document"
    if start[:1] in ("{", "["):
        return "JSON"
    return "text"


def _id3_length(data: bytes) -> int:
    """Measure the ID3v2 tag at the start: 10 bytes of header and a size of four 7-bit digits."""
    if data[:3] != b"ID3" or len(data) < 10:
        return 0
    size = 0
    for digit in data[6:10]:
        size = size << 7 | digit & 0x7F
    return 10 + size


_MPEG_BITRATES_KBPS = {  # by (MPEG-1?, layer), index 1 to 14; ISO 11172-3 and 13818-3
    (True, 1): (32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (True, 2): (32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 3): (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 1): (32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (False, 2): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, 3): (8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_MPEG_RATES_HZ = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}


def _is_mpeg_audio(data: bytes) -> bool:
    """Tell MPEG audio by two headers in a row: eleven set bits alone are also a quiet sample."""
    length = _mpeg_frame_length(data)
    return length is not None and (len(data) <= length or _mpeg_frame_length(data[length:]) is not None)


def _mpeg_frame_length(data: bytes) -> int | None:
    if len(data) < 4 or data[0] != 0xFF or data[1] & 0xE0 != 0xE0:
        return None
    version, layer = data[1] >> 3 & 3, 4 - (data[1] >> 1 & 3)
    bitrate_index, rate_index, padding = data[2] >> 4, data[2] >> 2 & 3, data[2] >> 1 & 1
    if version == 1 or layer == 4 or bitrate_index in (0, 15) or rate_index == 3 or data[3] & 3 == 2:
        return None
    bitrate = 1000 * _MPEG_BITRATES_KBPS[version == 3, layer][bitrate_index - 1]
    rate_hz = _MPEG_RATES_HZ[version][rate_index]
    if layer == 1:
        return (12 * bitrate // rate_hz + padding) * 4
    samples = 576 if layer == 3 and version != 3 else 1152
    return samples // 8 * bitrate // rate_hz + padding
