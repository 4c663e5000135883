"""Any audio that a caller may send, turned into mono PCM16."""

import io

import av.error
import soundfile
from glottis.core.audio import raw_pcm
from glottis.core.audio.containers import damaged, open_container, sound_of
from glottis.core.audio.errors import UndecodableAudio
from glottis.core.audio.formats import ACCEPTED, Container, PcmFormat, container_of, foreign_name, text_name
from glottis.core.audio.gathering import Gathering
from glottis.core.audio.mp4_claims import claims_too_much
from glottis.plugins import AudioFrame

_BLOCK_SAMPLES = 65_536


def decode(
    data: bytes, *, rate_hz: int | None = None, max_s: float, declared: PcmFormat | None = None
) -> AudioFrame:
    """Turn what a caller sent into mono PCM16 at `rate_hz`, or at its own rate.

    The format is recognised by the bytes: WAV, WebM, Ogg, MP3, FLAC, MP4. Bytes that are no container are raw
    samples if the sender `declared` so, or if they look like 16 kHz mono speech. A recording that was cut off
    gives what there is of it. Memory stays within a few times `max_s` of samples, whatever the bytes claim.

    Raises:
        UndecodableAudio: it is no such audio; says what it is, where that is known.
        AudioTooLong: it lasts longer than `max_s` seconds.
    """
    gathering = Gathering(max_s=max_s)
    container = container_of(data)
    if declared and container is Container.MP3 and not data.startswith(b"ID3"):
        container = None  # samples may look like the start of an MPEG frame: who declares them is believed
    if container is None:
        _read_raw(data, declared, gathering)
    elif container is Container.WAV:
        _read_wav(data, gathering)
    else:
        _read_container(data, container, gathering)
    return gathering.frame(rate_hz=rate_hz)


def _read_raw(data: bytes, declared: PcmFormat | None, gathering: Gathering) -> None:
    if not data:
        raise UndecodableAudio(f"there is no audio: send {ACCEPTED}")
    if declared is None:
        found = foreign_name(data) or text_name(data)
        if found:
            raise UndecodableAudio(f"this is {found}, not audio that is accepted here: send {ACCEPTED}")
        if not raw_pcm.looks_like_speech(data):
            raise UndecodableAudio(f"this is no audio that is known here: send {ACCEPTED}")
        declared = PcmFormat()
    gathering.add(raw_pcm.samples_of(data, declared), declared.sample_rate)


def _read_wav(data: bytes, gathering: Gathering) -> None:
    try:
        with soundfile.SoundFile(io.BytesIO(data)) as opened:
            block = max(1, _BLOCK_SAMPLES // opened.channels)
            while len(samples := opened.read(block, dtype="float32", always_2d=True)):
                gathering.add(samples, opened.samplerate)
    except soundfile.LibsndfileError:
        pass  # not every codec that a WAV file may hold is known to libsndfile
    if gathering.is_empty:
        # Nor does it read on when the header says 0 bytes, as one does that was written before its audio.
        _read_container(data, Container.WAV, gathering)


def _read_container(data: bytes, container: Container, gathering: Gathering) -> None:
    if container is Container.MP4 and claims_too_much(data):
        raise UndecodableAudio(damaged(container))
    try:
        with open_container(io.BytesIO(data), container) as opened:
            for samples, rate_hz in sound_of(opened, container):
                gathering.add(samples, rate_hz)
    except av.error.FFmpegError as error:
        raise UndecodableAudio(damaged(container)) from error
