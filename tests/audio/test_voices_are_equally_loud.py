"""The bundled voices come out equally loud: peak-to-average within 3 dB, read both ways."""

from pathlib import Path

import numpy as np
import pytest
from glottis.config import parse_deployment
from glottis.core.audio import decode, encode_clip, normalize
from glottis.plugins import AudioFrame, SynthesisOptions, Synthesizer
from glottis.plugins.host import open_plugins

pytestmark = pytest.mark.slow

DEPLOYMENT = """
enable = ["espeak", "festival", "piper"]
[providers.piper-joe]
use = "piper"
voice = "joe"
[routes]
synthesize = ["piper-joe", "festival", "espeak"]
"""
TEXTS = {
    "en-US": "Our prices start at twenty five dollars a month, and delivery is free.",
    "ru-RU": "Цены начинаются от двадцати пяти рублей в месяц, а доставка бесплатная.",
}


def measure_db(frame: AudioFrame) -> tuple[float, float]:
    """Measure the level of what is spoken, and how far the highest peak is above it."""
    samples = np.frombuffer(frame.pcm, "<i2").astype(np.float64) / 32_768
    size = frame.rate_hz // 20
    windows = np.sqrt((samples[: samples.size // size * size].reshape(-1, size) ** 2).mean(axis=1))
    level = 20 * np.log10(np.sqrt((windows[windows > windows.max() / 5] ** 2).mean()))
    return float(level), float(20 * np.log10(np.abs(samples).max()) - level)


@pytest.fixture
async def clips(tmp_path: Path) -> dict[str, AudioFrame]:
    """Have every bundled voice say something in each of its languages."""
    spoken = {}
    deployment = parse_deployment(DEPLOYMENT, file="plugins.toml", environment={})
    async with open_plugins(
        deployment, environment={}, data_dir=tmp_path, load_timeout_s=30, warmup_timeout_s=60
    ) as host:
        for instance in host.instances:
            for language, text in TEXTS.items():
                if instance.name == "piper-joe" and language == "ru-RU":
                    continue
                assert isinstance(instance.provider, Synthesizer)
                options = SynthesisOptions(language=language)
                frames = [frame async for frame in instance.provider.synthesize(text, options)]
                pcm = b"".join(frame.pcm for frame in frames)
                spoken[f"{instance.name} {language}"] = AudioFrame(pcm, frames[0].rate_hz)
    return spoken


async def test_the_bundled_voices_are_equally_loud(clips: dict[str, AudioFrame]) -> None:
    before = [measure_db(clip) for clip in clips.values()]
    after = [measure_db(normalize(clip)) for clip in clips.values()]
    through_mp3 = [
        measure_db(decode(encode_clip(normalize(clip), "mp3"), max_s=60)) for clip in clips.values()
    ]
    for heard in (after, through_mp3):
        levels, heights = zip(*heard, strict=True)
        assert max(levels) - np.mean(levels) < 3
        assert max(levels) - min(levels) < 3
        assert max(heights) - min(heights) < 3
    heights_before = [height for _, height in before]
    assert max(heights_before) - min(heights_before) > 3, "then there is nothing to normalise"
