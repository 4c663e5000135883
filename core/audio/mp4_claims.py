"""What an MP4 file claims about itself, checked before anything is set aside for it.

Its tables are run-length coded: a few bytes may claim billions of samples, and FFmpeg makes an index entry
of about 32 bytes for each before it reads any. No sample is smaller than a byte, so a claim of more samples
than the file has bytes is a lie.
"""

import re
import struct
from collections.abc import Iterator

_TABLES = re.compile(rb"stsz|stz2|stsc|stco|co64|trun|cmov")
_COUNT_OFFSETS = {b"stsz": 12, b"stz2": 12, b"trun": 8}  # from the table's name to its number of samples
_STSC_ENTRY = struct.Struct(">III")  # first chunk, samples per chunk, description


def claims_too_much(data: bytes) -> bool:
    """Tell whether an MP4's tables claim more samples than it can hold, or hide themselves compressed."""
    claimed = chunks = largest_chunk = 0
    for name, at in _tables(data):
        if name == b"cmov":
            return True
        if name == b"stsc":
            entries = min(_number(data, at + 8), (len(data) - at) // _STSC_ENTRY.size)
            table = data[at + 12 : at + 12 + entries * _STSC_ENTRY.size]
            whole = table[: len(table) - len(table) % _STSC_ENTRY.size]
            largest_chunk = max((largest_chunk, *(entry[1] for entry in _STSC_ENTRY.iter_unpack(whole))))
        elif name in _COUNT_OFFSETS:
            claimed += _number(data, at + _COUNT_OFFSETS[name])
        else:
            chunks = max(chunks, _number(data, at + 8))
    # The largest chunk stands for all of them: twice too much for any real file at the most.
    return claimed > len(data) or chunks * largest_chunk > 2 * len(data)


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
