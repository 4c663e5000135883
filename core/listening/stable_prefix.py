"""Which part of a text that is still being heard will not change any more.

A word is stable once three readings in a row agree on it and go on after it, whatever their case and marks
(local agreement, as in Macháček et al., "Turning Whisper into Real-Time Transcription System", 2023, there of
two). What has been called stable is kept to the letter: later readings, and the final, are fitted to it. So a
word that is called stable and is wrong stays wrong: two quick readings agree on such words too often.

    prefix = StablePrefix()
    prefix.read("I would like")             # Partial("I would like", "")
    prefix.read("I would like to tok")      # Partial("I would like to tok", "")
    prefix.read("I would like to talk to")  # Partial("I would like to talk to", "I would")
    prefix.fitted("I'd like to talk.")      # "I would like to talk."
"""

import re
from collections.abc import Sequence

from glottis.plugins import Partial

# A character of a script that sets no spaces, else a run without spaces and the lone marks that follow it.
_ALONE = "\u0e00-\u0eff\u1780-\u17ff\u1000-\u109f\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
_WORD = re.compile(rf"\s*(?:[{_ALONE}]|[^\s{_ALONE}]+)(?:\s*[^\w\s{_ALONE}]+(?=\s|$))*")
_MARKS = re.compile(r"[\W_]+")
_AGREEING = 3


class StablePrefix:
    """Follows the readings of one utterance."""

    def __init__(self) -> None:
        self._prefix = ""
        self._earlier: tuple[list[str], ...] = ()

    def read(self, text: str, *, certain: str = "") -> Partial:
        """Take the next reading of all that was said so far; `certain` is how much of it is read for good."""
        text = self.fitted(text)
        words = _words(text)
        earlier, self._earlier = self._earlier, (*self._earlier, words)[-_AGREEING + 1 :]
        if len(earlier) == _AGREEING - 1:
            agreed = min(_agreement(reading, words) for reading in earlier)
            # The last word of each may be half a word.
            self._extend("".join(words[: min(agreed, len(words) - 1)]))
        if certain:
            fitted = self.fitted(certain)
            self._extend(fitted if text.startswith(fitted) else "")
        return Partial(text, self._prefix)

    def take(self, partial: Partial) -> Partial:
        """Take a partial of a recognizer that says itself what is stable."""
        text = self.fitted(partial.text)
        if text.startswith(partial.stable_prefix):
            self._extend(partial.stable_prefix)
        return Partial(text, self._prefix)

    def fitted(self, text: str) -> str:
        """Let a reading begin with what is stable: the words of it that say the same give way."""
        text = text.strip()
        if text.startswith(self._prefix):
            return text
        stable, words = _words(self._prefix), _words(text)
        rest = "".join(words[_length_of(stable, words) :])
        return self._prefix + rest

    def _extend(self, prefix: str) -> None:
        prefix = prefix.rstrip()
        if len(prefix) > len(self._prefix) and prefix.startswith(self._prefix):
            self._prefix = prefix


def _words(text: str) -> list[str]:
    """Cut a text into words that give it again when joined."""
    return _WORD.findall(text)


def _plain(words: Sequence[str]) -> list[str]:
    return [_MARKS.sub("", word).casefold() for word in words]


def _agreement(earlier: Sequence[str], later: Sequence[str]) -> int:
    """Count the words at the beginning on which two readings agree, without the last of the earlier."""
    count = 0
    for one, other in zip(_plain(earlier[:-1]), _plain(later), strict=False):
        if one != other:
            break
        count += 1
    return count


def _length_of(stable: Sequence[str], words: Sequence[str]) -> int:
    """Find how many of the words say what is stable: those nearest to it by edit distance."""
    wanted, got = _plain(stable), _plain(words)
    if got[: len(wanted)] == wanted:
        return len(wanted)
    row = list(range(len(got) + 1))
    for i, word in enumerate(wanted, start=1):
        diagonal, row[0] = row[0], i
        for j, other in enumerate(got, start=1):
            replaced = diagonal + (word != other)
            diagonal, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, replaced)
    return min(range(len(row)), key=lambda length: (row[length], abs(length - len(wanted))))
