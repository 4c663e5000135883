"""Everything that a Russian text writes in digits, as words."""

import re

from glottis_festival.dates import dates_in_words
from glottis_festival.measures import measures_in_words
from glottis_festival.numerals import (
    SUFFIXES,
    Surroundings,
    digits,
    fraction,
    group,
    integer,
    placed,
    prefixed,
    suffixed,
)

_THOUSANDS = re.compile(r"(?<![\d.,])\d{1,3}(?:[ \u00a0\u202f]\d{3})+(?!\d)")
_TELEPHONE = re.compile(
    r"(?<!\d)(?P<plus>\+\s?)?(?P<country>[78])[\s(-]*"
    r"(?P<rest>\d{3}[\s)-]*\d{3}[\s-]?\d{2}[\s-]?\d{2})(?!\d)"
)
_NEGATIVE = re.compile(r"(?:(?<=\s)|(?<=^)|(?<=\())[-\u2212](?=\d)")
_RANGE = re.compile(r"(?<=\d)\s?[-\u2013\u2014\u2212]\s?(?=\d)")
_ORDINAL = re.compile(rf"\b(?P<number>\d{{1,6}})-(?P<suffix>{'|'.join(SUFFIXES)})\b", re.IGNORECASE)
_COMPOUND = re.compile(r"\b(?P<number>\d{1,4})-(?P<word>[а-яё]{4,})")
_VERSION = re.compile(r"(?<![\d.])\d+(?:\.\d+){2,}(?!\d)")
_FRACTION = re.compile(
    r"(?<![\d.,])(?P<whole>\d{1,12})[.,](?P<part>\d+)(?!\d|[.,]\d)(?=(?:\s+(?P<after>[А-Яа-яЁё]+))?)"
)
_NUMBER = re.compile(
    r"(?:(?<![А-Яа-яЁё])(?P<before>[А-Яа-яЁё]+)(?P<gap>\s+))?(?P<whole>\d+)(?=(?:\s+(?P<after>[А-Яа-яЁё]+))?)"
)


def in_words(text: str) -> str:
    """Write out all the digits of a text."""
    text = _TELEPHONE.sub(_telephone, text)
    text = _THOUSANDS.sub(lambda found: re.sub(r"\s", "", found[0]), text)
    text = dates_in_words(_RANGE.sub(" - ", text))
    text = _VERSION.sub(lambda found: " точка ".join(map(integer, found[0].split("."))), text)
    text = _NEGATIVE.sub("минус ", text)
    text = _ORDINAL.sub(lambda found: suffixed(int(found["number"]), found["suffix"].lower()), text)
    text = _COMPOUND.sub(lambda found: prefixed(int(found["number"])) + found["word"], text)
    text = measures_in_words(text)
    text = _FRACTION.sub(_decimal, text)
    return _NUMBER.sub(_number, text)


def _telephone(found: re.Match[str]) -> str:
    country = f"{'плюс ' if found['plus'] else ''}{digits(found['country'])}"
    number = re.sub(r"\D", "", found["rest"])
    parts = (number[:3], number[3:6], number[6:8], number[8:])
    return ", ".join([country, *map(group, parts)])


def _decimal(found: re.Match[str]) -> str:
    whole, part, after = found["whole"], found["part"], (found["after"] or "").lower()
    if (whole, part) == ("1", "5") and after:
        return "полторы" if after.endswith(("ы", "и")) else "полтора"
    return fraction(whole, part)


def _number(found: re.Match[str]) -> str:
    surroundings = Surroundings((found["before"] or "").lower(), (found["after"] or "").lower())
    said = f"{found['before']}{found['gap']}" if found["before"] else ""
    if len(found["whole"]) <= 4 and (place := placed(int(found["whole"]), surroundings.after)):
        return said + place
    case = surroundings.case()
    gender = surroundings.gender(int(found["whole"][-2:]), case)
    return f"{said}{integer(found['whole'], case=case, gender=gender)}"
