"""Real speech of two engines, and the noises that people and rooms make besides."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from importlib.metadata import entry_points
from pathlib import Path

import numpy as np
import pytest
from glottis.core.audio import normalize, resample
from glottis.core.listening import Silero
from glottis.plugins import AudioFrame, ProviderContext, SynthesisOptions, Synthesizer, SynthesizerSpec
from numpy.typing import NDArray

from tests.virtual_time import by_marker as pytest_asyncio_loop_factories

__all__ = ["cough", "noise", "pytest_asyncio_loop_factories", "say", "silero"]


__all__ = ["pytest_asyncio_loop_factories"]

RATE_HZ = 16_000
Say = Callable[[str], bytes]
Sound = Callable[..., bytes]
PASSAGES = {
    "en": (
        "Yes.",
        "Stop.",
        "What time is it?",
        "Where can I find the prices?",
        "I would like to order two tickets for the museum on Sunday morning.",
    ),
    "ru": (
        "Да.",
        "Стоп.",
        "Здравствуйте.",
        "Где я могу посмотреть цены?",
        "Я хочу заказать два билета в театр, а потом карту города.",
    ),
}
_ENGINES = {"en": "piper", "ru": "festival"}


def _made(plugin: str, data_dir: Path) -> Synthesizer:
    (entry,) = entry_points(group="glottis.plugins", name=plugin)
    offered: list[SynthesizerSpec] = []
    entry.load().glottis_register_synthesizers(offered.append)
    (spec,) = offered
    context = ProviderContext(plugin, data_dir, spec.capabilities, logging.getLogger(plugin))
    made = spec.create(context, spec.config.model_validate({}))
    assert isinstance(made, Synthesizer)
    return made


@pytest.fixture(scope="session")
def say(tmp_path_factory: pytest.TempPathFactory) -> Say:
    """Give what was said of a passage, by Piper in English or by Festival in Russian: PCM16, mono, 16 kHz."""
    folders = {language: tmp_path_factory.mktemp(plugin) for language, plugin in _ENGINES.items()}
    return asyncio.run(_said(folders)).__getitem__


async def _said(folders: Mapping[str, Path]) -> Mapping[str, bytes]:
    said = {}
    for language, plugin in _ENGINES.items():
        engine = _made(plugin, folders[language])
        await engine.warmup()
        for text in PASSAGES[language]:
            options = SynthesisOptions(language=language)
            frames = [frame async for frame in engine.synthesize(text, options)]
            whole = AudioFrame(b"".join(frame.pcm for frame in frames), frames[0].rate_hz)
            said[text] = resample(normalize(whole), rate_hz=RATE_HZ).pcm
        await engine.aclose()
    return said


@pytest.fixture(scope="session")
def noise() -> Sound:
    """Make noise: `noise(3, level_dbfs=-45, slope=1)`; its spectrum falls by 3 dB an octave times `slope`."""

    def make(duration_s: float, *, level_dbfs: float, slope: float = 0.0, seed: int = 1) -> bytes:
        return _pcm(_noise(duration_s, slope, seed) * 10 ** (level_dbfs / 20))

    return make


@pytest.fixture(scope="session")
def cough() -> Sound:
    """Make a cough: an explosive burst of noise, a rasp that dies away, and silence after it."""

    def make(*, seed: int = 1, duration_s: float = 0.3, level_dbfs: float = -15) -> bytes:
        time_s = np.arange(round(duration_s * RATE_HZ)) / RATE_HZ
        burst = _noise(duration_s, 1.0, seed)
        envelope = np.minimum(1, time_s / 0.008) * (np.exp(-time_s / 0.04) + 0.3 * np.exp(-time_s / 0.12))
        loud = burst * envelope
        return _pcm(loud / np.sqrt(np.mean(loud * loud)) * 10 ** (level_dbfs / 20)) + bytes(RATE_HZ)

    return make


def _noise(duration_s: float, slope: float, seed: int) -> NDArray[np.float64]:
    """Make noise of RMS 1."""
    size = round(duration_s * RATE_HZ)
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal(size))
    spectrum /= np.maximum(1, np.arange(spectrum.size)) ** (slope / 2)
    sound: NDArray[np.float64] = np.fft.irfft(spectrum, size)
    loudness = np.float64(np.sqrt(np.mean(sound * sound)))
    return sound / loudness


def _pcm(sound: NDArray[np.float64]) -> bytes:
    return np.clip(np.rint(sound * 32_767), -32_768, 32_767).astype("<i2").tobytes()


@pytest.fixture
async def silero() -> AsyncIterator[Silero]:
    async with Silero() as silero:
        yield silero
