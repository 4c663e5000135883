"""Every container that a caller may send comes out as the sound that went in."""

import io
from collections.abc import Callable

import av
import numpy as np
import pytest
from glottis.core.audio import PcmFormat, UndecodableAudio, decode, encode_clip
from glottis.plugins import AudioFrame

Make = Callable[..., bytes]
Voice = Callable[..., AudioFrame]
Likeness = Callable[[AudioFrame, AudioFrame], float]


@pytest.mark.parametrize(
    ("muxer", "codec", "options"),
    [
        ("webm", "libopus", {}),
        ("ogg", "libopus", {}),
        ("ogg", "flac", {}),
        ("flac", "flac", {}),
        ("mp3", "libmp3lame", {}),
        ("mp3", "libmp3lame", {"id3v2_version": "0", "write_xing": "0"}),
        ("mp4", "aac", {}),
        ("mp4", "aac", {"movflags": "frag_keyframe+empty_moov+default_base_moof"}),
        ("ipod", "alac", {}),
        ("mov", "pcm_s16le", {}),
        ("wav", "adpcm_ima_wav", {}),
        ("matroska", "pcm_s16le", {}),
    ],
)
@pytest.mark.parametrize("layout", ["mono", "stereo"])
def test_a_container_gives_back_its_sound(
    muxer: str,
    codec: str,
    options: dict[str, str],
    layout: str,
    voice: Voice,
    container: Make,
    likeness: Likeness,
) -> None:
    spoken = voice(2.0, rate_hz=48_000)
    heard = decode(container(spoken, muxer, codec, layout=layout, **options), rate_hz=48_000, max_s=10)
    assert heard.duration_s == pytest.approx(2.0, abs=0.08)
    assert likeness(heard, spoken) > 0.95


@pytest.mark.parametrize(
    ("kind", "subtype"),
    [
        ("WAV", "PCM_16"),
        ("WAV", "PCM_U8"),
        ("WAV", "PCM_24"),
        ("WAV", "PCM_32"),
        ("WAV", "FLOAT"),
        ("WAV", "DOUBLE"),
        ("WAV", "ULAW"),
        ("WAV", "ALAW"),
        ("WAV", "MS_ADPCM"),
        ("WAVEX", "PCM_16"),
        ("WAVEX", "FLOAT"),
        ("RF64", "PCM_16"),
        ("RF64", "PCM_24"),
        ("OGG", "VORBIS"),
        ("FLAC", "PCM_24"),
    ],
)
@pytest.mark.parametrize("channels", [1, 2, 6])
def test_every_kind_of_samples_gives_back_its_sound(
    kind: str, subtype: str, channels: int, voice: Voice, sound_file: Make, likeness: Likeness
) -> None:
    if subtype == "MS_ADPCM":
        channels = min(channels, 2)
    spoken = voice(1.0, rate_hz=44_100)
    heard = decode(sound_file(spoken, kind, subtype, channels=channels), max_s=10)
    assert heard.rate_hz == 44_100
    assert heard.duration_s == pytest.approx(1.0, abs=0.03)
    assert likeness(heard, spoken) > 0.95


def test_a_recording_of_media_recorder_needs_no_duration(
    voice: Voice, media_recorder: Callable[[AudioFrame], bytes], likeness: Likeness
) -> None:
    spoken = voice(3.0, rate_hz=48_000)
    heard = decode(media_recorder(spoken), max_s=10)
    assert heard.duration_s == pytest.approx(3.0, abs=0.05)
    assert likeness(heard, spoken) > 0.95


@pytest.mark.parametrize("kept", [0.3, 0.65, 0.99])
def test_a_recording_that_was_cut_gives_what_there_is(
    kept: float, voice: Voice, media_recorder: Callable[[AudioFrame], bytes]
) -> None:
    recording = media_recorder(voice(5.0, rate_hz=48_000))
    heard = decode(recording[: int(kept * len(recording))], max_s=10)
    assert heard.duration_s == pytest.approx(5.0 * kept, abs=0.6)


@pytest.mark.parametrize(
    ("muxer", "codec"),
    [("mp3", "libmp3lame"), ("flac", "flac"), ("wav", "pcm_s16le"), ("ogg", "libopus")],
)
def test_a_file_that_was_cut_gives_what_there_is(
    muxer: str, codec: str, voice: Voice, container: Make
) -> None:
    whole = container(voice(5.0, rate_hz=48_000), muxer, codec)
    heard = decode(whole[: len(whole) // 2], max_s=10)
    assert 1.0 < heard.duration_s < 4.0


def test_a_later_piece_of_a_recording_is_refused_for_what_it_is(
    voice: Voice, media_recorder: Callable[[AudioFrame], bytes]
) -> None:
    recording = media_recorder(voice(2.0, rate_hz=48_000))
    second_cluster = recording.index(b"\x1f\x43\xb6\x75", 2000)
    with pytest.raises(UndecodableAudio, match="without its beginning"):
        decode(recording[second_cluster:], max_s=10)


def test_an_mp3_with_a_tag_of_another_century_and_a_picture_is_read(voice: Voice, container: Make) -> None:
    mp3 = container(voice(1.0, rate_hz=44_100), "mp3", "libmp3lame", id3v2_version="0", write_xing="0")
    text = b"TIT2" + (6).to_bytes(4, "big") + b"\0\0" + b"\0Bj\xf6rk"
    picture = b"APIC" + (60_000).to_bytes(4, "big") + b"\0\0" + bytes(60_000)
    body = text + picture
    size = bytes(len(body) >> shift & 0x7F for shift in (21, 14, 7, 0))
    heard = decode(b"ID3\x03\0\0" + size + body + mp3, max_s=10)
    assert heard.duration_s == pytest.approx(1.0, abs=0.1)


def test_a_flac_behind_an_mp3_tag_is_read(voice: Voice, container: Make) -> None:
    flac = container(voice(1.0), "flac", "flac")
    heard = decode(b"ID3\x03\0\0\0\0\0\x0a" + bytes(10) + flac, max_s=10)
    assert heard.duration_s == pytest.approx(1.0)


def test_a_stream_whose_rate_changes_on_the_way_is_joined_at_one(voice: Voice, container: Make) -> None:
    plain = {"id3v2_version": "0", "write_xing": "0"}
    first = container(voice(1.0, rate_hz=44_100), "mp3", "libmp3lame", **plain)
    second = container(voice(1.0, rate_hz=32_000), "mp3", "libmp3lame", **plain)
    heard = decode(first + second, rate_hz=16_000, max_s=10)
    assert heard.rate_hz == 16_000
    assert heard.duration_s == pytest.approx(2.0, abs=0.2)


def test_the_sound_of_a_film_is_taken_and_its_pictures_are_not(voice: Voice) -> None:
    out, spoken = io.BytesIO(), voice(1.0, rate_hz=48_000)
    with av.open(out, "w", format="mp4") as opened:
        pictures = opened.add_stream("mpeg4", rate=10)
        pictures.width, pictures.height, pictures.pix_fmt = 64, 64, "yuv420p"
        stream = opened.add_stream("aac", rate=48_000, layout="mono")
        for _ in range(10):
            opened.mux(pictures.encode(av.VideoFrame(64, 64, "yuv420p")))
        opened.mux(pictures.encode(None))
        sound = av.AudioFrame.from_ndarray(
            np.frombuffer(spoken.pcm, "<i2").reshape(1, -1), format="s16", layout="mono"
        )
        sound.sample_rate = 48_000
        opened.mux(stream.encode(sound))
        opened.mux(stream.encode(None))
    assert decode(out.getvalue(), max_s=10).duration_s == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize("size", [0, 0xFFFF_FFFF])
def test_a_wav_header_written_before_the_length_was_known_is_read_to_the_end(size: int, voice: Voice) -> None:
    wav = bytearray(encode_clip(voice(1.0), "wav"))
    wav[4:8] = wav[40:44] = size.to_bytes(4, "little")
    assert decode(bytes(wav), max_s=10).duration_s == pytest.approx(1.0)


def test_declared_samples_are_taken_as_they_are(voice: Voice) -> None:
    spoken = voice(1.0, rate_hz=8_000)
    heard = decode(spoken.pcm, declared=PcmFormat(sample_rate=8_000), max_s=10)
    assert heard == spoken


def test_declared_channels_are_mixed(voice: Voice) -> None:
    spoken = voice(0.5)
    left_only = b"".join(spoken.pcm[at : at + 2] + b"\0\0" for at in range(0, len(spoken.pcm), 2))
    heard = decode(left_only, declared=PcmFormat(channels=2), max_s=10)
    assert heard.duration_s == spoken.duration_s
    assert max(heard.pcm[1::2]) > 0


def test_a_container_wins_over_a_declaration_of_raw_samples(voice: Voice) -> None:
    spoken = voice(1.0, rate_hz=24_000)
    assert decode(encode_clip(spoken, "wav"), declared=PcmFormat(), max_s=10) == spoken


def test_declared_samples_that_look_like_text_or_noise_are_still_samples() -> None:
    for data in (b"hello, it is me", b"\xff\xfb\x90\x64" * 100, b"BM" * 100):
        assert decode(data, declared=PcmFormat(), max_s=10).sample_count == len(data) // 2


@pytest.mark.parametrize("field", [{"encoding": "mulaw"}, {"sample_rate": 1}, {"channels": 0}])
def test_a_pcm_format_that_cannot_be_is_refused(field: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=next(iter(field))):
        PcmFormat(**field)  # type: ignore[arg-type] # a value of the wrong kind is the point
