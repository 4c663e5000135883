"""Hearing when somebody speaks, what is said, and when a turn has ended."""

from glottis.core.listening.endpointing import Endpointer, Speech
from glottis.core.listening.transcription import LiveTranscription
from glottis.core.listening.voice_activity import WINDOW_BYTES, WINDOW_MS, Silero, VoiceActivity, VoiceStream

__all__ = [
    "WINDOW_BYTES",
    "WINDOW_MS",
    "Endpointer",
    "LiveTranscription",
    "Silero",
    "Speech",
    "VoiceActivity",
    "VoiceStream",
]
