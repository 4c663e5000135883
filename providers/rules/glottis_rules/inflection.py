"""Which words are forms of one word: lemmas by pymorphy3 for Russian, stems by Snowball for English."""

from functools import cache, lru_cache
from typing import Any

from glottis_rules.spelling import is_cyrillic

_NOT_FINITE = frozenset({"PRTF", "GRND"})
_LEAST_LIKELY = 0.15


@cache
def _morphology() -> Any:
    import pymorphy3  # type: ignore[import-untyped]  # it ships no types

    return pymorphy3.MorphAnalyzer(lang="ru")


@lru_cache(maxsize=8192)
def stem(word: str) -> str:
    """Cut an English word down to its stem."""
    from snowballstemmer.english_stemmer import (  # type: ignore[import-untyped]  # it ships no types
        EnglishStemmer,
    )

    # A stemmer keeps its state in itself: one for each call, so that threads may share this function.
    return str(EnglishStemmer().stemWord(word))


@lru_cache(maxsize=4096)
def inflect(word: str) -> tuple[frozenset[str], frozenset[str]]:
    """List the base forms of a word, and all the forms in which it may be met.

    A word that several base forms share ("стоит") has them all.
    """
    if not is_cyrillic(word):
        return frozenset({stem(word)}), frozenset({word})
    parses = [parse for parse in _morphology().parse(word) if parse.score >= _LEAST_LIKELY]
    forms = {
        form.word.replace("ё", "е")
        for parse in parses
        for form in parse.lexeme
        if form.tag.POS not in _NOT_FINITE
    }
    bases = {parse.normal_form.replace("ё", "е") for parse in parses}
    return frozenset(bases or {word}), frozenset(forms | {word})


@lru_cache(maxsize=4096)
def is_real_word(word: str) -> bool:
    """Tell whether the Russian dictionary has the word, in any form; no other dictionary is asked."""
    return is_cyrillic(word) and bool(_morphology().word_is_known(word))


@lru_cache(maxsize=4096)
def addresses_listener(word: str) -> bool:
    """Tell whether a Russian word is a verb that says what "you" do: "работаете"."""
    if not is_cyrillic(word):
        return False
    best = _morphology().parse(word)[0].tag
    return "2per" in best and "indc" in best
