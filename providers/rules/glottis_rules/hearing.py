"""From the words of a transcript to what each of them may stand for.

A recognizer cuts speech in wrong places ("до ставка", "прокомпанию") and writes words as they sound.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from glottis_rules.inflection import is_real_word
from glottis_rules.lexicon import Lexicon
from glottis_rules.phrasebook import Heard
from glottis_rules.spelling import is_cyrillic
from glottis_rules.wordbook import NOTHING, Wordbook

MAX_GUESSES = 12
"""So many unknown words of an utterance are compared with known ones: a command has fewer."""

_REFLEXIVE = ("ся", "сь")
_BUT_REFLEXIVE = 0.9
_SHORTEST_PART = 4
_SURE = 0.9


@dataclass(frozen=True, slots=True)
class Hearing:
    """Looks words up in what is known everywhere and in the names of a project's sections."""

    lexicon: Lexicon
    names: Wordbook

    def hear(self, words: Sequence[str]) -> list[Heard]:
        """Look up each word; some come out in two, some two as one."""
        heard: list[Heard] = []
        guesses = 0
        n = 0
        while n < len(words):
            word, following = words[n], words[n + 1] if n + 1 < len(words) else ""
            found = [self._joined(word, following) or self._look_up(word)]
            if not _is_known(found) and guesses < MAX_GUESSES:
                guesses += 1
                found = self._guess(word, following)
            heard += found
            n += 2 if "".join(part.text for part in found) == word + following and following else 1
        return heard

    def _look_up(self, word: str) -> Heard:
        names = self.names.exact(self.lexicon.numbers.get(word, word))
        keys = {**self.lexicon.wordbook.exact(word), **names}
        return Heard(word, keys or NOTHING, word in self.lexicon.small)

    def _joined(self, word: str, following: str) -> Heard | None:
        """Put a name together that was cut in two."""
        joined = word + following
        if not following or self.names.knows(word) or self.names.knows(following):
            return None
        return Heard(joined, self.names.exact(joined)) if self.names.knows(joined) else None

    def _guess(self, word: str, following: str) -> list[Heard]:
        """Take an unknown word, or it and the next, for what it is likely to be."""
        if not is_cyrillic(word):
            return [Heard(word, self._likely(word))]
        if word.endswith(_REFLEXIVE) and (plain := self._look_up(word[:-2])).keys:
            return [Heard(word, dict.fromkeys(plain.keys, _BUT_REFLEXIVE))]
        alone = self._cut(word) or [Heard(word, self._likely(word))]
        if not following or _is_known(alone) or _is_known([self._look_up(following)]):
            return alone
        return self._cut(word + following) or alone

    def _cut(self, word: str) -> list[Heard]:
        """Cut a particle off a word that it has run into; of nothing known comes nothing."""
        if is_real_word(word):
            return []
        small = self.lexicon.small
        ends = [(word[:cut], word[cut:]) for cut in range(1, len(word))]
        ends = [(before, after) for before, after in ends if (before in small) != (after in small)]
        for find in (self._look_up, self._surely):
            for before, after in ends:
                rest = after if before in small else before
                if len(rest) >= _SHORTEST_PART and find(rest).keys:
                    return [find(before), find(after)]
        return []

    def _surely(self, word: str) -> Heard:
        """Look up a word that need only sound like the one that is known."""
        found = self._look_up(word)
        if _is_known([found]):
            return found
        keys = {key: likeness for key, likeness in self._likely(word).items() if likeness >= _SURE}
        return Heard(word, keys or NOTHING)

    def _likely(self, word: str) -> Mapping[str, float]:
        guessed = dict(self.names.likely(word))
        for key, likeness in self.lexicon.wordbook.likely(word).items():
            guessed[key] = max(likeness, guessed.get(key, 0.0))
        return guessed


def _is_known(found: Sequence[Heard]) -> bool:
    return any(word.keys or word.is_small for word in found)
