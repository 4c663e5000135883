"""Audio as it travels between the engine and the providers: mono, 16-bit, little-endian PCM."""

from dataclasses import dataclass
from pathlib import Path

BYTES_PER_SAMPLE = 2


@dataclass(frozen=True, slots=True)
class AudioFrame:
    """A run of mono PCM16 samples: a 20 ms frame of a stream or a whole utterance.

    `pcm` holds signed 16-bit little-endian samples, one channel; `rate_hz` is their sample rate.

    Raises:
        ValueError: `pcm` ends in half a sample, or `rate_hz` is not positive.
    """

    pcm: bytes
    rate_hz: int

    def __post_init__(self) -> None:
        if len(self.pcm) % BYTES_PER_SAMPLE:
            raise ValueError(f"PCM16 audio has an even number of bytes, not {len(self.pcm)}")
        if self.rate_hz <= 0:
            raise ValueError(f"a sample rate is positive, not {self.rate_hz}")

    @property
    def sample_count(self) -> int:
        return len(self.pcm) // BYTES_PER_SAMPLE

    @property
    def duration_s(self) -> float:
        return self.sample_count / self.rate_hz

    def __repr__(self) -> str:
        return f"AudioFrame({self.duration_s:.3f} s at {self.rate_hz} Hz)"


@dataclass(frozen=True, slots=True)
class StoredAudio:
    """Audio that lies in a file, which holds the samples of an `AudioFrame` and nothing else."""

    path: Path
    rate_hz: int
    sample_count: int

    @classmethod
    def write(cls, path: Path, audio: AudioFrame) -> "StoredAudio":
        """Write audio into a file; blocks."""
        path.write_bytes(audio.pcm)
        return cls(path, audio.rate_hz, audio.sample_count)

    @property
    def duration_s(self) -> float:
        return self.sample_count / self.rate_hz

    def read(self) -> AudioFrame:
        """Read all of it; blocks."""
        return AudioFrame(self.path.read_bytes(), self.rate_hz)


def silence(duration_s: float, *, rate_hz: int) -> AudioFrame:
    """Make `duration_s` seconds of digital silence."""
    return AudioFrame(bytes(round(duration_s * rate_hz) * BYTES_PER_SAMPLE), rate_hz)
