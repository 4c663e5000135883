"""Sounds to decode: something like speech, put into every container that callers send."""

import io
from collections.abc import Callable
from functools import cache

import av
import numpy as np
import pytest
import soundfile
from glottis.plugins import AudioFrame
from numpy.typing import NDArray

_FORMANTS = (
    (600, 120, 1.0),
    (1300, 180, 0.5),
    (2500, 250, 0.25),
)  # Hz, bandwidth in Hz, weight: an open vowel


@pytest.fixture(scope="session")
def voice() -> Callable[..., AudioFrame]:
    """Make a buzz with formants, in syllables with pauses between words, at -18 dBFS or so."""

    @cache
    def make(duration_s: float = 2.0, *, rate_hz: int = 16_000, gain: float = 1.0) -> AudioFrame:
        time_s = np.arange(round(duration_s * rate_hz)) / rate_hz
        pitch_hz = 120 + 15 * np.sin(2 * np.pi * 0.7 * time_s)
        phase = 2 * np.pi * np.cumsum(pitch_hz) / rate_hz
        sound = np.zeros_like(time_s)
        for harmonic in range(1, int(min(3500, rate_hz / 2.2) / 135) + 1):
            strength = sum(
                weight / (1 + ((harmonic * 120 - center) / width) ** 2) for center, width, weight in _FORMANTS
            )
            sound += strength * np.sin(harmonic * phase)
        syllables = np.clip(np.sin(2 * np.pi * 3 * time_s), 0, None) * (
            np.sin(2 * np.pi * 0.6 * time_s) > -0.6
        )
        loud = gain * 0.5 * sound * syllables / max(1e-9, float(np.abs(sound).max(initial=0)))
        return AudioFrame((loud * 32_767).astype("<i2").tobytes(), rate_hz)

    return make


@pytest.fixture(scope="session")
def container() -> Callable[..., bytes]:
    """Write a frame with FFmpeg's muxers."""

    def make(frame: AudioFrame, muxer: str, codec: str, *, layout: str = "mono", **options: str) -> bytes:
        out = io.BytesIO()
        with av.open(out, "w", format=muxer, options=options) as opened:
            stream = opened.add_stream(codec, rate=frame.rate_hz, layout=layout)
            assert isinstance(stream, av.AudioStream)
            channels = 2 if layout == "stereo" else 1
            samples = np.repeat(np.frombuffer(frame.pcm, "<i2"), channels).reshape(1, -1)
            sound = av.AudioFrame.from_ndarray(samples, format="s16", layout=layout)
            sound.sample_rate = frame.rate_hz
            for packet in (*stream.encode(sound), *stream.encode(None)):
                if packet.size:
                    opened.mux(packet)
        return out.getvalue()

    return make


@pytest.fixture(scope="session")
def media_recorder() -> Callable[[AudioFrame], bytes]:
    """Write WebM as a browser's MediaRecorder does: to a pipe, so without length, duration or index."""

    class Pipe:
        def __init__(self) -> None:
            self.written = bytearray()

        def write(self, data: bytes) -> int:
            self.written += data
            return len(data)

    def make(frame: AudioFrame) -> bytes:
        pipe = Pipe()
        with av.open(pipe, "w", format="webm", options={"live": "1", "cluster_time_limit": "100"}) as opened:
            stream = opened.add_stream("libopus", rate=frame.rate_hz, layout="mono")
            samples = np.frombuffer(frame.pcm, "<i2").reshape(1, -1)
            sound = av.AudioFrame.from_ndarray(samples, format="s16", layout="mono")
            sound.sample_rate = frame.rate_hz
            opened.mux(stream.encode(sound))
            opened.mux(stream.encode(None))
        return bytes(pipe.written)

    return make


@pytest.fixture(scope="session")
def sound_file() -> Callable[..., bytes]:
    """Write a frame with libsndfile: WAV of every kind, Ogg Vorbis."""

    def make(frame: AudioFrame, kind: str, subtype: str, *, channels: int = 1) -> bytes:
        out = io.BytesIO()
        samples = np.frombuffer(frame.pcm, "<i2").astype(np.float32) / 32_768
        soundfile.write(
            out, np.repeat(samples[:, None], channels, axis=1), frame.rate_hz, format=kind, subtype=subtype
        )
        return out.getvalue()

    return make


@pytest.fixture(scope="session")
def likeness() -> Callable[[AudioFrame, AudioFrame], float]:
    """Compare two sounds of one rate, wherever a codec's delay has moved them: 1 is equal, 0 unrelated."""

    def compare(one: AudioFrame, other: AudioFrame) -> float:
        a, b = _centred(one), _centred(other)
        size = a.size + b.size
        overlap = np.fft.irfft(np.fft.rfft(a, size) * np.conj(np.fft.rfft(b, size)), size)
        return float(np.abs(overlap).max() / np.sqrt((a @ a) * (b @ b)))

    return compare


def _centred(frame: AudioFrame) -> NDArray[np.float64]:
    samples: NDArray[np.float64] = np.frombuffer(frame.pcm, "<i2").astype(np.float64)
    return samples - np.float64(samples.mean())
