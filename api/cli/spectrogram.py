"""Pictures of speech: time from left to right, pitch from below, loudness as brightness."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from glottis.plugins import AudioFrame
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

_WINDOW_S = 0.032
_HOP_S = 0.008
_HIGHEST_HZ = 8_000
_RANGE_DB = 70.0
_PANEL_HEIGHT = 256
_PIXELS_PER_S = 160
_LEFT, _TOP, _BOTTOM, _RIGHT = 56, 28, 24, 16
_FLOOR = 1e-10
_INK, _PAPER = (40, 40, 40), (255, 255, 255)
_COLOURS = ((0, 0, 4), (81, 18, 124), (183, 55, 121), (252, 137, 97), (252, 253, 191))
"""From silence to the loudest; evenly spaced, and brighter all the way."""


def draw_spectrograms(panels: Sequence[tuple[str, AudioFrame]], file: Path) -> None:
    """Write a PNG with a spectrogram for each clip, one below the other and on one scale of time.

    The clips are mono PCM16 at any rate; 0 to 8 kHz are drawn, 70 dB down from each one's loudest.

    Raises:
        OSError: the file cannot be written.
    """
    longest_s = max(clip.duration_s for _, clip in panels)
    width = max(1, round(longest_s * _PIXELS_PER_S))
    height = _TOP + _PANEL_HEIGHT + _BOTTOM
    page = Image.new("RGB", (_LEFT + width + _RIGHT, height * len(panels)), _PAPER)
    pen = ImageDraw.Draw(page)
    for number, (title, clip) in enumerate(panels):
        top = number * height + _TOP
        picture = Image.fromarray(_coloured(_levels(clip)))
        size = (max(1, round(clip.duration_s * _PIXELS_PER_S)), _PANEL_HEIGHT)
        page.paste(picture.resize(size, Image.Resampling.BILINEAR), (_LEFT, top))
        pen.text((_LEFT, top - _TOP + 6), title, fill=_INK, font=ImageFont.load_default(15))
        _label(pen, top, longest_s)
    page.save(file, format="PNG")


def _levels(clip: AudioFrame) -> NDArray[np.float64]:
    """Measure loudness from 0 to 1: a row for each frequency, the highest first; a column for each moment."""
    samples = np.frombuffer(clip.pcm, dtype="<i2").astype(np.float64) / 32_768
    window, hop = round(_WINDOW_S * clip.rate_hz), round(_HOP_S * clip.rate_hz)
    samples = np.pad(samples, (window // 2, window))
    frames = np.lib.stride_tricks.sliding_window_view(samples, window)[::hop]
    power = np.abs(np.fft.rfft(frames * np.hanning(window), axis=1)) ** 2
    drawn = np.zeros((len(frames), 1 + round(_HIGHEST_HZ * _WINDOW_S)))
    kept = power[:, : drawn.shape[1]]
    drawn[:, : kept.shape[1]] = kept  # a clip of a low rate has nothing above
    loudness_db = 10 * np.log10(drawn + _FLOOR)
    levels = np.clip((loudness_db - loudness_db.max()) / _RANGE_DB + 1, 0, 1)
    return np.ascontiguousarray(levels.T[::-1])


def _coloured(levels: NDArray[np.float64]) -> NDArray[np.uint8]:
    steps = np.linspace(0, 1, len(_COLOURS))
    channels = [np.interp(levels, steps, [colour[channel] for colour in _COLOURS]) for channel in range(3)]
    return np.stack(channels, axis=-1).round().astype(np.uint8)


def _label(pen: ImageDraw.ImageDraw, top: int, longest_s: float) -> None:
    font = ImageFont.load_default(11)
    bottom = top + _PANEL_HEIGHT
    for khz in range(0, _HIGHEST_HZ // 1_000 + 1, 2):
        level = bottom - round(khz * 1_000 / _HIGHEST_HZ * _PANEL_HEIGHT)
        pen.line([(_LEFT - 4, level), (_LEFT, level)], fill=_INK)
        pen.text((_LEFT - 6, level), f"{khz} kHz", fill=_INK, font=font, anchor="rm")
    for second in range(int(longest_s) + 1):
        column = _LEFT + second * _PIXELS_PER_S
        pen.line([(column, bottom), (column, bottom + 4)], fill=_INK)
        pen.text((column, bottom + 6), f"{second} s", fill=_INK, font=font, anchor="ma")
