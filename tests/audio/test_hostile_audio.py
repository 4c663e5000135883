"""Nothing that anybody sends crashes, hangs or fills the memory: it is audio, or an AudioError."""

import json
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from glottis.core.audio import AudioError, AudioTooLong, PcmFormat, UndecodableAudio, decode, encode_clip
from glottis.plugins import AudioFrame, silence
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

Make = Callable[..., bytes]
Voice = Callable[..., AudioFrame]

FORMATS = {
    "webm": ("webm", "libopus"),
    "ogg": ("ogg", "libopus"),
    "ogg flac": ("ogg", "flac"),
    "flac": ("flac", "flac"),
    "mp3": ("mp3", "libmp3lame"),
    "m4a": ("mp4", "aac"),
    "adpcm": ("wav", "adpcm_ima_wav"),
    "wav": ("wav", "pcm_s16le"),
}
fuzzed = settings(
    max_examples=60, deadline=5_000, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def _decodes_or_refuses(data: bytes, declared: PcmFormat | None = None) -> None:
    try:
        heard = decode(data, rate_hz=16_000, max_s=5, declared=declared)
    except AudioError:
        return
    assert heard.rate_hz == 16_000
    assert 0 < heard.duration_s < 5.1


@fuzzed
@given(st.binary(max_size=3_000))
def test_random_bytes_decode_or_are_refused(data: bytes) -> None:
    _decodes_or_refuses(data)


@fuzzed
@given(
    st.sampled_from(
        [
            *(
                b"RIFF\xff\xff\xff\xffWAVEfmt ",
                b"RF64\xff\xff\xff\xffWAVEds64",
                b"OggS\0\2",
                b"fLaC\0\0\0\x22",
            ),
            *(b"\x1a\x45\xdf\xa3", b"ID3\4\0\0", b"\0\0\0\x18ftypM4A ", b"\xff\xfb\x90\x64"),
        ]
    ),
    st.binary(max_size=2_000),
)
def test_random_bytes_behind_a_true_beginning_decode_or_are_refused(beginning: bytes, rest: bytes) -> None:
    _decodes_or_refuses(beginning + rest)


@fuzzed
@given(st.binary(max_size=500), st.integers(1, 32), st.integers(4_000, 384_000))
def test_any_declared_bytes_decode_or_are_refused(data: bytes, channels: int, rate_hz: int) -> None:
    _decodes_or_refuses(data, PcmFormat(sample_rate=rate_hz, channels=channels))


@pytest.mark.parametrize("kind", FORMATS)
def test_damaged_and_cut_files_decode_or_are_refused(kind: str, voice: Voice, container: Make) -> None:
    whole = container(voice(1.0, rate_hz=48_000), *FORMATS[kind])
    places = st.integers(0, min(len(whole), 600) - 1) | st.integers(0, len(whole) - 1)
    damage = st.lists(st.tuples(places, st.binary(min_size=1, max_size=4)), max_size=20)

    @fuzzed
    @given(damage, st.integers(0, len(whole)))
    def damaged(changes: list[tuple[int, bytes]], length: int) -> None:
        data = bytearray(whole)
        for at, bytes_there in changes:
            data[at : at + len(bytes_there)] = bytes_there
        _decodes_or_refuses(bytes(data))
        _decodes_or_refuses(bytes(data[:length]))

    damaged()


@pytest.mark.parametrize("kind", [*FORMATS, "raw"])
def test_what_lasts_too_long_is_refused(kind: str, voice: Voice, container: Make) -> None:
    spoken = voice(3.0, rate_hz=16_000)
    data = spoken.pcm if kind == "raw" else container(spoken, *FORMATS[kind])
    with pytest.raises(AudioTooLong, match=r"longer than 2\.5 seconds"):
        decode(data, max_s=2.5)
    assert decode(data, max_s=3.2).duration_s == pytest.approx(3.0, abs=0.2)


def test_a_rate_or_channels_that_no_sound_has_are_refused() -> None:
    for at, value in ((24, 1), (24, 3_000_000), (22, 500)):
        wav = bytearray(encode_clip(silence(0.5, rate_hz=16_000), "wav"))
        wav[at : at + 2] = (value & 0xFFFF).to_bytes(2, "little")
        if at == 24:
            wav[24:28] = value.to_bytes(4, "little")
        with pytest.raises(UndecodableAudio):
            decode(bytes(wav), max_s=1_000)


def _mp4_that_claims(samples: int, m4a: bytes) -> bytes:
    """Let an MP4's tables claim so many samples of one byte each, in one chunk."""
    bomb = bytearray(m4a)
    sizes, chunks, times = (bomb.index(name) for name in (b"stsz", b"stsc", b"stts"))
    struct.pack_into(">II", bomb, sizes + 8, 1, samples)
    struct.pack_into(">I", bomb, chunks + 16, samples)
    struct.pack_into(">I", bomb, times + 12, samples)
    return bytes(bomb)


def _mp4_that_repeats(times: int, m4a: bytes) -> bytes:
    """Let an MP4's edit list ask for the whole of it so many times."""

    def box(name: bytes, body: bytes) -> bytes:
        return struct.pack(">I4s", 8 + len(body), name) + body

    def rebuilt(boxes: bytes) -> bytes:
        out, at = b"", 0
        while at + 8 <= len(boxes):
            size, name = struct.unpack_from(">I4s", boxes, at)
            body = boxes[at + 8 : at + size]
            if name in (b"moov", b"trak"):
                body = rebuilt(body)
            elif name == b"edts":
                edits = struct.pack(">Iii", 20_000, 0, 0x10000) * times
                body = box(b"elst", struct.pack(">II", 0, times) + edits)
            out += box(name, body)
            at += size
        return out

    return rebuilt(m4a)


MEASURE = """
import json, resource, sys, time
from pathlib import Path
from glottis.core.audio import AudioError, decode

small, *bombs = (Path(name).read_bytes() for name in sys.argv[1:])
decode(small, max_s=25)
before_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
started = time.monotonic()
for bomb in bombs:
    try:
        decode(bomb, rate_hz=16_000, max_s=25)
    except AudioError:
        pass
grown_kb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kb
print(json.dumps({"grown_mb": grown_kb / 1024, "seconds": time.monotonic() - started}))
"""


@pytest.mark.slow
def test_a_decompression_bomb_fills_no_memory(tmp_path: Path, voice: Voice, container: Make) -> None:
    long_silence = silence(1_200, rate_hz=48_000)
    m4a = container(voice(20.0, rate_hz=48_000), "mp4", "aac")
    bombs = {
        "flac": container(long_silence, "flac", "flac", layout="stereo"),
        "claims": _mp4_that_claims(100_000_000, m4a),
        "repeats": _mp4_that_repeats(20_000, m4a),
    }
    files = [tmp_path / "small", *(tmp_path / name for name in bombs)]
    files[0].write_bytes(m4a)
    for file, data in zip(files[1:], bombs.values(), strict=True):
        assert len(data) < 1_500_000
        file.write_bytes(data)
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, *map(str, files)], check=True, capture_output=True, timeout=60
    )
    assert done.stderr == b"", "a decoder wrote to the terminal"
    measured = json.loads(done.stdout)
    assert measured["grown_mb"] < 30
    assert measured["seconds"] < 10
