"""Audio in a file: decoded from where it lies, so that its bytes are never in memory as a whole."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av.error
import soundfile
from glottis.core.audio.containers import damaged, open_container, sound_of
from glottis.core.audio.errors import UndecodableAudio
from glottis.core.audio.formats import Container, container_of, foreign_name, text_name
from glottis.core.audio.gathering import Gathering
from glottis.core.audio.mp4_claims import claims_too_much
from glottis.plugins import AudioFrame
from numpy.typing import NDArray

_HEAD_BYTES = 2**20  # past the picture that some put before the sound
_BLOCK_SAMPLES = 65_536
_ACCEPTED = "WAV, WebM, Ogg, MP3, FLAC or MP4 audio"
_MEDIA_TYPES = {
    Container.WAV: "audio/wav",
    Container.WEBM: "audio/webm",
    Container.OGG: "audio/ogg",
    Container.MP3: "audio/mpeg",
    Container.FLAC: "audio/flac",
    Container.MP4: "audio/mp4",
}


def media_type_of(path: Path) -> str:
    """Tell what a file is by how it begins: a content type.

    Raises:
        UndecodableAudio: it is no container of audio; says what it is, where that is known.
    """
    return _MEDIA_TYPES[_container(path)]


def decode_file(path: Path, *, rate_hz: int | None = None, max_s: float) -> AudioFrame:
    """Do what `decode` does with a file, which has to say itself what it is: raw samples do not.

    Raises:
        UndecodableAudio: it is no such audio; says what it is, where that is known.
        AudioTooLong: it lasts longer than `max_s` seconds.
    """
    container = _container(path)
    gathering = Gathering(max_s=max_s)
    if container is Container.WAV:
        for samples, own_hz in _wav(path):
            gathering.add(samples, own_hz)
    if gathering.is_empty:
        _read(path, container, gathering)
    return gathering.frame(rate_hz=rate_hz)


def _container(path: Path) -> Container:
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    container = container_of(head)
    if container is None:
        found = foreign_name(head) or text_name(head)
        what = f"this is {found}, not audio" if found else "this is no audio that is known here"
        raise UndecodableAudio(f"{what}: send {_ACCEPTED}")
    if container is Container.MP4 and claims_too_much(path.read_bytes()):
        raise UndecodableAudio(damaged(container))
    return container


def _wav(path: Path) -> Iterator[tuple[NDArray[Any], int]]:
    try:
        with soundfile.SoundFile(path) as opened:
            block = max(1, _BLOCK_SAMPLES // opened.channels)
            while len(samples := opened.read(block, dtype="float32", always_2d=True)):
                yield samples, opened.samplerate
    except soundfile.LibsndfileError:
        return  # not every codec that a WAV file may hold is known to libsndfile


def _read(path: Path, container: Container, gathering: Gathering) -> None:
    try:
        with path.open("rb") as file, open_container(file, container) as opened:
            for samples, rate_hz in sound_of(opened, container):
                gathering.add(samples, rate_hz)
    except av.error.FFmpegError as error:
        raise UndecodableAudio(damaged(container)) from error
