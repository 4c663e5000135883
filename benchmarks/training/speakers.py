"""The speakers whose voices are learnt: none is the base voice, and each reads the same way each time."""

import asyncio
import shutil
import subprocess
import tempfile
import tomllib
import wave
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyworld
from glottis.core.platform import Engine
from glottis.plugins import DEFAULT_VOICE, AudioFrame
from glottis_local_voice.features import FRAME_MS
from glottis_local_voice.waveform import to_frame, to_samples

from benchmarks.training.course import spoken

_HIGHER, _SHORTER_TRACT = 1.7, 1.18  # as women are to men, about
_SENTENCES = Path(__file__).with_name("sentences.toml")


@dataclass(frozen=True, slots=True)
class Corpus:
    """What is read: one part to learn from, the other to measure with."""

    language: str
    training: list[str]
    measured: list[str]


@dataclass(frozen=True, slots=True)
class Speaker:
    """Somebody to learn; reads at their own pace, and never twice at the same."""

    name: str
    who: str
    corpus: str
    reads: Callable[[Engine, list[str]], Awaitable[list[AudioFrame]]]


def read_corpus(name: str) -> Corpus:
    return Corpus(**tomllib.loads(_SENTENCES.read_text(encoding="utf-8"))[name])


def _flite(voice: str) -> Callable[[Engine, list[str]], Awaitable[list[AudioFrame]]]:
    async def read(_engine: Engine, sentences: list[str]) -> list[AudioFrame]:
        return await asyncio.to_thread(_by_flite, voice, sentences)

    return read


def _by_flite(voice: str, sentences: list[str]) -> list[AudioFrame]:
    if shutil.which("flite") is None:
        raise SystemExit("the speakers are not installed: apt-get install flite")
    clips = []
    with tempfile.TemporaryDirectory(prefix="glottis-bench-") as folder:
        file = Path(folder) / "said.wav"
        for sentence in sentences:
            subprocess.run(["flite", "-voice", voice, "-t", sentence, "-o", str(file)], check=True)
            with wave.open(str(file)) as said:
                clips.append(AudioFrame(said.readframes(said.getnframes()), said.getframerate()))
    return clips


async def _espeak(engine: Engine, sentences: list[str]) -> list[AudioFrame]:
    return [await spoken(engine, "espeak", text, language="ru", voice="ru+f3") for text in sentences]


async def _warped(engine: Engine, sentences: list[str]) -> list[AudioFrame]:
    """Have Festival read, with a shorter vocal tract and a higher voice, each sentence at another pace."""
    read = [await spoken(engine, "festival", text, language="ru", voice=DEFAULT_VOICE) for text in sentences]
    paces = np.random.default_rng(7).uniform(0.88, 1.12, len(read))
    return [await asyncio.to_thread(_warp, clip, float(pace)) for clip, pace in zip(read, paces, strict=True)]


def _warp(clip: AudioFrame, pace: float) -> AudioFrame:
    samples, rate_hz = to_samples(clip, rate_hz=clip.rate_hz), clip.rate_hz
    f0_hz, times = pyworld.harvest(samples, rate_hz, frame_period=FRAME_MS)
    spectrum = pyworld.cheaptrick(samples, f0_hz, times, rate_hz)
    aperiodicity = pyworld.d4c(samples, f0_hz, times, rate_hz)
    bins = np.arange(spectrum.shape[1])
    shorter = np.exp([np.interp(bins / _SHORTER_TRACT, bins, frame) for frame in np.log(spectrum)])
    voice = pyworld.synthesize(f0_hz * _HIGHER, shorter, aperiodicity, rate_hz, FRAME_MS * pace)
    return to_frame(voice, rate_hz=rate_hz)


SPEAKERS = (
    Speaker("slt", "a woman, English", "en", _flite("slt")),
    Speaker("rms", "a man, English", "en", _flite("rms")),
    Speaker("warped", "Festival's Russian voice, turned into a woman's", "ru", _warped),
    Speaker("espeak-f3", "a woman of eSpeak, Russian", "ru", _espeak),
)
