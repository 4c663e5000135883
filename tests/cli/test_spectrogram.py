"""The pictures that `glottis train` draws."""

from pathlib import Path

import numpy as np
import pytest
from glottis.api.cli.spectrogram import draw_spectrograms
from glottis.plugins import AudioFrame
from PIL import Image

PANEL, LEFT, TOP, BETWEEN = 256, 56, 28, 308
HIGHEST_HZ = 8_000


def tone(pitch_hz: float, *, rate_hz: int, seconds: float = 2.0) -> AudioFrame:
    times = np.arange(round(seconds * rate_hz)) / rate_hz
    return AudioFrame((12_000 * np.sin(2 * np.pi * pitch_hz * times)).astype("<i2").tobytes(), rate_hz)


def pitch_drawn(file: Path, panel: int, at_s: float) -> float:
    """Find the pitch at which a panel is brightest, some seconds in."""
    with Image.open(file) as picture:
        grey = np.asarray(picture.convert("L"))
    top = TOP + panel * BETWEEN
    column = grey[top : top + PANEL, LEFT + round(160 * at_s)]
    return float(HIGHEST_HZ * (1 - (column.argmax() + 0.5) / PANEL))


@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 22_050, 48_000])
def test_a_tone_is_bright_at_its_pitch(tmp_path: Path, rate_hz: int) -> None:
    file = tmp_path / "tones.png"
    low, high = tone(1_000, rate_hz=rate_hz), tone(3_000, rate_hz=rate_hz, seconds=1.0)
    draw_spectrograms([("low", low), ("high", high)], file)
    assert pitch_drawn(file, 0, 1.5) == pytest.approx(1_000, abs=40)
    assert pitch_drawn(file, 1, 0.5) == pytest.approx(3_000, abs=40)


@pytest.mark.parametrize("pcm", [b"", bytes(2), bytes(32_000)])
def test_silence_and_hardly_anything_can_be_drawn(tmp_path: Path, pcm: bytes) -> None:
    file = tmp_path / "nothing.png"
    draw_spectrograms([("nothing", AudioFrame(pcm, 16_000))], file)
    with Image.open(file) as picture:
        assert picture.height == BETWEEN


def test_a_picture_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        draw_spectrograms([("tone", tone(500, rate_hz=16_000))], tmp_path / "no" / "tone.png")
