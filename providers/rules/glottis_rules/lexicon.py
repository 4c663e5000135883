"""Everything that can be understood whatever the project: the vocabularies and the operator's phrases."""

from collections.abc import Mapping
from dataclasses import dataclass

from glottis_rules.configuration import RulesConfig
from glottis_rules.inflection import is_real_word
from glottis_rules.phrasebook import Heard, Phrasebook
from glottis_rules.spelling import is_cyrillic, split_words
from glottis_rules.vocabulary import INTENTS, LANGUAGES, Vocabulary, vocabulary
from glottis_rules.wordbook import NOTHING, Wordbook

MAX_GUESSES = 16
"""So many unknown words of an utterance are compared with known ones: a command has fewer."""

_REFLEXIVE = ("ся", "сь")
_BUT_REFLEXIVE = 0.9
_SHORTEST_PART = 4


@dataclass(frozen=True, slots=True)
class Lexicon:
    """The words that are known, and the phrases made of them, by the role that they play."""

    wordbook: Wordbook
    phrases: Phrasebook[str]
    small: frozenset[str]
    numbers: Mapping[str, str]

    def name_words(self, text: str) -> list[str]:
        """List the words of a name, with numbers as digits."""
        return [self.numbers.get(word, word) for word in split_words(text)]


def build_lexicon(config: RulesConfig) -> Lexicon:
    """Learn the vocabularies of all languages. Takes a good part of a second: call it in a thread."""
    wordbook = Wordbook()
    phrases: Phrasebook[str] = Phrasebook(wordbook)
    small: set[str] = set()
    numbers: dict[str, str] = {}
    for language in LANGUAGES:
        words = vocabulary(language)
        _learn(phrases, words)
        for single in (*words.particles, *words.fillers):
            if len(split_words(single)) == 1:
                small.update(split_words(single))
        numbers |= words.numbers
        for intent in INTENTS:
            for phrase in config.phrases.get(intent, {}).get(language, ()):
                phrases.add(phrase, intent)
    return Lexicon(wordbook, phrases, frozenset(small), numbers)


def _learn(phrases: Phrasebook[str], words: Vocabulary) -> None:
    courtesies = (("filler", words.fillers), ("request", words.requests))
    for role, exact in (*courtesies, ("negation", words.negations), ("opening", words.openings)):
        for phrase in exact:
            phrases.add(phrase, role, is_exact=True)
    for role, inflected in (("place", words.places), ("matter", words.matters)):
        for phrase in inflected:
            phrases.add(phrase, role)
    for role, listed in words.phrases:
        for phrase in listed:
            phrases.add(phrase, role)


def hear(words: list[str], lexicon: Lexicon, names: Wordbook) -> list[Heard]:
    """Look up what each word may stand for; `names` are those of the project's sections.

    A name that a recognizer has cut in two ("до ставка") is put together again.
    """
    heard: list[Heard] = []
    guesses = 0
    skip = False
    for n, word in enumerate(words):
        if skip:
            skip = False
            continue
        joined = word + words[n + 1] if n + 1 < len(words) else ""
        if joined and names.knows(joined) and not (names.knows(word) or names.knows(words[n + 1])):
            heard.append(Heard(joined, names.exact(joined)))
            skip = True
            continue
        found = _look_up(word, lexicon, names)
        if not found.keys and not found.is_small and guesses < MAX_GUESSES:
            guesses += 1
            heard += _guess(word, lexicon, names)
        else:
            heard.append(found)
    return heard


def _look_up(word: str, lexicon: Lexicon, names: Wordbook) -> Heard:
    keys = {**lexicon.wordbook.exact(word), **names.exact(lexicon.numbers.get(word, word))}
    return Heard(word, keys or NOTHING, word in lexicon.small)


def _guess(word: str, lexicon: Lexicon, names: Wordbook) -> list[Heard]:
    """Take an unknown word for what it is likely to be: a particle run into a word, or a word misheard."""
    if not is_cyrillic(word):
        return [Heard(word, _likely(word, lexicon, names))]
    if word.endswith(_REFLEXIVE) and (plain := _look_up(word[:-2], lexicon, names)).keys:
        return [Heard(word, dict.fromkeys(plain.keys, _BUT_REFLEXIVE))]
    if not is_real_word(word):
        for cut in range(1, len(word)):
            parts = [_look_up(word[:cut], lexicon, names), _look_up(word[cut:], lexicon, names)]
            known = [part for part in parts if not part.is_small]
            if len(known) == 1 and known[0].keys and len(known[0].text) >= _SHORTEST_PART:
                return parts
    return [Heard(word, _likely(word, lexicon, names))]


def _likely(word: str, lexicon: Lexicon, names: Wordbook) -> dict[str, float]:
    guessed = dict(names.likely(word))
    for key, likeness in lexicon.wordbook.likely(word).items():
        guessed[key] = max(likeness, guessed.get(key, 0.0))
    return guessed
