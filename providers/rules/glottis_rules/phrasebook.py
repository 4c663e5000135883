"""Phrases, found in what was heard.

A phrase is words in their order. Any form of a word is meant unless it ends in "!", and "a|b" is one place
that either word fills. Small words may stand between its words.
"""

from collections import defaultdict
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from glottis_rules.spelling import split_words
from glottis_rules.wordbook import Wordbook

Meaning = TypeVar("Meaning", bound=Hashable)

_GAP = 2


@dataclass(frozen=True, slots=True)
class Heard:
    """A word that was heard; `keys` are those that it may stand for, with how like them it is."""

    text: str
    keys: Mapping[str, float]
    is_small: bool = False


@dataclass(frozen=True, slots=True)
class Span(Generic[Meaning]):
    """Where a phrase was found: the indices of its words, and how like them the heard ones are."""

    meaning: Meaning
    at: tuple[int, ...]
    similarity: float


@dataclass(frozen=True, slots=True)
class _Phrase(Generic[Meaning]):
    meaning: Meaning
    slots: tuple[frozenset[str], ...]


class Phrasebook(Generic[Meaning]):
    """Phrases, each with what it means, by the keys of their first words."""

    def __init__(self, wordbook: Wordbook) -> None:
        self._wordbook = wordbook
        self._by_key: dict[str, list[_Phrase[Meaning]]] = defaultdict(list)

    def add(self, text: str, meaning: Meaning, *, is_exact: bool = False) -> None:
        """Learn a phrase; without a word in it, it is nothing."""
        parts = text.replace("-", " ").split()
        slots = tuple(filter(None, (self._slot(part, is_exact=is_exact) for part in parts)))
        if slots:
            phrase = _Phrase(meaning, slots)
            for key in slots[0]:
                self._by_key[key].append(phrase)

    def find(self, heard: Sequence[Heard]) -> Iterator[Span[Meaning]]:
        """Give every phrase that was heard."""
        for start, word in enumerate(heard):
            seen: set[int] = set()
            for key in word.keys:
                for phrase in self._by_key.get(key, ()):
                    if id(phrase) not in seen:
                        seen.add(id(phrase))
                        span = _follow(phrase, heard, start)
                        if span is not None:
                            yield span

    def _slot(self, part: str, *, is_exact: bool) -> frozenset[str]:
        keys: frozenset[str] = frozenset()
        for choice in part.split("|"):
            for word in split_words(choice):
                keys |= self._wordbook.add(word, is_exact=is_exact or choice.endswith("!"))
        return keys


def _follow(phrase: _Phrase[Meaning], heard: Sequence[Heard], start: int) -> Span[Meaning] | None:
    at: list[int] = []
    similarity = 1.0
    position = start
    for slot in phrase.slots:
        for place in range(position, min(position + _GAP + 1, len(heard)) if at else start + 1):
            likeness = max((heard[place].keys.get(key, 0.0) for key in slot), default=0.0)
            if likeness:
                break
            if not heard[place].is_small:
                return None
        else:
            return None
        at.append(place)
        similarity = min(similarity, likeness)
        position = place + 1
    return Span(phrase.meaning, tuple(at), similarity)
