"""What is encoded is the sound, in pieces or at once."""

import io
from collections.abc import Callable

import pytest
import soundfile
from glottis.core.audio import CONTENT_TYPES, AudioError, Encoder, UndecodableAudio, decode, encode_clip
from glottis.plugins import AudioFrame

Voice = Callable[..., AudioFrame]
Likeness = Callable[[AudioFrame, AudioFrame], float]
RATES_HZ = (8_000, 11_025, 16_000, 22_050, 24_000, 44_100, 48_000, 96_000)


def pieces(frame: AudioFrame, samples: int) -> list[AudioFrame]:
    step = 2 * samples
    return [AudioFrame(frame.pcm[at : at + step], frame.rate_hz) for at in range(0, len(frame.pcm), step)]


@pytest.mark.parametrize("rate_hz", RATES_HZ)
@pytest.mark.parametrize("format", CONTENT_TYPES)
def test_a_clip_comes_back_as_it_was(
    format: str,  # noqa: A002 - the API's own word
    rate_hz: int,
    voice: Voice,
    likeness: Likeness,
) -> None:
    spoken = voice(2.0, rate_hz=rate_hz)
    heard = decode(encode_clip(spoken, format), rate_hz=rate_hz, max_s=10)
    assert heard.duration_s == pytest.approx(2.0, abs=0.2)  # an MP3 begins and ends with a frame of silence
    assert likeness(heard, spoken) > 0.95


@pytest.mark.parametrize("format", CONTENT_TYPES)
def test_a_stream_is_the_same_sound_in_whatever_pieces_it_comes(
    format: str,  # noqa: A002 - the API's own word
    voice: Voice,
    likeness: Likeness,
) -> None:
    spoken = voice(2.0, rate_hz=22_050)
    for samples in (1, 441, 7_777):
        encoder = Encoder(format, rate_hz=22_050)
        some = pieces(spoken, samples)[: 3_000 if samples == 1 else None]
        stream = b"".join([*(encoder.push(piece) for piece in some), encoder.finish()])
        heard = decode(stream, rate_hz=22_050, max_s=10)
        length_s = sum(piece.duration_s for piece in some)
        assert heard.duration_s == pytest.approx(length_s, abs=0.15)
        assert likeness(heard, AudioFrame(b"".join(piece.pcm for piece in some), 22_050)) > 0.9


@pytest.mark.parametrize("format", CONTENT_TYPES)
def test_a_stream_is_heard_while_it_is_made(
    format: str,  # noqa: A002 - the API's own word
    voice: Voice,
) -> None:
    encoder = Encoder(format, rate_hz=24_000)
    early = b"".join(encoder.push(piece) for piece in pieces(voice(1.0, rate_hz=24_000), 480))
    assert decode(early, max_s=10).duration_s > 0.6


@pytest.mark.parametrize("format", CONTENT_TYPES)
def test_another_voice_may_take_over_at_another_rate(
    format: str,  # noqa: A002 - the API's own word
    voice: Voice,
) -> None:
    encoder = Encoder(format, rate_hz=24_000)
    frames = (voice(1.0, rate_hz=22_050), voice(1.0, rate_hz=16_000), voice(1.0, rate_hz=24_000))
    stream = b"".join([*map(encoder.push, frames), encoder.finish()])
    assert decode(stream, max_s=10).duration_s == pytest.approx(3.0, abs=0.15)


@pytest.mark.parametrize("format", CONTENT_TYPES)
def test_a_stream_without_sound_ends_without_trouble(format: str) -> None:  # noqa: A002 - the API's own word
    encoder = Encoder(format, rate_hz=16_000)
    stream = encoder.push(AudioFrame(b"", 22_050)) + encoder.finish()
    with pytest.raises(UndecodableAudio):
        decode(stream, max_s=10)


def test_a_clip_of_wav_tells_its_length(voice: Voice) -> None:
    spoken = voice(1.5, rate_hz=22_050)
    wav = encode_clip(spoken, "wav")
    info = soundfile.info(io.BytesIO(wav))
    assert (info.samplerate, info.channels, info.frames) == (22_050, 1, spoken.sample_count)
    assert int.from_bytes(wav[4:8], "little") == len(wav) - 8


def test_a_stream_of_wav_begins_with_a_header_that_claims_no_length(voice: Voice) -> None:
    encoder = Encoder("wav", rate_hz=16_000)
    first = encoder.push(voice(0.1))
    assert first[:4] == b"RIFF"
    assert first[40:44] == b"\xff\xff\xff\xff"
    assert encoder.push(voice(0.1)) == voice(0.1).pcm


def test_a_rate_that_the_format_lacks_is_raised_to_one_that_it_has() -> None:
    assert Encoder("mp3", rate_hz=16_001).rate_hz == 22_050
    assert Encoder("mp3", rate_hz=96_000).rate_hz == 48_000
    assert Encoder("opus", rate_hz=22_050).rate_hz == 24_000
    assert Encoder("wav", rate_hz=11_000).rate_hz == 11_000


def test_every_format_has_its_content_type() -> None:
    assert CONTENT_TYPES == {"mp3": "audio/mpeg", "opus": "audio/ogg", "wav": "audio/wav"}
    assert {name: Encoder(name, rate_hz=16_000).content_type for name in CONTENT_TYPES} == CONTENT_TYPES


def test_an_mp3_is_64_kbit_per_second_and_mono(voice: Voice) -> None:
    mp3 = encode_clip(voice(10.0, rate_hz=22_050), "mp3")
    assert len(mp3) * 8 / 10 == pytest.approx(64_000, rel=0.03)
    assert soundfile.info(io.BytesIO(mp3)).channels == 1


@pytest.mark.parametrize(
    "make", [lambda: Encoder("aac", rate_hz=16_000), lambda: encode_clip(AudioFrame(b"", 1), "MP3")]
)
def test_an_unknown_format_is_refused_with_those_that_there_are(make: Callable[[], object]) -> None:
    with pytest.raises(AudioError, match="accepted: mp3, opus, wav"):
        make()
