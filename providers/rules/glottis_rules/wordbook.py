"""Known words, found through inflection and recognition errors."""

from collections.abc import Iterable, Mapping
from functools import cache

from rapidfuzz.distance import OSA

from glottis_rules.inflection import inflect, is_real_word, stem
from glottis_rules.spelling import is_cyrillic
from glottis_rules.vocabulary import LANGUAGES, vocabulary

NOTHING: Mapping[str, float] = {}

_ALIKE_IN_SOUND = 0.93
_SHORTEST_TWIN = 4
_SHORTEST_SLIP = 5
_LONGER = 3
_REMEMBERED = 4096


class Wordbook:
    """A set of words, each with the keys that stand for it in phrases.

    A key is a base form, or "=word" for a word that only counts as it is written.
    """

    def __init__(self) -> None:
        self._keys: dict[str, frozenset[str]] = {}
        self._stems: set[str] = set()
        self._by_sound: dict[str, set[str]] = {}
        self._shortened: dict[str, set[str]] = {}
        self._likely: dict[str, Mapping[str, float]] = {}

    def add(self, word: str, *, is_exact: bool = False) -> frozenset[str]:
        """Learn a word and return its keys."""
        if is_exact:
            keys, forms = frozenset({f"={word}"}), frozenset({word})
        else:
            keys, forms = inflect(word)
            if not is_cyrillic(word):
                self._stems |= keys
        for form in forms:
            if form not in self._keys:
                self._learn_sound(form)
            self._keys[form] = self._keys.get(form, frozenset()) | keys
        return keys

    def knows(self, word: str) -> bool:
        """Tell whether the word is a form of a learnt one."""
        return word in self._keys

    def exact(self, word: str) -> Mapping[str, float]:
        """Return the keys of a word that is a form of a learnt one."""
        keys = self._keys.get(word, frozenset())
        if not is_cyrillic(word) and (base := stem(word)) in self._stems:
            keys |= {base}
        return dict.fromkeys(keys, 1.0)

    def likely(self, word: str) -> Mapping[str, float]:
        """Return the keys that a misheard or misspelt word may stand for, with how like them it is."""
        found = self._likely.get(word)
        if found is None:
            if len(self._likely) >= _REMEMBERED:
                self._likely.clear()
            found = self._likely[word] = self._guess(word)
        return found

    def _learn_sound(self, form: str) -> None:
        sound = sound_of(form)
        self._by_sound.setdefault(sound, set()).add(form)
        if len(form) >= _SHORTEST_SLIP:
            for part in _shortened(sound):
                self._shortened.setdefault(part, set()).add(sound)

    def _guess(self, word: str) -> Mapping[str, float]:
        if len(word) < _SHORTEST_TWIN:
            return NOTHING
        sound = sound_of(word)
        twins = {form for form in self._by_sound.get(sound, ()) if abs(len(form) - len(word)) <= _LONGER}
        if twins:
            return self._all_keys(twins, _ALIKE_IN_SOUND)
        near = {
            form
            for part in _shortened(sound)
            for other in self._shortened.get(part, ())
            if OSA.distance(sound, other, score_cutoff=1) <= 1
            for form in self._by_sound[other]
            if len(form) >= _SHORTEST_SLIP
        }
        if len(word) < _SHORTEST_SLIP or not near or is_real_word(word):
            return NOTHING
        distances = {form: OSA.distance(word, form) for form in near}
        least = min(distances.values())
        nearest = {form for form, distance in distances.items() if distance == least}
        return self._all_keys(nearest, 1 - least / (len(word) + 2))

    def _all_keys(self, forms: Iterable[str], similarity: float) -> Mapping[str, float]:
        return {key: similarity for form in forms for key in self._keys[form]}


def _shortened(word: str) -> set[str]:
    """List a word and what is left of it without any one letter: words one slip apart share one of these."""
    return {word, *(word[:n] + word[n + 1 :] for n in range(len(word)))}


def sound_of(word: str) -> str:
    """Spell a word so that words that sound alike are spelt alike."""
    for written, heard in _sounds()[is_cyrillic(word)]:
        word = word.replace(written, heard)
    return "".join(letter for n, letter in enumerate(word) if n == 0 or letter != word[n - 1])


@cache
def _sounds() -> Mapping[bool, Iterable[tuple[str, str]]]:
    return {language == "ru": tuple(vocabulary(language).sounds.replace) for language in LANGUAGES}
