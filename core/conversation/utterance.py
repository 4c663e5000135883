"""The audio of one utterance, gathered from the chunks that a client sends."""

from enum import StrEnum

from glottis.core.errors import TooLarge


class Chunk(StrEnum):
    """What became of a chunk."""

    ADDED = "added"
    REPEATED = "repeated"
    AFTER_GAP = "after_gap"


class Utterance:
    """Joins chunks in the order of their sequence numbers, at most `max_bytes` of audio in all."""

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._audio = bytearray()
        self._next = 0

    def add(self, audio: bytes, *, sequence: int | None = None) -> Chunk:
        """Append a chunk. One that was there before is left out; one after a gap is taken, and the gap told.

        The first chunk of an utterance may have any number.

        Raises:
            TooLarge: the utterance grew too long; what was gathered of it is dropped.
        """
        outcome = Chunk.ADDED
        if sequence is not None:
            if self._audio and sequence < self._next:
                return Chunk.REPEATED
            if self._audio and sequence > self._next:
                outcome = Chunk.AFTER_GAP
            self._next = sequence + 1
        if len(self._audio) + len(audio) > self._max_bytes:
            self._audio.clear()
            raise TooLarge(f"an utterance may have {self._max_bytes} bytes of audio; it was dropped")
        self._audio += audio
        return outcome

    def take(self) -> bytes:
        """Return the audio so far and begin the next utterance."""
        audio = bytes(self._audio)
        self._audio.clear()
        return audio
