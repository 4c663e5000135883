"""A client of a Glottis server, for Python: `async with connect(url, project="demo") as conversation`.

It needs httpx and websockets, and none of the server's own code.
"""

from glottis.api.client.conversation import Conversation, connect
from glottis.api.client.errors import (
    ClientError,
    ProtocolError,
    Refused,
    Replaced,
    ServerAway,
    SessionOver,
    UnknownProject,
    WrongPassword,
)
from glottis.api.client.messages import (
    Action,
    Audio,
    AudioData,
    AudioEnd,
    Interrupted,
    Message,
    Metrics,
    Paused,
    Problem,
    Response,
    Resumed,
    ResumedSpeaking,
    Sentence,
    Source,
    Status,
    Transcription,
)
from glottis.api.client.session import Session
from glottis.api.client.training import Sample, Training, TrainingJob, open_training
from glottis.api.client.wishes import Endpointing, Wishes

__all__ = [
    "Action",
    "Audio",
    "AudioData",
    "AudioEnd",
    "ClientError",
    "Conversation",
    "Endpointing",
    "Interrupted",
    "Message",
    "Metrics",
    "Paused",
    "Problem",
    "ProtocolError",
    "Refused",
    "Replaced",
    "Response",
    "Resumed",
    "ResumedSpeaking",
    "Sample",
    "Sentence",
    "ServerAway",
    "Session",
    "SessionOver",
    "Source",
    "Status",
    "Training",
    "TrainingJob",
    "Transcription",
    "UnknownProject",
    "Wishes",
    "WrongPassword",
    "connect",
    "open_training",
]
