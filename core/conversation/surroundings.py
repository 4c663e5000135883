"""What a conversation finds: its means, shared by all of a process, and the manners of its client."""

from collections.abc import Callable
from dataclasses import dataclass

from glottis.config import Listening
from glottis.core.audio import PcmFormat
from glottis.core.conversation.journal import History
from glottis.core.conversation.reply import Assistant, Voice
from glottis.core.conversation.streaming import StreamFormat
from glottis.core.conversation.turn import Turn
from glottis.core.listening import VoiceActivity
from glottis.core.store import SessionRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class Manners:
    """How a client wants the conversation to go; what it may say in its `start` message."""

    audio: PcmFormat | None = None
    voice: Voice = Voice()
    stream_format: StreamFormat = StreamFormat()
    wants_partials: bool = True
    by_voice: bool = True
    is_extended: bool = False
    """It has said `start`, and so knows of more messages than the first version of the protocol had."""
    listening: Listening | None = None

    def listens_like(self, other: "Manners") -> bool:
        """Tell whether speech is heard in the same way as with others."""
        mine, theirs = (
            (manners.audio, manners.by_voice, manners.is_extended, manners.listening, manners.wants_partials)
            for manners in (self, other)
        )
        return mine == theirs


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What a conversation works with; shared by all of a process."""

    assistant: Assistant
    voice_activity: VoiceActivity
    history: History
    link: Callable[[str], str]
    """Makes the URL of an audio."""
    explain: Callable[[BaseException], tuple[str, str]]
    """Gives the code and the sentence for an error."""
    observe: Callable[[SessionRecord, Turn], None]
    interrupted_in: Callable[[float], None]
    listening: Callable[[str], Listening]
    """How a project listens."""
