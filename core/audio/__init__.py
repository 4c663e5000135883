"""Audio in any format a caller may send or want. All but `LiveDecoder` blocks the CPU: use a thread."""

from glottis.core.audio.decoding import decode
from glottis.core.audio.encoding import CONTENT_TYPES, Encoder, encode_clip, wav_clip
from glottis.core.audio.errors import AudioError, AudioTooLong, UndecodableAudio
from glottis.core.audio.files import decode_file, media_type_of
from glottis.core.audio.formats import PcmFormat
from glottis.core.audio.live_decoding import LiveDecoder
from glottis.core.audio.live_loudness import LiveLoudness
from glottis.core.audio.loudness import is_silent, level_dbfs, normalize, normalize_measured
from glottis.core.audio.resampling import resample

__all__ = [
    "CONTENT_TYPES",
    "AudioError",
    "AudioTooLong",
    "Encoder",
    "LiveDecoder",
    "LiveLoudness",
    "PcmFormat",
    "UndecodableAudio",
    "decode",
    "decode_file",
    "encode_clip",
    "is_silent",
    "level_dbfs",
    "media_type_of",
    "normalize",
    "normalize_measured",
    "resample",
    "wav_clip",
]
