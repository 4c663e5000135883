"""Turns of a conversation."""

from glottis.core.conversation.turns import Answer, Turns
from glottis.core.conversation.utterance import Chunk, Utterance

__all__ = ["Answer", "Chunk", "Turns", "Utterance"]
