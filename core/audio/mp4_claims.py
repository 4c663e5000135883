"""What an MP4 file claims about itself, checked before anything is set aside for it.

Its tables are run-length coded: a few bytes may claim billions of samples, and FFmpeg makes an index entry
of about 32 bytes for each before it reads any. No sample is smaller than a byte, so a claim of more samples
than the file has bytes is a lie.
"""

import math
import re
import struct
from collections.abc import Iterator

from glottis.core.audio.errors import UndecodableAudio

_TABLES = re.compile(rb"stsz|stz2|stsc|stco|co64|trun|cmov")
_COUNT_OFFSETS = {b"stsz": 12, b"stz2": 12, b"trun": 8}  # from the table's name to its number of samples
_LARGEST_BOX = 2**21  # of those before the media: an hour of AAC has 160 KB of tables
_ENDLESS = 2**62
_DAMAGED = "this begins like MP4 and cannot be read: it is damaged"
_STSC_ENTRY = struct.Struct(">III")  # first chunk, samples per chunk, description


def claims_too_much(data: bytes) -> bool:
    """Tell whether an MP4's tables claim more samples than it can hold, or hide themselves compressed."""
    # The largest chunk stands for all of them: twice too much for any real file at the most.
    claimed, spread = _claims(data)
    return claimed > len(data) or spread > 2 * len(data)


class Mp4Gate:
    """Lets an MP4 pass box by box, each as soon as it is known not to claim too much.

    All but the media itself is held back until the box is whole.
    """

    def __init__(self) -> None:
        self._held = b""
        self._media_left = 0
        self._bytes = 0
        self._claimed = 0.0

    def admit(self, data: bytes) -> bytes:
        """Take what has come and give what may be read.

        Raises:
            UndecodableAudio: a box is larger than any real one, or claims too much.
        """
        self._held += data
        passed = []
        while self._held:
            if not self._media_left:
                self._media_left = self._next_box()
                if not self._media_left:
                    break
            part, self._held = self._held[: self._media_left], self._held[self._media_left :]
            self._media_left -= len(part)
            passed.append(part)
        return b"".join(passed)

    def _next_box(self) -> int:
        """Measure what may pass of the box at the front, which is none of it until it is whole."""
        box = _box_at(self._held, 0)
        if box is None:
            return 0
        name, size = box
        if name != b"mdat":
            if size > _LARGEST_BOX:
                raise UndecodableAudio(_DAMAGED)
            if size > len(self._held):
                return 0
            claimed, spread = _claims(self._held[:size])
            self._claimed += max(claimed, spread / 2)
        self._bytes += size if name != b"mdat" else 0
        if self._claimed > self._bytes:
            raise UndecodableAudio(_DAMAGED)
        return size


def can_be_read_as_it_comes(data: bytes) -> bool | None:
    """Tell whether an MP4's description stands before its media; `None` while that cannot be said."""
    at = 0
    while box := _box_at(data, at):
        name, size = box
        if name == b"mdat" or size > _LARGEST_BOX:
            return False
        if name == b"moov":
            return not claims_too_much(data[at : at + size]) if at + size <= len(data) else None
        at += size
    return None


def _box_at(data: bytes, at: int) -> tuple[bytes, int] | None:
    """Read name and size of a box; `None` while its head is not whole."""
    if len(data) < at + 16:
        return None
    size = _number(data, at)
    if size == 1:
        size = int.from_bytes(data[at + 8 : at + 16], "big")
    if size < 8:  # 0 stands for the rest of the file; anything else is damage
        size = _ENDLESS
    return data[at + 4 : at + 8], size


def _claims(data: bytes) -> tuple[float, float]:
    """Count the samples that the tables claim, and those that their chunks may be spread over."""
    claimed = chunks = largest_chunk = 0
    for name, at in _tables(data):
        if name == b"cmov":
            return math.inf, math.inf
        if name == b"stsc":
            entries = min(_number(data, at + 8), (len(data) - at) // _STSC_ENTRY.size)
            table = data[at + 12 : at + 12 + entries * _STSC_ENTRY.size]
            whole = table[: len(table) - len(table) % _STSC_ENTRY.size]
            largest_chunk = max((largest_chunk, *(entry[1] for entry in _STSC_ENTRY.iter_unpack(whole))))
        elif name in _COUNT_OFFSETS:
            claimed += _number(data, at + _COUNT_OFFSETS[name])
        else:
            chunks = max(chunks, _number(data, at + 8))
    return claimed, chunks * largest_chunk


def _tables(data: bytes) -> Iterator[tuple[bytes, int]]:
    """Find every table that a reader may come to: anywhere but in the media itself, however it is nested."""
    for start, end in _outside_media(data):
        for found in _TABLES.finditer(data, start, end):
            yield found.group(), found.start()


def _outside_media(data: bytes) -> Iterator[tuple[int, int]]:
    at = 0
    while at + 8 <= len(data):
        size, head = _number(data, at), 8
        if size == 1:
            size, head = int.from_bytes(data[at + 8 : at + 16], "big"), 16
        if size < head:  # 0 stands for the rest of the file; anything else is damage, and read as that
            size = len(data) - at
        end = min(at + size, len(data))
        yield at, at + head if data[at + 4 : at + 8] == b"mdat" else end
        at = end


def _number(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 4], "big")
