"""The sections of a project, found by their names, their ids and what such sections are usually called."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from glottis.plugins import Section

from glottis_rules.inflection import inflect
from glottis_rules.lexicon import Lexicon
from glottis_rules.phrasebook import Heard, Phrasebook
from glottis_rules.topics import topics, topics_of
from glottis_rules.wordbook import Wordbook

_NAME = 1.0
_ID = 0.95
_SYNONYM = 0.9
_PART_OF_NAME = 0.75


@dataclass(frozen=True, slots=True)
class Mention:
    """A section that was named; `certainty` (0 to 1) is how sure that is, `at` the words that name it.

    A weak one is by a name of mere particles ("about"), and stands only where no other section is named.
    """

    section: Section
    at: frozenset[int]
    certainty: float
    is_weak: bool = False


@dataclass(frozen=True, slots=True)
class _Naming:
    section: int
    certainty: float
    is_weak: bool = False


class Directory:
    """The sections of a project, by what people call them."""

    def __init__(self, sections: Sequence[Section], lexicon: Lexicon, *, synonyms: bool) -> None:
        self.wordbook = Wordbook()
        self._sections = tuple(sections)
        self._phrases: Phrasebook[_Naming] = Phrasebook(self.wordbook)
        self._lexicon = lexicon
        names = [_names(section, lexicon) for section in sections]
        for n, section in enumerate(sections):
            for name in names[n]:
                self._learn(name, n, certainty=_NAME)
            self._learn(lexicon.name_words(section.id), n, certainty=_ID)
        self._learn_parts(names)
        if synonyms:
            self._learn_synonyms(names)

    def mentions(self, heard: Sequence[Heard]) -> list[Mention]:
        """List the sections that are named, each once, in the order of their first words."""
        spans = list(self._phrases.find(heard))
        is_clear = any(not span.meaning.is_weak for span in spans)
        found: dict[int, Mention] = {}
        for span in spans:
            naming = span.meaning
            if naming.is_weak and is_clear:
                continue
            certainty, at = naming.certainty * span.similarity, frozenset(span.at)
            if before := found.get(naming.section):
                certainty, at = max(certainty, before.certainty), at | before.at
            found[naming.section] = Mention(self._sections[naming.section], at, certainty, naming.is_weak)
        return sorted(found.values(), key=lambda mention: min(mention.at))

    def _learn(self, name: Sequence[str], section: int, *, certainty: float) -> None:
        content = self._content(name)
        is_weak = not content
        naming = _Naming(section, certainty, is_weak)
        self._phrases.add(" ".join(content or name), naming, is_exact=is_weak)

    def _learn_parts(self, names: list[list[list[str]]]) -> None:
        """Let one word of a longer name stand for it, where no other section's name has that word."""
        words = [{word for name in section for word in self._content(name)} for section in names]
        shared = Counter(base for section in words for base in set().union(*map(_bases, section)))
        for n, section in enumerate(words):
            for word in section:
                if all(shared[base] == 1 for base in _bases(word)):
                    self._phrases.add(word, _Naming(n, _PART_OF_NAME))

    def _learn_synonyms(self, names: list[list[list[str]]]) -> None:
        """Learn the names usual for what a section is about, but for those that other sections bear."""
        about = [
            topics_of(section.id, [*names[n], *map(self._content, names[n])])
            for n, section in enumerate(self._sections)
        ]
        bearers = Counter(topic for found in about for topic in found)
        taken = {base for section in names for name in section if len(name) == 1 for base in _bases(name[0])}
        for n, found in enumerate(about):
            for topic in found:
                for phrase in topics()[topic] if bearers[topic] == 1 else ():
                    if " " in phrase or not _bases(phrase.rstrip("!")) & taken:
                        self._phrases.add(phrase, _Naming(n, _SYNONYM))

    def _content(self, name: Iterable[str]) -> list[str]:
        return [word for word in name if word not in self._lexicon.small]


def _names(section: Section, lexicon: Lexicon) -> list[list[str]]:
    words = [lexicon.name_words(name) for names in section.names.values() for name in names]
    return [name for name in words if name]


def _bases(word: str) -> frozenset[str]:
    return inflect(word)[0]
