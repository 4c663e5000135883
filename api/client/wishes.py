"""How a client wants its conversation to go: what it tells the server first."""

from dataclasses import asdict, dataclass, field
from typing import Any, Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpointing:
    """When a turn begins and ends, and what interrupts; what is None is as the project has it."""

    mode: Literal["voice", "manual"] = "voice"
    silence_ms: float | None = None
    minimum_speech_ms: float | None = None
    interrupt_ms: float | None = None
    longest_turn_s: float | None = None
    speculation: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What the client sends, and how it wants to be answered.

    `encoding`: "pcm16" is raw PCM of `rate_hz` and `channels`; of "auto", its own bytes tell what it is.
    `reply`: answers come as the URL of a file, as a stream of `AudioData`, or as text alone.
    `reply_format`: mp3, opus, wav or, streamed, pcm16; None is the server's choice (mp3; streamed: pcm16).
    """

    encoding: Literal["pcm16", "auto"] = "auto"
    rate_hz: int = 16_000
    channels: int = 1
    reply: Literal["url", "stream", "none"] = "url"
    reply_format: Literal["mp3", "opus", "wav", "pcm16"] | None = None
    reply_rate_hz: int = 24_000
    wants_partials: bool = True
    endpointing: Endpointing = field(default_factory=Endpointing)

    def as_message(self) -> dict[str, Any]:
        """Give the `start` message."""
        reply: dict[str, Any] = {"audio": self.reply, "sample_rate": self.reply_rate_hz}
        if self.reply_format is not None:
            reply["format"] = self.reply_format
        ending = {name: value for name, value in asdict(self.endpointing).items() if value is not None}
        return {
            "type": "start",
            "audio": {"encoding": self.encoding, "sample_rate": self.rate_hz, "channels": self.channels},
            "reply": reply,
            "partials": self.wants_partials,
            "endpointing": ending,
        }
