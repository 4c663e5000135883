"""How far an answer has been spoken: what was sent, what can have been heard by now, and in which words."""

import math
from dataclasses import dataclass


@dataclass(slots=True)
class _Sentence:
    text: str
    start_ms: float
    end_ms: float


class Playback:
    """Follows one answer's audio. Times are those of a monotonic clock, in seconds; positions in ms of audio.

    A client that reports its position is believed, and taken to go on from there. Of another, it is taken
    that it plays without delay.
    """

    def __init__(self) -> None:
        self._sentences: list[_Sentence] = []
        self._started_at: float | None = None
        self._held_at: float | None = None
        self._reported_ms: float | None = None
        self._reported_at = 0.0
        self._ends_at_ms: float | None = None
        self.sent_ms = 0.0

    @property
    def has_started(self) -> bool:
        return self._started_at is not None

    def start(self, now: float) -> None:
        """Note that the first audio goes out."""
        if self._started_at is None:
            self._started_at = now

    def begin_sentence(self, text: str, *, is_repeated: bool = False) -> None:
        """Note whose audio comes next; `is_repeated` if it is the last one's once more."""
        if is_repeated and self._sentences:
            self._sentences[-1].text = ""
        self._sentences.append(_Sentence(text, self.sent_ms, self.sent_ms))

    def add(self, duration_ms: float) -> None:
        """Note that audio was sent."""
        self.sent_ms += duration_ms
        if self._sentences:
            self._sentences[-1].end_ms = self.sent_ms

    def complete(self) -> None:
        """Note that nothing more is to come; of what was never measured, nothing is left to be heard."""
        self._ends_at_ms = self.sent_ms

    def hold(self, now: float) -> None:
        """Note that the client was asked to pause."""
        if self._held_at is None:
            self._held_at = now

    def release(self, now: float) -> None:
        """Note that it may go on."""
        if self._held_at is not None and self._started_at is not None:
            self._started_at += now - self._held_at
            self._reported_at += now - self._held_at
        self._held_at = None

    def report(self, position_ms: float, now: float) -> None:
        """Believe a client that says how far it has played; of audio that it has not, it cannot be."""
        if self._started_at is not None:
            self._reported_ms = max(position_ms, self._reported_ms or 0.0)
            self._reported_at = now if self._held_at is None else self._held_at

    def ahead_ms(self, now: float) -> float:
        """How much audio the client has that it cannot have played yet."""
        return self.sent_ms - self._elapsed_ms(now)

    def left_ms(self, now: float) -> float:
        """How much longer the audio that was sent takes to be played."""
        if self._reported_ms is None:
            return self.ahead_ms(now)
        return self.sent_ms - self._reported_ms - 1_000 * (self._clock(now) - self._reported_at)

    def heard_ms(self, now: float) -> float:
        """How much of the audio has been heard by now."""
        if self._reported_ms is not None:
            return min(self._reported_ms, self.sent_ms)
        return max(0.0, min(self._elapsed_ms(now), self.sent_ms))

    def is_audible(self, now: float) -> bool:
        """Whether some of it is still to be heard."""
        if self._started_at is None:
            return False
        # Who has stopped to report has not stopped to play.
        return self._ends_at_ms is None or self.left_ms(now) > 0

    def sent_words(self) -> str:
        """Give the sentences whose audio was sent, if only in part."""
        sent = (sentence.text for sentence in self._sentences if sentence.end_ms > sentence.start_ms)
        return " ".join(text for text in sent if text)

    def heard_words(self, now: float) -> str:
        """Give the words that have been heard; of a sentence that was cut, as many as its time allows."""
        heard_ms = self.heard_ms(now)
        spoken: list[str] = []
        for sentence in self._sentences:
            if sentence.end_ms <= heard_ms:
                spoken.append(sentence.text)
            elif sentence.start_ms < heard_ms:
                share = (heard_ms - sentence.start_ms) / (sentence.end_ms - sentence.start_ms)
                words = sentence.text.split()
                spoken.append(" ".join(words[: math.floor(share * len(words))]))
        return " ".join(part for part in spoken if part)

    def _elapsed_ms(self, now: float) -> float:
        if self._started_at is None:
            return 0.0
        return 1_000 * (self._clock(now) - self._started_at)

    def _clock(self, now: float) -> float:
        return now if self._held_at is None else self._held_at
