"""Hearing and speaking."""

from glottis.core.speech.live_audio import AudioBrokenOff, LiveAudio
from glottis.core.speech.live_reply import LiveReply
from glottis.core.speech.recognition import Heard, Recognition
from glottis.core.speech.requests import (
    DEFAULT_FORMAT,
    LiveSpeech,
    SpeechRequest,
    SpokenAudio,
    SpokenSentence,
)
from glottis.core.speech.speaker import Speaker
from glottis.core.speech.synthesis import Spoken, speak
from glottis.core.speech.voices import OfferedVoice, Voices

__all__ = [
    "DEFAULT_FORMAT",
    "AudioBrokenOff",
    "Heard",
    "LiveAudio",
    "LiveReply",
    "LiveSpeech",
    "OfferedVoice",
    "Recognition",
    "Speaker",
    "SpeechRequest",
    "Spoken",
    "SpokenAudio",
    "SpokenSentence",
    "Voices",
    "speak",
]
