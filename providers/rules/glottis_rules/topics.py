"""What the sections that most sites have are usually called."""

from collections.abc import Sequence
from functools import cache

from glottis_rules.inflection import inflect
from glottis_rules.vocabulary import LANGUAGES, vocabulary

Name = Sequence[str]


@cache
def topics() -> dict[str, tuple[str, ...]]:
    """List the usual names by topic, in all languages."""
    listed: dict[str, tuple[str, ...]] = {}
    for language in LANGUAGES:
        for topic, phrases in vocabulary(language).topics.items():
            listed[topic] = (*listed.get(topic, ()), *phrases)
    return listed


def topics_of(section_id: str, names: Sequence[Name]) -> set[str]:
    """Tell which topics a section is about: one that bears its id, or has one of its names."""
    meanings = [_meaning(name) for name in names]
    return {
        topic
        for topic, usual in _meanings().items()
        if topic == section_id or any(_is_same(meaning, other) for meaning in meanings for other in usual)
    }


@cache
def _meanings() -> dict[str, list[list[frozenset[str]]]]:
    return {
        topic: [_meaning(phrase.replace("!", "").split()) for phrase in phrases]
        for topic, phrases in topics().items()
    }


def _meaning(name: Name) -> list[frozenset[str]]:
    return [inflect(word)[0] for word in name]


def _is_same(one: list[frozenset[str]], other: list[frozenset[str]]) -> bool:
    return len(one) == len(other) and all(a & b for a, b in zip(one, other, strict=True))
