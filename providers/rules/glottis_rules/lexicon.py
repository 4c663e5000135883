"""Everything that can be understood whatever the project: the vocabularies and the operator's phrases."""

from collections.abc import Mapping
from dataclasses import dataclass

from glottis_rules.configuration import RulesConfig
from glottis_rules.phrasebook import Phrasebook
from glottis_rules.spelling import split_words
from glottis_rules.vocabulary import INTENTS, LANGUAGES, Vocabulary, vocabulary
from glottis_rules.wordbook import Wordbook


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
