"""How a conversation listens: when somebody speaks, pauses, has finished, and may interrupt."""

from collections.abc import Iterator

from pydantic import BaseModel, ConfigDict, Field

# Voice activity is told for windows of 32 ms: shorter times are all one.
_WINDOW_MS = 32


class Listening(BaseModel):
    """What decides over the beginning and the end of a turn, in plugins.toml as `[listening]`.

    A project's `[projects.NAME.listening]` holds only what differs there: see `overridden_by`.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    start_probability: float = Field(default=0.5, gt=0, le=1)
    end_probability: float = Field(default=0.35, gt=0, le=1)
    minimum_speech_ms: float = Field(default=128, ge=_WINDOW_MS, le=2_000)
    pause_ms: float = Field(default=224, ge=_WINDOW_MS, le=5_000)
    silence_ms: float = Field(default=608, ge=_WINDOW_MS, le=10_000)
    longest_turn_s: float = Field(default=60, ge=1, le=600)
    interrupt_ms: float = Field(default=256, ge=_WINDOW_MS, le=5_000)
    speculation: bool = True

    def overridden_by(self, other: "Listening") -> "Listening":
        """Return a copy in which what was set in `other` holds, its defaults left aside."""
        return self.model_copy(update={name: getattr(other, name) for name in other.model_fields_set})

    def contradictions(self) -> Iterator[tuple[str, str]]:
        """List keys that do not fit another, each with what is wrong."""
        if self.end_probability > self.start_probability:
            yield "end_probability", f"is above start_probability, {self.start_probability:g}"
        if self.pause_ms > self.silence_ms:
            yield "pause_ms", f"is longer than silence_ms, {self.silence_ms:g}"
        if self.minimum_speech_ms > 1000 * self.longest_turn_s:
            yield "minimum_speech_ms", f"is longer than longest_turn_s, {self.longest_turn_s:g}"
