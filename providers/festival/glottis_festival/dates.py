"""Dates, years and times of a Russian text, as words."""

import re

from glottis_festival.numerals import Case, Surroundings, agreeing, cardinal, group, ordinal

_MONTHS = (
    "января", "февраля", "марта", "апреля", "мая", "июня",
    "июля", "августа", "сентября", "октября", "ноября", "декабря",
)  # fmt: skip
_MONTH = "|".join(_MONTHS)
_BEFORE = r"(?:(?<![А-Яа-яЁё])(?P<before>[А-Яа-яЁё]+)(?P<gap>\s+))?"
_HOURS = ("час", "часа", "часов")

_YEARS: dict[str, Case] = {"год": "n", "года": "g", "году": "p", "годом": "i", "годе": "p"}
"""Forms of "year", and the case that they show."""

_OF_A_DAY = {"вчера", "за", "завтра", "на", "по", "сегодня", "это"}
"""Words after which a day is named, and not said when: "сегодня пятое мая"."""

_NUMERIC = re.compile(r"(?<![\d.])(?P<day>\d{1,2})\.(?P<month>\d{1,2})\.(?P<year>\d{4}|\d{2})(?![\d.]*\d)")
_DAYS = re.compile(
    rf"(?i:\bсо?)\s+(?P<first>\d{{1,2}})\s+по\s+(?P<last>\d{{1,2}})\s+(?P<month>{_MONTH})\b", re.IGNORECASE
)
_DAY = re.compile(rf"{_BEFORE}\b(?P<day>\d{{1,2}})\s+(?P<month>{_MONTH})\b", re.IGNORECASE)
_YEAR = re.compile(rf"{_BEFORE}\b(?P<year>[12]\d{{3}})\s?(?P<word>год(?:а|у|ом|е)?\b|г\b\.?)", re.IGNORECASE)
_MONTHS_YEAR = re.compile(
    rf"\b(?P<month>{_MONTH})\s+(?P<year>[12]\d{{3}})\b(?!\s?(?:г\b|год))", re.IGNORECASE
)
_TIME = re.compile(rf"{_BEFORE}(?<![\d:])(?P<hours>\d{{1,2}}):(?P<minutes>\d{{2}})(?![\d:])")


def dates_in_words(text: str) -> str:
    """Write out dates, years and times: "до 5 мая 2024 г." becomes "до пятого мая ... четвёртого года"."""
    text = _NUMERIC.sub(_numeric, text)
    text = _DAYS.sub(_days, text)
    text = _MONTHS_YEAR.sub(
        lambda found: f"{found['month']} {ordinal(int(found['year']), case='g')} года", text
    )
    text = _YEAR.sub(_year, text)
    text = _DAY.sub(_day, text)
    return _TIME.sub(_time, text)


def _numeric(found: re.Match[str]) -> str:
    day, month = int(found["day"]), int(found["month"])
    if not (1 <= day <= 31 and 1 <= month <= 12):
        return found[0]
    year = int(found["year"]) + (2000 if len(found["year"]) == 2 else 0)
    return f"{ordinal(day, case='g')} {_MONTHS[month - 1]} {ordinal(year, case='g')} года"


def _days(found: re.Match[str]) -> str:
    first, last = int(found["first"]), int(found["last"])
    return f"с {ordinal(first, case='g')} по {ordinal(last, gender='n')} {found['month']}"


def _day(found: re.Match[str]) -> str:
    day, before = int(found["day"]), (found["before"] or "").lower()
    if not 1 <= day <= 31:
        return found[0]
    case: Case = "n" if before in _OF_A_DAY else "d" if before in {"к", "ко"} else "g"
    said = f"{found['before']}{found['gap']}" if found["before"] else ""
    return f"{said}{ordinal(day, case=case, gender='n')} {found['month']}"


def _year(found: re.Match[str]) -> str:
    before, word = (found["before"] or "").lower(), found["word"].lower()
    if word.startswith("г") and word not in _YEARS:
        of_it = Surroundings(before).case() == "g" or before in _MONTHS
        word = "году" if before in {"в", "во", "о"} else "года" if of_it else "год"
    case = "d" if word == "году" and before in {"к", "ко", "по"} else _YEARS[word]
    said = f"{found['before']}{found['gap']}" if found["before"] else ""
    return f"{said}{ordinal(int(found['year']), case=case)} {word}"


def _time(found: re.Match[str]) -> str:
    hours, minutes = int(found["hours"]), found["minutes"]
    if hours > 24 or int(minutes) > 59:
        return found[0]
    case: Case = "g" if Surroundings((found["before"] or "").lower()).case() == "g" else "n"
    rest = agreeing(hours, _HOURS, case=case) if minutes == "00" else group(minutes)
    said = f"{found['before']}{found['gap']}" if found["before"] else ""
    return f"{said}{cardinal(hours, case=case)} {rest}"
