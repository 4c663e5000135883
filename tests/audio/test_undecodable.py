"""What is no audio is refused with a sentence that helps, and undeclared samples are told from it."""

import os
import sys
import zipfile
import zlib
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import av
import numpy as np
import pytest
from glottis.core.audio import PcmFormat, UndecodableAudio, decode
from glottis.plugins import AudioFrame

Voice = Callable[..., AudioFrame]


def _zip() -> bytes:
    out = BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("audio.wav", bytes(100))
    return out.getvalue()


KNOWN = {
    "a PNG image": b"\x89PNG\r\n\x1a\n" + bytes(100),
    "a JPEG image": b"\xff\xd8\xff\xe0\x00\x10JFIF" + bytes(100),
    "a GIF image": b"GIF89a" + bytes(100),
    "a WebP image": b"RIFF\x64\x00\x00\x00WEBPVP8 " + bytes(100),
    "an AVIF image": b"\x00\x00\x00\x1cftypavif" + bytes(100),
    "an AVI video": b"RIFF\x64\x00\x00\x00AVI LIST" + bytes(100),
    "a PDF document": b"%PDF-1.7\n" + bytes(100),
    "a ZIP archive": _zip(),
    "an HTML page": b"<!DOCTYPE html><html><body>502 Bad Gateway</body></html>",
    "an XML document": b'<?xml version="1.0"?><a/>',
    "JSON": b'{"audio_data": "UklGRg=="}',
    "text": "Покажи мне раздел с ценами".encode(),
    'a "data:" URL': b"data:audio/webm;base64,GkXfo59ChoEBQveBAULygQRC84EIQoKE",
    "AIFF audio": b"FORM\x00\x00\x00\x64AIFFCOMM" + bytes(100),
    "AMR audio": b"#!AMR\n" + bytes(100),
    "Windows Media audio": bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c") + bytes(100),
}


@pytest.mark.parametrize("found", KNOWN)
def test_what_was_sent_by_mistake_is_named(found: str) -> None:
    with pytest.raises(UndecodableAudio) as refused:
        decode(KNOWN[found], max_s=10)
    assert f"this is {found}" in str(refused.value)
    assert "WAV, WebM, Ogg, MP3, FLAC or MP4" in str(refused.value)


def test_nothing_at_all_is_refused() -> None:
    with pytest.raises(UndecodableAudio, match="there is no audio"):
        decode(b"", max_s=10)
    with pytest.raises(UndecodableAudio, match="there is no audio"):
        decode(b"", declared=PcmFormat(), max_s=10)


@pytest.mark.parametrize(
    "data",
    [
        b"RIFF\x24\x00\x00\x00WAVE",
        b"RIFF\x24\x00\x00\x00WAVEfmt \x10\x00\x00\x00",
        b"OggS" + bytes(24),
        b"fLaC",
        b"\x1a\x45\xdf\xa3\x01",
        b"\x00\x00\x00\x18ftypM4A \x00\x00\x00\x00",
        b"ID3\x04\x00\x00\x00\x00\x00\x0a",
        b"\x00\x00\x00\x18ftypisom" + bytes(200),
    ],
)
def test_a_header_without_its_audio_is_refused(data: bytes) -> None:
    with pytest.raises(UndecodableAudio):
        decode(data, max_s=10)


def test_a_wav_without_samples_is_refused(voice: Voice, sound_file: Callable[..., bytes]) -> None:
    with pytest.raises(UndecodableAudio, match="empty"):
        decode(sound_file(voice(0), "WAV", "PCM_16"), max_s=10)


def test_a_file_with_pictures_only_is_refused() -> None:
    out = BytesIO()
    with av.open(out, "w", format="mp4") as opened:
        stream = opened.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 64, "yuv420p"
        opened.mux(stream.encode(av.VideoFrame(64, 64, "yuv420p")))
        opened.mux(stream.encode(None))
    with pytest.raises(UndecodableAudio, match="no sound in it"):
        decode(out.getvalue(), max_s=10)


def test_a_codec_that_nobody_records_speech_with_is_named(
    voice: Voice, container: Callable[..., bytes]
) -> None:
    with pytest.raises(UndecodableAudio, match="ac3 audio, which is not accepted"):
        decode(container(voice(1.0, rate_hz=48_000), "mp4", "ac3"), max_s=10)


@pytest.mark.parametrize("size", [2, 20, 640, 3_200, 100_000])
def test_random_bytes_are_no_samples(size: int) -> None:
    for seed in range(20):
        with pytest.raises(UndecodableAudio):
            decode(np.random.default_rng(seed).bytes(size), max_s=100)


@pytest.mark.parametrize(
    "data",
    [
        zlib.compress(os.urandom(5_000)) + b"\0\0",
        Path(sys.executable).resolve().read_bytes()[:100_000],
        "Покажи мне раздел с ценами. ".encode("utf-16-le") * 50,
        b"Show me the pricing section. " * 50,
        np.arange(5_000, dtype="<u2")[::-7].tobytes()[:1_001],  # an odd number of bytes
        np.random.default_rng(1).standard_normal(4_000).astype("<f4").tobytes(),
    ],
    ids=["compressed", "program", "UTF-16", "text", "odd", "float"],
)
def test_bytes_of_other_kinds_are_no_samples(data: bytes) -> None:
    with pytest.raises(UndecodableAudio):
        decode(data, max_s=100)


@pytest.mark.parametrize("duration_s", [0.02, 0.1, 1.0, 10.0])
@pytest.mark.parametrize("gain", [1.0, 0.1, 0.01])
def test_undeclared_samples_of_speech_are_taken(duration_s: float, gain: float, voice: Voice) -> None:
    spoken = voice(10.0, gain=gain).pcm[6_400 : 6_400 + round(duration_s * 32_000)]
    assert decode(spoken, max_s=20) == AudioFrame(spoken, 16_000)


def test_undeclared_speech_in_noise_is_taken(voice: Voice) -> None:
    spoken = np.frombuffer(voice(3.0).pcm, "<i2")
    noise = np.random.default_rng(1).normal(0, spoken.std() / 3, spoken.size)
    noisy = np.clip(spoken + noise, -32_768, 32_767).astype("<i2").tobytes()
    assert decode(noisy, max_s=20).pcm == noisy


@pytest.mark.parametrize("loudest", [0, 1, 3, 100, 1_000])
def test_silence_and_quiet_noise_are_samples(loudest: int) -> None:
    quiet = np.random.default_rng(1).integers(-loudest, loudest + 1, 16_000).astype("<i2").tobytes()
    assert decode(quiet, max_s=20).pcm == quiet


def test_raw_samples_that_begin_like_an_mpeg_frame_are_no_mp3(voice: Voice) -> None:
    spoken = b"\xff\xfb\x90\x00" + voice(2.0).pcm[4:]
    assert decode(spoken, max_s=20).pcm == spoken
