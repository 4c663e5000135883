"""A second opinion on who speaks: Resemblyzer's encoder, whose weights training never sees.

C. Jemine's GE2E encoder (https://github.com/resemble-ai/Resemblyzer, Apache 2.0), whose wheel carries its
weights; the network, three layers of LSTM, is computed here by numpy, so that torch is not needed.
`pip install --no-deps Resemblyzer==0.1.4` brings the file.
"""

import pickle
from collections import OrderedDict
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt
import soxr
from glottis.plugins import AudioFrame
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # ships no types

Floats = npt.NDArray[np.float32]

_RATE_HZ = 16_000
_WINDOW, _HOP, _MELS = 400, 160, 40
_PARTIAL, _STEP = 160, 77  # frames of an excerpt, and from one to the next: 1.3 a second
_HIDDEN = 256
_LOUDNESS_DB = -30.0


class Judge:
    """Tells how alike two voices are."""

    def __init__(self) -> None:
        self._weights = _read_weights()
        self._bank = _mel_bank()

    def speaker(self, clips: Sequence[AudioFrame]) -> Floats:
        """Return the vector of a speaker, of length 1: the mean of some clips."""
        return _unit(np.mean([self.clip(clip) for clip in clips], axis=0))

    def similarity(self, clips: Sequence[AudioFrame], speaker: Floats) -> float:
        """Return the mean cosine between clips and a speaker: 1 is the same voice."""
        return float(np.mean([self.clip(clip) @ speaker for clip in clips]))

    def clip(self, clip: AudioFrame) -> Floats:
        """Return the vector of a clip, of length 1."""
        samples = np.frombuffer(clip.pcm, dtype="<i2").astype(np.float32) / 32_768
        if clip.rate_hz != _RATE_HZ:
            samples = np.asarray(soxr.resample(samples, clip.rate_hz, _RATE_HZ), dtype=np.float32)
        level_db = 10 * np.log10(np.mean(samples**2) + 1e-12)
        gain = 10 ** (max(0.0, float(_LOUDNESS_DB - level_db)) / 20)
        mels = self._mels(np.asarray(gain * samples, dtype=np.float32))
        if len(mels) < _PARTIAL:
            mels = np.pad(mels, ((0, _PARTIAL - len(mels)), (0, 0)))
        starts = range(0, len(mels) - _PARTIAL + 1, _STEP)
        excerpts = np.stack([mels[start : start + _PARTIAL] for start in starts])
        with threadpool_limits(1):  # matrices this small take longer in several threads
            return _unit(self._network(excerpts).mean(axis=0))

    def _mels(self, samples: Floats) -> Floats:
        padded = np.pad(samples, _WINDOW // 2)
        frames = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::_HOP]
        hann = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(_WINDOW) / _WINDOW)
        power = np.abs(np.fft.rfft(frames * hann, axis=1)) ** 2
        return np.asarray(power @ self._bank.T, dtype=np.float32)

    def _network(self, excerpts: Floats) -> Floats:
        layer = excerpts
        for number in range(3):
            layer = self._lstm(layer, number)
        raw = np.maximum(layer[:, -1] @ self._weights["linear.weight"].T + self._weights["linear.bias"], 0)
        return np.asarray(raw / np.linalg.norm(raw, axis=1, keepdims=True), dtype=np.float32)

    def _lstm(self, inputs: Floats, number: int) -> Floats:
        weights = self._weights
        bias = weights[f"lstm.bias_ih_l{number}"] + weights[f"lstm.bias_hh_l{number}"]
        driven = inputs @ weights[f"lstm.weight_ih_l{number}"].T + bias
        recurrent = weights[f"lstm.weight_hh_l{number}"].T
        hidden = np.zeros((len(inputs), _HIDDEN), dtype=np.float32)
        cell = np.zeros_like(hidden)
        outputs = np.empty((*inputs.shape[:2], _HIDDEN), dtype=np.float32)
        for step in range(inputs.shape[1]):
            let_in, forget, fresh, let_out = np.split(driven[:, step] + hidden @ recurrent, 4, axis=1)
            cell = _sigmoid(forget) * cell + _sigmoid(let_in) * np.tanh(fresh)
            hidden = _sigmoid(let_out) * np.tanh(cell)
            outputs[:, step] = hidden
        return outputs


def _sigmoid(values: Floats) -> Floats:
    return np.asarray(0.5 + 0.5 * np.tanh(values / 2), dtype=np.float32)


def _unit(vector: npt.NDArray[Any]) -> Floats:
    return np.asarray(vector / np.linalg.norm(vector), dtype=np.float32)


def _mel_bank() -> Floats:
    """Make the triangles of librosa's default filter bank: Slaney's scale, each of unit area."""
    frequencies = np.linspace(0, _RATE_HZ / 2, _WINDOW // 2 + 1)
    top = 15 + np.log(_RATE_HZ / 2 / 1000) / (np.log(6.4) / 27)
    mels = np.linspace(0, top, _MELS + 2)
    edges = np.where(mels < 15, mels * 200 / 3, 1000 * np.exp((mels - 15) * np.log(6.4) / 27))
    rising = (frequencies[None, :] - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - frequencies[None, :]) / (edges[2:] - edges[1:-1])[:, None]
    bank = np.maximum(0, np.minimum(rising, falling)) * (2 / (edges[2:] - edges[:-2]))[:, None]
    return np.asarray(bank, dtype=np.float32)


class _Reader(pickle.Unpickler):
    """Reads what torch wrote before its files were archives, as arrays of numbers and nothing else."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__(file)
        self.storages: dict[str, Floats] = {}

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _tensor
        if module == "torch" and name == "FloatStorage":
            return np.float32
        raise pickle.UnpicklingError(f"the weights name {module}.{name}, which is not expected in them")

    def persistent_load(self, pid: Any) -> Floats:
        _, _, key, _, count, _ = pid
        return self.storages.setdefault(key, np.zeros(count, dtype=np.float32))


def _tensor(storage: Floats, offset: int, size: tuple[int, ...], *_: object) -> Floats:
    """Make a view of a storage that will be filled later; every tensor of these weights is contiguous."""
    return storage[offset : offset + int(np.prod(size))].reshape(size)


def _read_weights() -> dict[str, Floats]:
    spec = find_spec("resemblyzer")
    if spec is None or spec.origin is None:
        raise SystemExit("the judge is not installed: .venv/bin/pip install --no-deps Resemblyzer==0.1.4")
    with Path(spec.origin).with_name("pretrained.pt").open("rb") as file:
        for _ in range(3):  # a magic number, a version, the sizes of types
            _Reader(file).load()
        reader = _Reader(file)
        state: dict[str, Floats] = reader.load()["model_state"]
        for key in _Reader(file).load():
            count = int.from_bytes(file.read(8), "little")
            reader.storages[key][:] = np.frombuffer(file.read(4 * count), dtype="<f4")
    return state
