"""Units of measure and money, and the words of numbers that stand before them."""

import re
from dataclasses import dataclass

from glottis_festival.numerals import (
    LONGEST,
    Case,
    Forms,
    Gender,
    Surroundings,
    agreeing,
    fraction,
    integer,
)


@dataclass(frozen=True, slots=True)
class Unit:
    """How a unit is written, as a regular expression, and its noun; `cents` are a hundredth of money."""

    written: str
    forms: Forms
    gender: Gender = "m"
    cents: "Unit | None" = None


_KOPECK = Unit(r"коп(?:\.|\b)", ("копейка", "копейки", "копеек"), "f")
_CENT = Unit(r"¢", ("цент", "цента", "центов"))

_SCALES = (
    Unit(r"тыс\b\.?", ("тысяча", "тысячи", "тысяч"), "f"),
    Unit(r"млн\b\.?", ("миллион", "миллиона", "миллионов")),
    Unit(r"млрд\b\.?", ("миллиард", "миллиарда", "миллиардов")),
    Unit(r"трлн\b\.?", ("триллион", "триллиона", "триллионов")),
)

_UNITS = (
    Unit(r"₽|руб(?:\.|\b)|р\.|RUB\b", ("рубль", "рубля", "рублей"), cents=_KOPECK),
    Unit(r"\$|USD\b|долл\.", ("доллар", "доллара", "долларов"), cents=_CENT),
    Unit(r"€|EUR\b", ("евро", "евро", "евро"), cents=_CENT),
    Unit(r"£|GBP\b", ("фунт", "фунта", "фунтов")),
    Unit(r"₸|KZT\b", ("тенге", "тенге", "тенге")),
    Unit(r"₴|UAH\b", ("гривна", "гривны", "гривен"), "f", cents=_KOPECK),
    _KOPECK,
    _CENT,
    Unit(r"%", ("процент", "процента", "процентов")),
    Unit(r"°\s?[CС]\b|°|℃", ("градус", "градуса", "градусов")),
    Unit(r"км/ч\b", ("километр в час", "километра в час", "километров в час")),
    Unit(r"м/с\b", ("метр в секунду", "метра в секунду", "метров в секунду")),
    Unit(r"м²|м2\b|кв\.\s?м\b\.?", ("квадратный метр", "квадратных метра", "квадратных метров")),
    Unit(r"км\b", ("километр", "километра", "километров")),
    Unit(r"см\b", ("сантиметр", "сантиметра", "сантиметров")),
    Unit(r"мм\b", ("миллиметр", "миллиметра", "миллиметров")),
    Unit(r"м\b(?!\.)", ("метр", "метра", "метров")),
    Unit(r"кг\b", ("килограмм", "килограмма", "килограммов")),
    Unit(r"мг\b", ("миллиграмм", "миллиграмма", "миллиграммов")),
    Unit(r"г\b(?!\.)", ("грамм", "грамма", "граммов")),
    Unit(r"мл\b", ("миллилитр", "миллилитра", "миллилитров")),
    Unit(r"л\b(?!\.)", ("литр", "литра", "литров")),
    Unit(r"т\b(?!\.)", ("тонна", "тонны", "тонн"), "f"),
    Unit(r"кВт\b", ("киловатт", "киловатта", "киловатт")),
    Unit(r"Вт\b", ("ватт", "ватта", "ватт")),
    Unit(r"(?:Гб|ГБ|GB|Gb)\b", ("гигабайт", "гигабайта", "гигабайт")),
    Unit(r"(?:Мб|МБ|MB|Mb)\b", ("мегабайт", "мегабайта", "мегабайт")),
    Unit(r"мс\b", ("миллисекунда", "миллисекунды", "миллисекунд"), "f"),
    Unit(r"ч\b\.?", ("час", "часа", "часов")),
    Unit(r"мин\b\.?", ("минута", "минуты", "минут"), "f"),
    Unit(r"сек\b\.?", ("секунда", "секунды", "секунд"), "f"),
    Unit(r"шт\b\.?", ("штука", "штуки", "штук"), "f"),
    Unit(r"чел\b\.?", ("человек", "человека", "человек")),
)


def _any(units: tuple[Unit, ...], prefix: str) -> str:
    return "|".join(f"(?P<{prefix}{number}>{unit.written})" for number, unit in enumerate(units))


def _which(found: re.Match[str], units: tuple[Unit, ...], prefix: str) -> Unit | None:
    return next((unit for number, unit in enumerate(units) if found[f"{prefix}{number}"]), None)


_SIGN_FIRST = re.compile(r"([$€₽£₸₴])\s?(\d[\d.,]*\d|\d)")
_SCALE = _any(_SCALES, "scale")
_UNIT = _any(_UNITS, "unit")
_MEASURE = re.compile(
    r"(?:(?<![А-Яа-яЁё])(?P<before>[А-Яа-яЁё]+)(?P<gap>\s+))?"
    r"(?<![\d.,])(?P<whole>\d{1,12})(?:[.,](?P<part>\d+))?\s?"
    rf"(?:(?:{_SCALE})(?:\s*(?:{_UNIT}))?|(?:{_UNIT.replace('<unit', '<only')}))"
)


def measures_in_words(text: str) -> str:
    """Write out numbers that have a unit: "до 5 кг" becomes "до пяти килограммов"."""
    return _MEASURE.sub(_write, _SIGN_FIRST.sub(r"\2 \1", text))


def _write(found: re.Match[str]) -> str:
    scale = _which(found, _SCALES, "scale")
    unit = _which(found, _UNITS, "unit") or _which(found, _UNITS, "only")
    case = Surroundings((found["before"] or "").lower()).case()
    if case not in {"g", "a"}:
        case = "n"
    words = [f"{found['before']}{found['gap']}" if found["before"] else ""]
    if scale is not None:
        words.append(_counted(found, scale, case))
        if unit is not None:
            words.append(f" {unit.forms[2]}")
    elif unit is not None:
        words.append(_counted(found, unit, case))
    return "".join(words)


def _counted(found: re.Match[str], unit: Unit, case: Case) -> str:
    whole, part = found["whole"], found["part"]
    last = int(whole[-2:])
    if part is None or (unit.cents and part == "00"):
        noun = agreeing(last, unit.forms, case=case)
        if case == "a" and unit.gender == "f" and last % 10 == 1 and last != 11:
            noun = f"{noun[:-1]}{'ю' if noun.endswith('я') else 'у'}"
        return f"{integer(whole, case=case, gender=unit.gender)} {noun}"
    if unit.cents and len(part) == 2 and len(whole) <= LONGEST:
        cents = unit.cents
        return (
            f"{integer(whole, case=case, gender=unit.gender)} {agreeing(last, unit.forms, case=case)} "
            f"{integer(str(int(part)), case=case, gender=cents.gender)} "
            f"{agreeing(int(part), cents.forms, case=case)}"
        )
    if (whole, part) == ("1", "5"):
        return f"{'полторы' if unit.gender == 'f' else 'полтора'} {unit.forms[1]}"
    return f"{fraction(whole, part)} {unit.forms[1]}"
