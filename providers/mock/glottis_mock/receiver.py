"""Audio to codes, as it comes in."""

from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from glottis_mock.tones import (
    CHECKSUM_CODES,
    GROUPS,
    HEADER_CODES,
    PILOT_MS,
    PITCHES,
    PREAMBLE,
    SHORTEST_MS,
    TONES,
    Floats,
    checksum,
    codes_of,
    envelope,
    frequencies,
    header,
    samples_in,
    tones_of,
)

ALL_PITCHES = tuple(PITCHES)
BLOCKS_IN_PILOT = 5
PREAMBLE_BLOCKS = BLOCKS_IN_PILOT * len(PREAMBLE)
OPENING_BLOCKS = BLOCKS_IN_PILOT * (len(PREAMBLE) + HEADER_CODES) + 8
"""What has to be there before a header is read: the opening of a packet, and some for where it begins."""
LEAST_BLOCKS, MOST_BLOCKS = 10, 256
"""How many places to look at in one go: fewer cost too much for each, more are wasted once one is found."""
MISSING_MS = 10
LOOK_AHEAD = 6
"""Blocks to look at beyond the first that seems to begin a preamble, for the one that does."""
LEAST_LIKENESS = 0.35
"""Share of the energy that must lie in the tones of the preamble."""

_PATTERN = tones_of(PREAMBLE)


def _patterns() -> Floats:
    """Select the tones of each symbol of the preamble: (pitches * tones, symbols * pitches)."""
    selection = np.zeros((len(ALL_PITCHES), TONES, len(PREAMBLE), len(ALL_PITCHES)), np.float32)
    for pitch in range(len(ALL_PITCHES)):
        for symbol, tones in enumerate(_PATTERN):
            selection[pitch, tones, symbol, pitch] = 1.0
    return selection.reshape(len(ALL_PITCHES) * TONES, -1)


_PATTERNS = _patterns()


@dataclass(slots=True)
class Packet:
    """A packet as far as it has been heard; its codes start `starts_at` samples into the audio."""

    pitch: str
    starts_at: float
    rate_hz: int
    symbol_ms: int
    count: int
    codes: bytes = b""
    clarities: list[float] = field(default_factory=list)
    is_over: bool = False
    is_intact: bool = False

    @property
    def starts_s(self) -> float:
        return self.starts_at / self.rate_hz

    @property
    def clarity(self) -> float:
        """How far the tones stood out, 0 to 1; half of that if the checksum was wrong or never came."""
        mean = sum(self.clarities) / max(len(self.clarities), 1)
        return mean if self.is_intact else mean / 2


@lru_cache(maxsize=32)
def _turns(blocks: int, hop: int, rate_hz: int) -> NDArray[np.complex64]:
    """Give the phase of each tone of each pitch at the start of each block: (blocks, pitches * tones)."""
    tones = np.concatenate([frequencies(pitch) for pitch in ALL_PITCHES])
    angles = -2 * np.pi * np.arange(blocks)[:, None] * hop / rate_hz * tones
    turns: NDArray[np.complex64] = np.exp(1j * angles).astype(np.complex64)
    return turns


@lru_cache(maxsize=32)
def _detector(pitch: str, length: int, rate_hz: int) -> Floats:
    """Make the cosines and sines that find the tones of a pitch in one symbol: (length, 2 * tones)."""
    angles = 2 * np.pi * np.arange(length)[:, None] / rate_hz * frequencies(pitch)
    shape = envelope(length)[:, None]
    return np.hstack([np.cos(angles) * shape, np.sin(angles) * shape]).astype(np.float32)


@lru_cache(maxsize=32)
def _block_detector(hop: int, rate_hz: int) -> Floats:
    """Do the same for a block and all pitches, without a shape, so that blocks add up."""
    tones = np.concatenate([frequencies(pitch) for pitch in ALL_PITCHES])
    angles = 2 * np.pi * np.arange(hop)[:, None] / rate_hz * tones
    return np.hstack([np.cos(angles), -np.sin(angles)]).astype(np.float32)


class Receiver:
    """Finds packets in audio that is fed to it in pieces of any length."""

    def __init__(self, rate_hz: int) -> None:
        self.packets: list[Packet] = []
        self._rate_hz = rate_hz
        self._pilot = PILOT_MS * rate_hz / 1000
        self._hop = samples_in(PILOT_MS, rate_hz) // BLOCKS_IN_PILOT
        self._audio = np.zeros(0, np.float32)
        self._dropped = 0
        self._at = 0

    @property
    def count(self) -> int:
        """How many codes have been read."""
        return sum(len(packet.codes) for packet in self.packets)

    def feed(self, pcm: bytes) -> None:
        """Take mono PCM16."""
        self._audio = np.concatenate([self._audio, np.frombuffer(pcm, "<i2").astype(np.float32)])
        while self._read(self.packets[-1]) if self._is_in_packet() else self._search():
            pass
        keep_from = max(self._at - 2 * self._hop - self._dropped, 0)
        self._audio = self._audio[keep_from:]
        self._dropped += keep_from

    def finish(self) -> None:
        """Say that the audio is over, and may have ended a moment too early."""
        self.feed(bytes(2 * samples_in(MISSING_MS, self._rate_hz)))

    def _is_in_packet(self) -> bool:
        return bool(self.packets) and not self.packets[-1].is_over

    def _ahead(self, position: float) -> int:
        """Count the samples there are from a position on."""
        return self._dropped + len(self._audio) - int(position)

    def _search(self) -> bool:
        """Look on for a preamble; say whether to go on after this, for there is audio left to look at."""
        blocks = self._ahead(self._at) // self._hop
        count = min(blocks - PREAMBLE_BLOCKS + 1, MOST_BLOCKS)
        if count < LEAST_BLOCKS:
            return False
        likeness = self._likeness(count)
        likely = np.flatnonzero(likeness.max(axis=1) > LEAST_LIKENESS)
        if not likely.size:
            self._at += count * self._hop
            return True
        first = int(likely[0])
        if first + LOOK_AHEAD > count:
            self._at += first * self._hop
            return blocks - first >= OPENING_BLOCKS
        if blocks - first < OPENING_BLOCKS:
            return False
        near = likeness[first : first + LOOK_AHEAD]
        block, pitch = np.unravel_index(near.argmax(), near.shape)
        self._open_packet(ALL_PITCHES[pitch], self._at + (first + int(block)) * self._hop)
        if not self._is_in_packet():
            self._at += (first + LOOK_AHEAD // 2) * self._hop
        return True

    def _likeness(self, count: int) -> Floats:
        """Compare with the preamble of each pitch at the next blocks: (count, pitches), each 0 to 1."""
        hop, start = self._hop, self._at - self._dropped
        total = count + PREAMBLE_BLOCKS - 1
        blocks = self._audio[start : start + total * hop].reshape(total, hop)
        projected = blocks @ _block_detector(hop, self._rate_hz)
        half = projected.shape[1] // 2
        tones = (projected[:, :half] + 1j * projected[:, half:]) * _turns(total, hop, self._rate_hz)
        windows = total - BLOCKS_IN_PILOT + 1
        found = sum(tones[k : k + windows] for k in range(BLOCKS_IN_PILOT))
        energies = np.einsum("ij,ij->i", blocks, blocks)
        energy = sum(energies[k : k + windows] for k in range(BLOCKS_IN_PILOT)) + BLOCKS_IN_PILOT * hop
        scale = 2 / (BLOCKS_IN_PILOT * hop) / energy
        shares = (found.real**2 + found.imag**2) * scale[:, None]
        in_pattern = (shares @ _PATTERNS).reshape(windows, len(PREAMBLE), len(ALL_PITCHES))
        steps = range(len(PREAMBLE))
        likeness: Floats = sum(in_pattern[k * BLOCKS_IN_PILOT :][:count, k] for k in steps) / len(PREAMBLE)
        return likeness

    def _open_packet(self, pitch: str, roughly: int) -> None:
        """Find where exactly the preamble begins and read the header; a wrong one opens no packet."""
        at = self._exactly(pitch, roughly)
        codes, _ = self._codes(pitch, at + self._pilot * len(PREAMBLE), HEADER_CODES, PILOT_MS)
        symbol_ms, count, _ = codes
        if symbol_ms >= SHORTEST_MS and count and codes == header(symbol_ms, count):
            starts_at = at + self._pilot * (len(PREAMBLE) + HEADER_CODES)
            self.packets.append(Packet(pitch, starts_at, self._rate_hz, symbol_ms, count))
            self._at = int(starts_at)

    def _exactly(self, pitch: str, roughly: int) -> int:
        step = max(self._rate_hz // 2000, 1)
        first = max(roughly - self._hop, self._dropped)
        candidates = np.arange(first, roughly + self._hop, step)
        steps = np.round(self._pilot * np.arange(len(PREAMBLE))).astype(np.intp)
        powers = self._powers(pitch, (candidates[:, None] + steps).ravel(), PILOT_MS)
        in_pattern = powers.reshape(len(candidates), len(PREAMBLE), TONES)[
            :, np.arange(len(PREAMBLE))[:, None], _PATTERN
        ]
        return int(candidates[in_pattern.sum(axis=(1, 2)).argmax()])

    def _read(self, packet: Packet) -> bool:
        """Read the codes that the audio suffices for; say whether that closed the packet."""
        symbol = packet.symbol_ms * self._rate_hz / 1000
        done = len(packet.codes)
        count = min(int(self._ahead(packet.starts_at) / symbol), packet.count) - done
        if count > 0:
            codes, clarities = self._codes(
                packet.pitch, packet.starts_at + done * symbol, count, packet.symbol_ms
            )
            packet.codes += codes
            packet.clarities += clarities
            self._at = int(packet.starts_at + len(packet.codes) * symbol)
        ends_at = packet.starts_at + packet.count * symbol
        closing = self._pilot * CHECKSUM_CODES
        if len(packet.codes) < packet.count or self._ahead(ends_at) < closing:
            return False
        told, _ = self._codes(packet.pitch, ends_at, CHECKSUM_CODES, PILOT_MS)
        packet.is_over, packet.is_intact = True, told == checksum(packet.codes)
        self._at = int(ends_at + closing)
        return True

    def _codes(self, pitch: str, at: float, count: int, symbol_ms: int) -> tuple[bytes, list[float]]:
        """Read `count` symbols from a position on, and how clear each was."""
        starts = np.round(at + np.arange(count) * (symbol_ms * self._rate_hz / 1000)).astype(np.intp)
        powers = self._powers(pitch, starts, symbol_ms).reshape(count, GROUPS, -1)
        digits = powers.argmax(axis=2)
        clear = powers.max(axis=2) / (powers.sum(axis=2) + 1.0)
        return codes_of(digits), [float(value) for value in clear.mean(axis=1)]

    def _powers(self, pitch: str, starts: NDArray[np.intp], symbol_ms: int) -> Floats:
        """Measure the tones of a pitch in symbols: (starts, tones)."""
        length = samples_in(symbol_ms, self._rate_hz)
        windows = sliding_window_view(self._audio, length)[starts - self._dropped]
        projected = windows @ _detector(pitch, length, self._rate_hz)
        powers: Floats = projected[:, :TONES] ** 2 + projected[:, TONES:] ** 2
        return powers
