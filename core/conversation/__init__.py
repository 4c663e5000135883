"""Turns of a conversation: one at a time over HTTP, and in real time."""

from glottis.core.conversation.conversation import Conversation
from glottis.core.conversation.outbox import Entry, Outbox
from glottis.core.conversation.reply import Assistant, AudioMode, Voice
from glottis.core.conversation.residents import Residents, Seat
from glottis.core.conversation.streaming import FORMATS, StreamFormat
from glottis.core.conversation.surroundings import Manners, Surroundings
from glottis.core.conversation.turn import Turn
from glottis.core.conversation.turns import Answer, Turns

__all__ = [
    "FORMATS",
    "Answer",
    "Assistant",
    "AudioMode",
    "Conversation",
    "Entry",
    "Manners",
    "Outbox",
    "Residents",
    "Seat",
    "StreamFormat",
    "Surroundings",
    "Turn",
    "Turns",
    "Voice",
]
