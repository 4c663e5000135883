"""Hearing and speaking."""

from glottis.core.speech.recognition import Heard, Recognition
from glottis.core.speech.speaker import DEFAULT_FORMAT, Speaker, SpeechRequest, SpokenAudio
from glottis.core.speech.synthesis import Spoken, speak
from glottis.core.speech.voices import OfferedVoice, Voices

__all__ = [
    "DEFAULT_FORMAT",
    "Heard",
    "OfferedVoice",
    "Recognition",
    "Speaker",
    "SpeechRequest",
    "Spoken",
    "SpokenAudio",
    "Voices",
    "speak",
]
