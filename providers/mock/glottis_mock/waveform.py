"""Codes to audio."""

from functools import lru_cache

import numpy as np

from glottis_mock.tones import (
    FIRST_HARMONIC,
    PILOT_MS,
    PITCHES,
    PREAMBLE,
    TONES,
    Floats,
    checksum,
    envelope,
    header,
    samples_in,
    tones_of,
)

LEAD_MS, PAUSE_MS = 20, 100

LEVEL = 0.14
"""Of each of the four tones of a symbol; together they stay below full scale."""
HUM = 0.15
"""Of every harmonic of the pitch, as against the four: Opus then hears a voice and spares it at low rates."""


@lru_cache(maxsize=32)
def _tone_table(pitch: str, length: int, rate_hz: int) -> Floats:
    """Sample each tone of a pitch for one symbol, and after them the hum: (tones + 1, length)."""
    numbers = np.arange(1, FIRST_HARMONIC + TONES)
    # Phases after Schroeder (1970), which keep the peak of several harmonics low.
    phases = np.pi * numbers**2 / len(numbers)
    angles = 2 * np.pi * PITCHES[pitch] * numbers[:, None] * np.arange(length) / rate_hz + phases[:, None]
    waves = np.cos(angles) * LEVEL * envelope(length)
    return np.vstack([waves[FIRST_HARMONIC - 1 :], HUM * waves.sum(axis=0)]).astype(np.float32)


def _symbols(codes: bytes, pitch: str, symbol_ms: int, rate_hz: int) -> Floats:
    """Sound a run of symbols of one length; each begins on the sample nearest to its time."""
    length = samples_in(symbol_ms, rate_hz)
    mix = np.zeros((len(codes), TONES + 1), np.float32)
    mix[np.arange(len(codes))[:, None], tones_of(codes)] = 1.0
    mix[:, TONES] = 1.0
    starts = np.round(np.arange(len(codes)) * (symbol_ms * rate_hz / 1000)).astype(np.intp)
    audio = np.zeros(round(len(codes) * symbol_ms * rate_hz / 1000) + 1, np.float32)
    audio[starts[:, None] + np.arange(length)] = mix @ _tone_table(pitch, length, rate_hz)
    return audio[:-1]


def sound(codes: bytes, *, pitch: str, symbol_ms: int, rate_hz: int, gain: float = 1.0) -> bytes:
    """Make the packet of some codes as mono PCM16, with a short pause before and after it."""
    opening = _symbols(PREAMBLE + header(symbol_ms, len(codes)), pitch, PILOT_MS, rate_hz)
    body = _symbols(codes, pitch, symbol_ms, rate_hz)
    closing = _symbols(checksum(codes), pitch, PILOT_MS, rate_hz)
    before = np.zeros(samples_in(LEAD_MS, rate_hz), np.float32)
    after = np.zeros(samples_in(PAUSE_MS, rate_hz), np.float32)
    audio = np.concatenate([before, opening, body, closing, after]) * (32_767 * gain)
    return np.clip(np.round(audio), -32_768, 32_767).astype("<i2").tobytes()
