"""One spoken sentence in every container that callers send is heard as the same words."""

import io
from collections.abc import Callable

import av
import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from .conftest import Hear, Speech, words

SENTENCE = "Please show me the pricing page"
Sound = tuple[NDArray[np.int16], int]
Pack = Callable[[Sound], bytes]


class Pipe:
    """What MediaRecorder writes to: nothing can be gone back to."""

    def __init__(self) -> None:
        self.written = bytearray()

    def write(self, data: bytes) -> int:
        self.written += data
        return len(data)


def encoded(sound: Sound, out: Pipe, muxer: str, codec: str, **options: str) -> bytes:
    samples, rate_hz = sound
    with av.open(out, "w", format=muxer, options=options) as opened:
        stream = opened.add_stream(codec, rate=rate_hz, layout="mono")
        assert isinstance(stream, av.AudioStream)
        frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate = rate_hz
        opened.mux(stream.encode(frame))
        opened.mux(stream.encode(None))
    return bytes(out.written)


def at_48_khz(sound: Sound) -> Sound:
    """Bring a sound to the only rate of Opus."""
    samples, rate_hz = sound
    times = np.arange(0, len(samples), rate_hz / 48_000)
    return np.interp(times, np.arange(len(samples)), samples).astype(np.int16), 48_000


def media_recorder(sound: Sound) -> bytes:
    live = {"live": "1", "cluster_time_limit": "100"}
    return encoded(at_48_khz(sound), Pipe(), "webm", "libopus", **live)


def ogg_opus(sound: Sound) -> bytes:
    return encoded(at_48_khz(sound), Pipe(), "ogg", "libopus")


def mp3(sound: Sound) -> bytes:
    return encoded(sound, Pipe(), "mp3", "libmp3lame")


def libsndfile(kind: str, subtype: str) -> Pack:
    def pack(sound: Sound) -> bytes:
        out = io.BytesIO()
        soundfile.write(out, sound[0] / 32_768, sound[1], format=kind, subtype=subtype)
        return out.getvalue()

    return pack


PACKED = {
    "WAV": libsndfile("WAV", "PCM_16"),
    "WAV in floats": libsndfile("WAV", "FLOAT"),
    "FLAC": libsndfile("FLAC", "PCM_16"),
    "MP3": mp3,
    "Ogg Opus": ogg_opus,
    "WebM Opus of a browser": media_recorder,
}


@pytest.fixture
async def sound(speech: Speech) -> Sound:
    """The sentence as Piper speaks it."""
    samples, rate_hz = soundfile.read(
        io.BytesIO(await speech(SENTENCE, "en-US", format="wav")), dtype="int16"
    )
    return samples, int(rate_hz)


@pytest.mark.parametrize("container", PACKED)
async def test_a_sentence_is_heard_in(container: str, sound: Sound, hear: Hear) -> None:
    heard = await hear(PACKED[container](sound), "en-US")
    assert words(heard["text"]) == words(SENTENCE)
    assert heard["provider"] == "whisper-base"
    assert heard["confidence"] > 0.5
    assert heard["processing_time_ms"] > 0


@pytest.mark.parametrize("audio_format", ["mp3", "opus", "wav"])
async def test_what_the_server_spoke_it_hears_in(audio_format: str, speech: Speech, hear: Hear) -> None:
    audio = await speech(SENTENCE, "en-US", format=audio_format)
    assert words((await hear(audio, "en-US"))["text"]) == words(SENTENCE)


async def test_silence_is_no_sentence(hear: Hear) -> None:
    out = io.BytesIO()
    soundfile.write(out, np.zeros(48_000, dtype=np.int16), 16_000, format="WAV")
    heard = await hear(out.getvalue(), "en-US")
    assert (heard["text"], heard["alternatives"]) == ("", None)
