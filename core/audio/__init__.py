"""Audio in any format a caller may send or want; everything here blocks the CPU: call it in a thread."""

from glottis.core.audio.decoding import decode
from glottis.core.audio.encoding import CONTENT_TYPES, Encoder, encode_clip
from glottis.core.audio.errors import AudioError, AudioTooLong, UndecodableAudio
from glottis.core.audio.formats import PcmFormat
from glottis.core.audio.loudness import is_silent, level_dbfs, normalize
from glottis.core.audio.resampling import resample

__all__ = [
    "CONTENT_TYPES",
    "AudioError",
    "AudioTooLong",
    "Encoder",
    "PcmFormat",
    "UndecodableAudio",
    "decode",
    "encode_clip",
    "is_silent",
    "level_dbfs",
    "normalize",
    "resample",
]
