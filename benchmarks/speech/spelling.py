"""Take out of two texts what is spelling and not hearing: case, marks, and how numbers are written.

"$135", "135 dollars" and "one hundred and thirty five dollars" are the same thing said. What a figure stands
for is not written in it ("1984" may be a year, a number or four digits; Russian has cases), so every way of
saying it is tried, and the one nearest to the reference counts.
"""

import re
from collections.abc import Iterator
from functools import cache

import jiwer
from num2words import num2words  # type: ignore[import-untyped]  # ships no types

_ENGLISH_SPELLINGS = {
    "ok": "okay",
    "mr": "mister",
    "mrs": "missus",
    "dr": "doctor",
    "st": "street",
    "colour": "color",
    "favourite": "favorite",
    "centre": "center",
    "grey": "gray",
}
_SPELLINGS = {"en": _ENGLISH_SPELLINGS, "ru": {}}
_SIGNS = {
    "en": {"%": ("percent",), "$": ("dollars", "dollar"), "€": ("euros",), "£": ("pounds",), "&": ("and",)},
    "ru": {
        "%": ("процентов", "процента", "процент"),
        "₽": ("рублей", "рубля", "рубль"),
        "$": ("долларов", "доллара", "доллар"),
        "№": ("номер",),
    },
}
_MONEY_BEFORE = re.compile(r"([$€£₽])\s*(\d[\d.,]*\d|\d)")
_THOUSANDS = re.compile(r"(?<=\d)[, \u00a0](?=\d{3}(?!\d))")
_TOKEN = re.compile(
    r"(?P<number>\d+(?:[.,]\d+)?)(?P<suffix>-?[^\W\d_]{1,3}\b)?|[^\W\d_]+(?:'[^\W\d_]+)?|[%$€£₽№&]"
)
_ORDINAL_ENDINGS = {
    "en": {"st", "nd", "rd", "th"},
    "ru": {"й", "я", "е", "го", "му", "м", "х", "ми", "ю", "ой", "ый"},
}
_CASES = ("n", "g", "d", "a", "i", "p")


def bare(text: str) -> str:
    """Drop case and marks, and nothing else: what the raw error rate is counted on."""
    return " ".join(re.findall(r"[^\W_]+(?:'[^\W_]+)?", text.lower().replace("’", "'")))


def errors(reference: str, hypothesis: str, *, language: str) -> jiwer.WordOutput:
    """Compare a text with what was heard, each number read in the way that fits the reference best."""
    said = " ".join(words[0] for words in _readings(reference, language))
    readings = list(_readings(hypothesis, language))
    heard = [words[0] for words in readings]
    for place, words in enumerate(readings):
        if len(words) > 1:
            heard = min(
                ([*heard[:place], word, *heard[place + 1 :]] for word in words),
                key=lambda attempt: jiwer.wer(said, " ".join(attempt)),
            )
    return jiwer.process_words(said, " ".join(heard))


def _readings(text: str, language: str) -> Iterator[tuple[str, ...]]:
    """Give the ways to say each word, number and sign of a text."""
    plain = text.lower().replace("’", "'").replace("ё", "е")
    plain = _THOUSANDS.sub("", _MONEY_BEFORE.sub(r"\2 \1", plain))
    for token in _TOKEN.finditer(plain):
        word = token.group()
        if token["number"] is not None:
            suffix = (token["suffix"] or "").lstrip("-")
            is_ordinal = suffix in _ORDINAL_ENDINGS[language]
            yield tuple(_spoken(token["number"].replace(",", "."), language, is_ordinal=is_ordinal))
            if suffix and not is_ordinal:
                yield (suffix,)
        elif word in _SIGNS[language]:
            yield _SIGNS[language][word]
        else:
            yield (_SPELLINGS[language].get(word, word),)


@cache
def _spoken(number: str, language: str, *, is_ordinal: bool) -> tuple[str, ...]:
    """Give every way of saying a number in figures, the plain one first."""
    ways = (
        _english(number, is_ordinal=is_ordinal)
        if language == "en"
        else _russian(number, is_ordinal=is_ordinal)
    )
    words = (" ".join(re.findall(r"[^\W\d_]+", way.replace("ё", "е"))) for way in ways)
    return tuple(dict.fromkeys(words))


def _english(number: str, *, is_ordinal: bool) -> Iterator[str]:
    value = float(number) if "." in number else int(number)
    if not is_ordinal:
        cardinal = num2words(value, lang="en")
        yield cardinal
        yield cardinal.replace(" and ", " ")
        if len(number) == 4 and isinstance(value, int):
            yield num2words(value, lang="en", to="year")
        yield from _in_parts(number, "en")
    if isinstance(value, int):
        ordinal = num2words(value, lang="en", to="ordinal")
        yield ordinal
        yield ordinal.replace(" and ", " ")


def _russian(number: str, *, is_ordinal: bool) -> Iterator[str]:
    value = float(number) if "." in number else int(number)
    genders = ("m", "f", "n")
    if not is_ordinal:
        for case in _CASES:
            for gender in genders:
                yield num2words(value, lang="ru", case=case, gender=gender)
        yield from _in_parts(number, "ru")
    if isinstance(value, int):
        for case in _CASES:
            for gender in genders:
                yield num2words(value, lang="ru", to="ordinal", case=case, gender=gender)
            yield num2words(value, lang="ru", to="ordinal", case=case, plural=True)


def _in_parts(number: str, language: str) -> Iterator[str]:
    """Say figures one by one, and in groups of two or three, as codes, times and telephone numbers are."""
    if "." in number:
        yield " ".join(num2words(int(part), lang=language) for part in number.split("."))
    if not number.isdecimal() or len(number) < 2:
        return
    for length in (1, 2, 3):
        parts = [number[start : start + length] for start in range(0, len(number), length)]
        yield " ".join(num2words(int(part), lang=language) for part in parts)
