"""What a client streams is heard as it comes, in whatever pieces."""

import asyncio
import random
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Sequence

import av
import numpy as np
import pytest
from glottis.core.audio import AudioTooLong, LiveDecoder, PcmFormat, UndecodableAudio, resample
from glottis.plugins import AudioFrame
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

Voice = Callable[..., AudioFrame]
Make = Callable[..., bytes]
Likeness = Callable[[AudioFrame, AudioFrame], float]
Record = Callable[..., list[bytes]]


@pytest.fixture(autouse=True)
def _no_thread_left() -> Iterator[None]:
    yield
    assert not [thread for thread in threading.enumerate() if thread.name == "live-audio"]


@pytest.fixture
async def decoder() -> AsyncIterator[LiveDecoder]:
    decoder = LiveDecoder()
    yield decoder
    await decoder.aclose()


@pytest.fixture(scope="session")
def record() -> Record:
    """Record as MediaRecorder(stream).start(timeslice): the header in the first piece, then as it comes."""

    class Pieces:
        def __init__(self) -> None:
            self.written = bytearray()

        def write(self, data: bytes) -> int:
            self.written += data
            return len(data)

        def take(self) -> bytes:
            taken, self.written = bytes(self.written), bytearray()
            return taken

    def recorded(frame: AudioFrame, *, muxer: str = "webm", timeslice_s: float = 1.0) -> list[bytes]:
        out, pieces = Pieces(), []
        options = {"live": "1", "cluster_time_limit": "60"} if muxer == "webm" else {"page_duration": "20000"}
        with av.open(out, "w", format=muxer, options=options) as opened:
            stream = opened.add_stream("libopus", rate=frame.rate_hz, layout="mono")
            samples, size = np.frombuffer(frame.pcm, "<i2"), round(timeslice_s * frame.rate_hz)
            for at in range(0, samples.size, size):
                sound = av.AudioFrame.from_ndarray(
                    samples[at : at + size].reshape(1, -1), format="s16", layout="mono"
                )
                sound.sample_rate, sound.pts = frame.rate_hz, at
                opened.mux(stream.encode(sound))
                pieces.append(out.take())
            opened.mux(stream.encode(None))
        return [*pieces, out.take()]

    return recorded


async def stream(decoder: LiveDecoder, chunks: Sequence[bytes]) -> AudioFrame:
    """Send all chunks and the end of the utterance."""
    pieces = [await decoder.decode(chunk) for chunk in chunks]
    return AudioFrame(b"".join([*pieces, await decoder.end_utterance()]), 16_000)


def cut(data: bytes, *, seed: int = 1, sizes: Sequence[int] = (1, 3, 17, 200, 999)) -> list[bytes]:
    """Cut at places that have nothing to do with what the bytes say."""
    chance, chunks, at = random.Random(seed), [], 0  # noqa: S311 - nothing secret
    while at < len(data):
        size = chance.choice(sizes)
        chunks.append(data[at : at + size])
        at += size
    return chunks


@pytest.mark.parametrize("muxer", ["webm", "ogg"])
async def test_a_recorders_pieces_are_heard_piece_by_piece(
    muxer: str, decoder: LiveDecoder, record: Record, voice: Voice, likeness: Likeness
) -> None:
    spoken = voice(5.0, rate_hz=48_000)
    pcm = b""
    for second, piece in enumerate(record(spoken, muxer=muxer)[:5], start=1):
        pcm += await decoder.decode(piece)
        assert len(pcm) / 32_000 == pytest.approx(second, abs=0.15)
    assert likeness(AudioFrame(pcm, 16_000), resample(spoken, rate_hz=16_000)) > 0.95


async def test_a_recorder_goes_on_after_an_utterance_without_another_header(
    decoder: LiveDecoder, record: Record, voice: Voice
) -> None:
    pieces = record(voice(4.0, rate_hz=48_000))
    first = await stream(decoder, pieces[:2])
    second = await stream(decoder, pieces[2:])
    assert first.duration_s == pytest.approx(2, abs=0.1)
    assert first.duration_s + second.duration_s == pytest.approx(4, abs=0.1)


async def test_a_second_recording_follows_the_first(
    decoder: LiveDecoder, record: Record, voice: Voice
) -> None:
    webm, ogg = (record(voice(2.0, rate_hz=48_000), muxer=muxer) for muxer in ("webm", "ogg"))
    for pieces in (webm, webm, ogg, ogg, webm, ogg):
        heard = await stream(decoder, pieces)
        assert heard.duration_s == pytest.approx(2, abs=0.15)


CONTAINERS: list[tuple[str, str, dict[str, str]]] = [
    ("webm", "libopus", {}),
    ("ogg", "libopus", {}),
    ("ogg", "flac", {}),
    ("flac", "flac", {}),
    ("mp3", "libmp3lame", {}),
    ("mp3", "libmp3lame", {"id3v2_version": "0", "write_xing": "0"}),
    ("mp4", "aac", {}),
    ("mp4", "aac", {"movflags": "frag_keyframe+empty_moov+default_base_moof", "frag_duration": "200000"}),
    ("mov", "pcm_s16le", {}),
    ("wav", "pcm_s16le", {}),
    ("wav", "pcm_s24le", {}),
    ("wav", "adpcm_ima_wav", {}),
]


@pytest.mark.parametrize(("muxer", "codec", "options"), CONTAINERS)
@pytest.mark.parametrize("cuts", ["whole", "anywhere"])
async def test_every_container_is_heard_twice_in_a_row_however_it_is_cut(
    muxer: str,
    codec: str,
    options: dict[str, str],
    cuts: str,
    decoder: LiveDecoder,
    voice: Voice,
    container: Make,
    likeness: Likeness,
) -> None:
    spoken = voice(2.0, rate_hz=48_000)
    data = container(spoken, muxer, codec, **options)
    for seed in (1, 2):
        chunks = [data] if cuts == "whole" else [data[:20], *cut(data[20:], seed=seed)]
        heard = await stream(decoder, chunks)
        assert heard.duration_s == pytest.approx(2, abs=0.12)
        assert likeness(heard, resample(spoken, rate_hz=16_000)) > 0.94


async def test_a_browsers_mp4_is_heard_while_it_comes(
    decoder: LiveDecoder, voice: Voice, container: Make
) -> None:
    fragments = {"movflags": "frag_keyframe+empty_moov+default_base_moof", "frag_duration": "200000"}
    data = container(voice(3.0, rate_hz=48_000), "mp4", "aac", **fragments)
    half = await decoder.decode(data[: len(data) // 2])
    assert len(half) / 32_000 == pytest.approx(1.5, abs=0.4)


async def test_the_first_samples_of_a_wav_are_heard_at_once(decoder: LiveDecoder, voice: Voice) -> None:
    spoken = voice(1.0)
    header = (
        b"RIFF\xff\xff\xff\xffWAVEfmt \x10\0\0\0\1\0\1\0\x80\x3e\0\0\0\x7d\0\0\2\0\x10\0data\xff\xff\xff\xff"
    )
    assert await decoder.decode(header + spoken.pcm[:640]) == spoken.pcm[:640]
    assert await decoder.decode(spoken.pcm[640:]) == spoken.pcm[640:]


async def test_what_follows_the_samples_of_a_wav_is_not_heard(
    decoder: LiveDecoder, voice: Voice, container: Make
) -> None:
    spoken = voice(1.0)
    wav = container(spoken, "wav", "pcm_s16le")
    assert (await stream(decoder, cut(wav + b"LIST\x04\0\0\0INFO"))).pcm == spoken.pcm


@pytest.mark.parametrize(("rate_hz", "channels"), [(8_000, 1), (16_000, 1), (44_100, 2), (48_000, 3)])
async def test_declared_samples_come_out_at_one_rate_however_they_are_cut(
    rate_hz: int, channels: int, voice: Voice, likeness: Likeness
) -> None:
    decoder = LiveDecoder(declared=PcmFormat(sample_rate=rate_hz, channels=channels))
    spoken = voice(1.5, rate_hz=rate_hz)
    data = np.repeat(np.frombuffer(spoken.pcm, "<i2"), channels).tobytes()
    heard = await stream(decoder, cut(data))
    assert heard.duration_s == pytest.approx(1.5, abs=0.01)
    assert likeness(heard, resample(spoken, rate_hz=16_000)) > 0.98
    large = await stream(decoder, [data])
    assert large.duration_s == pytest.approx(1.5, abs=0.01)
    await decoder.aclose()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50, deadline=None)
@given(sizes=st.lists(st.integers(1, 900), min_size=1, max_size=20))
def test_samples_that_nobody_declared_pass_as_they_are(sizes: list[int], voice: Voice) -> None:
    async def run() -> bytes:
        decoder = LiveDecoder()
        return (await stream(decoder, cut(voice(0.5).pcm, sizes=sizes))).pcm

    assert asyncio.run(run()) == voice(0.5).pcm


async def test_quiet_samples_that_look_like_an_mpeg_frame_are_heard_as_samples(decoder: LiveDecoder) -> None:
    pcm = b"\xff\xfb\x90\xc0" + bytes(20_000)
    assert (await stream(decoder, [pcm[:640], pcm[640:]])).pcm == pcm


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"\x89PNG\r\n\x1a\n" + bytes(200), "a PNG image"),
        (b"<!doctype html><html>" + b" " * 100, "an HTML page"),
        (b'{"type": "audio"}' * 10, "JSON"),
        (b"\x1a\x45\xdf\xa3" + b"\x42" * 20_000, "WebM"),
        (b"RIFF\0\0\0\0WAVEdata" + bytes(200), "WAV"),
        (b"RIFF\0\0\0\0WAVEfmt \x10\0\0\0\1\0\1\0\1\0\0\0\2\0\0\0\2\0\x10\0data" + bytes(200), "sample_rate"),
        (b"\0\0\0\x18ftypisom" + bytes(12) + b"\x7f\xff\xff\xffmoov" + bytes(99), "MP4"),
    ],
)
async def test_what_is_no_such_audio_is_refused_and_the_next_recording_is_heard(
    data: bytes, said: str, decoder: LiveDecoder, record: Record, voice: Voice
) -> None:
    with pytest.raises(UndecodableAudio, match=said):
        await stream(decoder, [data])
    heard = await stream(decoder, record(voice(1.0, rate_hz=48_000)))
    assert heard.duration_s == pytest.approx(1, abs=0.1)


async def test_the_rest_of_a_recording_that_broke_off_is_not_taken_for_samples(
    decoder: LiveDecoder, record: Record, voice: Voice
) -> None:
    pieces = record(voice(3.0, rate_hz=48_000))
    with pytest.raises(UndecodableAudio):
        await decoder.decode(pieces[0][:60] + bytes(9 * 2**20))
    with pytest.raises(UndecodableAudio, match="without its beginning"):
        await decoder.decode(pieces[1][7:])
    assert (await stream(decoder, pieces)).duration_s == pytest.approx(3, abs=0.1)


async def test_a_chunk_that_stands_for_too_long_is_refused(container: Make) -> None:
    flac = container(AudioFrame(bytes(2 * 16_000 * 60), 16_000), "flac", "flac")
    decoder = LiveDecoder(max_s=10)
    with pytest.raises(AudioTooLong):
        await decoder.decode(flac)
    await decoder.aclose()


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40, deadline=None)
@given(data=st.data())
def test_damaged_bytes_never_hang_or_raise_anything_else(
    data: st.DataObject, record: Record, voice: Voice, container: Make
) -> None:
    short = voice(0.5, rate_hz=48_000)
    whole = data.draw(
        st.sampled_from(
            [b"".join(record(short)), *(container(short, m, c, **options) for m, c, options in CONTAINERS)]
        )
    )
    harmed = bytearray(whole)
    for at in data.draw(st.lists(st.integers(0, len(whole) - 1), min_size=1, max_size=20)):
        harmed[at] ^= data.draw(st.integers(1, 255))

    async def run() -> None:
        decoder = LiveDecoder()
        for chunk in cut(bytes(harmed), sizes=(100, 1_000, 4_000)):
            try:
                await decoder.decode(chunk)
            except (UndecodableAudio, AudioTooLong):
                break
        await decoder.aclose()

    asyncio.run(run())


async def test_a_call_that_is_cancelled_leaves_no_thread_and_the_next_recording_is_heard(
    decoder: LiveDecoder, record: Record, voice: Voice
) -> None:
    pieces = record(voice(5.0, rate_hz=48_000))
    calling = asyncio.create_task(decoder.decode(b"".join(pieces)))
    await asyncio.sleep(0)
    calling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await calling
    assert (await stream(decoder, pieces)).duration_s == pytest.approx(5, abs=0.1)


async def test_nothing_sent_is_nothing_heard(decoder: LiveDecoder) -> None:
    assert await decoder.decode(b"") == b""
    assert await decoder.end_utterance() == b""
    assert await decoder.decode(b"\0") == b""
    assert await decoder.end_utterance() == b""
