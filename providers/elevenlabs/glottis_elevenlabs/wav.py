"""A WAV file around PCM."""

import io
import wave

from glottis.plugins import AudioFrame

HEADER_BYTES = 44


def wav_file(clip: AudioFrame) -> bytes:
    """Write a clip as a WAV file: mono, 16 bits. Copies all of it: call it in a thread."""
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(1)
        writer.setsampwidth(2)
        writer.setframerate(clip.rate_hz)
        writer.writeframes(clip.pcm)
    return file.getvalue()
