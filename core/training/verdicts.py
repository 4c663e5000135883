"""Whether a recording is good enough to train with, and what is wrong with it if not."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from glottis.core.audio import decode_file, media_type_of, resample
from glottis.core.listening import VoiceActivity
from glottis.core.listening.windows import WINDOW_SAMPLES
from glottis.core.store import Words
from glottis.core.training.phrases import words
from glottis.plugins import AudioFrame
from numpy.typing import NDArray

SHORTEST_S = 1.0
LEAST_SPEECH = 0.3
MOST_CLIPPED = 0.001
LEAST_NOISE_DB = 10.0

_RATE_HZ = 16_000
_VOICED = 0.5
_FULL = 32_700  # a converter that is overdriven stays within a few steps of the end of its scale
_LONGEST_RUN = 3  # so many samples at full scale in a row are no peak
_FLOOR_POWER = 1e-9
_PIECE_BYTES = 65_536


@dataclass(frozen=True, slots=True)
class Examined:
    """A recording and what was measured of it."""

    clip: AudioFrame
    content_type: str
    speech_share: float
    clipped_share: float
    noise_db: float | None
    problems: tuple[Words, ...]


async def examine(path: Path, voice_activity: VoiceActivity, *, max_s: float) -> Examined:
    """Measure a recording.

    Raises:
        UndecodableAudio: it is no audio that is accepted.
        AudioTooLong: it lasts longer than `max_s` seconds.
    """
    content_type, clip, clipped = await asyncio.to_thread(_decoded, path, max_s)
    heard = await asyncio.to_thread(resample, clip, rate_hz=_RATE_HZ)
    stream = voice_activity.open()
    voiced: list[float] = []
    for start in range(0, len(heard.pcm), _PIECE_BYTES):
        voiced += await stream.probabilities(heard.pcm[start : start + _PIECE_BYTES])
    is_speech = np.array(voiced) >= _VOICED
    share = float(is_speech.mean()) if len(voiced) else 0.0
    noise_db = await asyncio.to_thread(_noise_db, heard, is_speech)
    return Examined(
        clip, content_type, share, clipped, noise_db, _problems(clip.duration_s, share, clipped, noise_db)
    )


def _decoded(path: Path, max_s: float) -> tuple[str, AudioFrame, float]:
    content_type = media_type_of(path)
    clip = decode_file(path, max_s=max_s)
    return content_type, clip, _clipped_share(np.frombuffer(clip.pcm, "<i2"))


def _clipped_share(samples: NDArray[np.int16]) -> float:
    """Count the samples that stay at full scale for a while."""
    is_full = (samples >= _FULL) | (samples <= -_FULL)
    edges = np.flatnonzero(np.diff(np.concatenate(([0], is_full.astype(np.int8), [0]))))
    lengths = edges[1::2] - edges[::2]
    return float(lengths[lengths >= _LONGEST_RUN].sum() / max(len(samples), 1))


def _noise_db(clip: AudioFrame, is_speech: NDArray[np.bool_]) -> float | None:
    """Compare the power of speech with that of the rest; None where one of them is not there."""
    samples = np.frombuffer(clip.pcm, "<i2")[: len(is_speech) * WINDOW_SAMPLES].astype(np.float32) / 32_768
    powers = (samples.reshape(-1, WINDOW_SAMPLES) ** 2).mean(axis=1) if len(samples) else samples
    if not is_speech.any() or is_speech.all():
        return None
    # What is next to speech may be its own beginning or end: the quieter half is what is around it.
    around = float(np.median(powers[~is_speech])) + _FLOOR_POWER
    return float(10 * np.log10((float(powers[is_speech].mean()) + _FLOOR_POWER) / around))


def _problems(
    duration_s: float, speech_share: float, clipped_share: float, noise_db: float | None
) -> tuple[Words, ...]:
    problems: list[Words] = []
    if duration_s < SHORTEST_S:
        problems.append(words("too_short", least=f"{SHORTEST_S:g}"))
    if speech_share < LEAST_SPEECH:
        problems.append(words("little_speech", share=round(100 * speech_share)))
    if clipped_share > MOST_CLIPPED:
        problems.append(words("clipped", share=f"{100 * clipped_share:.1f}"))
    if noise_db is not None and noise_db < LEAST_NOISE_DB:
        problems.append(words("noisy", noise=round(noise_db)))
    return tuple(problems)
