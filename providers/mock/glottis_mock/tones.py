"""The tone code, as both sides know it.

A symbol is one byte: four digits of two bits, each of which picks one of four harmonics of a pitch, so that a
symbol sounds somewhat like a sung vowel. A packet is

    preamble (4 symbols) | symbol length in ms, number of codes, check | codes | checksum (2 symbols)

where all but the codes themselves are pilot symbols, of a fixed length.
"""

from functools import lru_cache
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

PITCHES = {"low": 100.0, "middle": 150.0, "high": 180.0}
"""Fundamental frequencies, in Hz. The highest tone is the 18th harmonic: within the band of a telephone."""

FIRST_HARMONIC = 3
GROUPS = 4
TONES = 4 * GROUPS

PILOT_MS = 40
SHORTEST_MS, LONGEST_MS = 16, 255
"""Of a code's symbol. A shorter one would hold less than two periods of the lowest pitch."""

PREAMBLE = bytes((0b00_11_01_10, 0b11_00_10_01, 0b01_10_11_00, 0b10_01_00_11))
"""In each group all four tones in turn, so that it is like itself at no other place."""
HEADER_CODES = 3
CHECKSUM_CODES = 2

_SHIFTS = np.array((6, 4, 2, 0))


def tones_of(codes: bytes) -> NDArray[np.intp]:
    """Give the four tones of each code, as an array of (codes, 4)."""
    digits = (np.frombuffer(codes, np.uint8)[:, None] >> _SHIFTS) & 3
    tones: NDArray[np.intp] = (digits + 4 * np.arange(GROUPS)).astype(np.intp)
    return tones


def codes_of(digits: NDArray[np.intp]) -> bytes:
    """Put the digits of codes, an array of (codes, 4), together."""
    return bytes((digits << _SHIFTS).sum(axis=1).astype(np.uint8))


def header(symbol_ms: int, count: int) -> bytes:
    """Make the header of a packet; the last code checks the others."""
    told = bytes((symbol_ms, count))
    return told + bytes((crc32(told) & 0xFF,))


def checksum(codes: bytes) -> bytes:
    return (crc32(codes) & 0xFFFF).to_bytes(CHECKSUM_CODES, "big")


def samples_in(duration_ms: float, rate_hz: int) -> int:
    return int(duration_ms * rate_hz / 1000)


@lru_cache(maxsize=32)
def envelope(length: int) -> Floats:
    """Shape a symbol of `length` samples: it swells and fades over a sixth of its length at each end."""
    ramp = length // 6
    edge = 0.5 - 0.5 * np.cos(np.pi * (np.arange(ramp) + 0.5) / max(ramp, 1))
    shape = np.ones(length)
    shape[:ramp], shape[length - ramp :] = edge, edge[::-1]
    return shape.astype(np.float32)


@lru_cache(maxsize=32)
def frequencies(pitch: str) -> NDArray[np.float64]:
    return (PITCHES[pitch] * (FIRST_HARMONIC + np.arange(TONES))).astype(np.float64)
