"""Russian numbers as words, in the case and gender that their sentence asks for."""

from dataclasses import dataclass
from typing import Any, Literal

Case = Literal["n", "g", "d", "a", "i", "p"]
Gender = Literal["m", "f", "n"]

Forms = tuple[str, str, str]
"""A noun after 1, after 2 and after 5: ("рубль", "рубля", "рублей")."""

LONGEST = 12
"""Digits of the longest number that is read as one; what is longer is read digit by digit."""

_GENITIVE = (
    "без более больше выше дешевле для до дороже из кроме менее меньше младше моложе ниже около от "
    "порядка после против с свыше со среди старше у"
)
_CASES: dict[str, Case] = {
    **dict.fromkeys(_GENITIVE.split(), "g"),
    **dict.fromkeys(("к", "ко"), "d"),
    **dict.fromkeys(("в", "во", "за", "на", "про", "через"), "a"),
    **dict.fromkeys(("между", "над", "под", "перед"), "i"),
    **dict.fromkeys(("о", "об", "при"), "p"),
}
"""Words that settle the case of a number after them."""

_ENDINGS: dict[str, Case] = {"ами": "i", "ями": "i", "ам": "d", "ям": "d", "ах": "p", "ях": "p"}
"""Endings of a plural after a number, and the case that they show."""

_SUFFIXES: dict[str, tuple[Case, Gender | Literal["p"]]] = {
    **dict.fromkeys(("й", "ый", "ой", "ий"), ("n", "m")),
    **dict.fromkeys(("я", "ая"), ("n", "f")),
    **dict.fromkeys(("е", "ое"), ("n", "n")),
    **dict.fromkeys(("ю", "ую"), ("a", "f")),
    **dict.fromkeys(("го", "ого"), ("g", "m")),
    **dict.fromkeys(("му", "ому"), ("d", "m")),
    **dict.fromkeys(("м", "ом"), ("p", "m")),
    "ым": ("i", "m"),
    "ые": ("n", "p"),
    **dict.fromkeys(("х", "ых"), ("g", "p")),
    **dict.fromkeys(("ми", "ыми"), ("i", "p")),
}
"""What stands after the hyphen of an ordinal, such as "5-го", and what it says of the word."""

_MASCULINE = "век вагон класс корпус курс кабинет номер подъезд пункт раздел ряд том этаж"
_AT_MASCULINE = "веке вагоне классе корпусе курсе кабинете номере подъезде пункте разделе ряду томе этаже"
_FEMININE = "глава группа комната линия палата полка страница строка"
_AT_FEMININE = "главе группе комнате линии палате полке странице строке"
_PLACES: dict[str, tuple[Case, Gender]] = {
    **dict.fromkeys(_MASCULINE.split(), ("n", "m")),
    **dict.fromkeys(_AT_MASCULINE.split(), ("p", "m")),
    **dict.fromkeys(_FEMININE.split(), ("n", "f")),
    **dict.fromkeys(_AT_FEMININE.split(), ("p", "f")),
    "место": ("n", "n"),
    "месте": ("p", "n"),
}
"""Singular nouns of what is numbered: "3 этаж" is the third, and "на 3 этаже" on the third."""

SUFFIXES = tuple(sorted(_SUFFIXES, key=len, reverse=True))


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The words beside a number, in lower case; empty where there is none."""

    before: str = ""
    after: str = ""

    def case(self) -> Case:
        """Tell the case of the number, as far as its neighbours show it."""
        if len(self.after) > 4:
            for ending, case in _ENDINGS.items():
                if self.after.endswith(ending):
                    return case
        return _CASES.get(self.before, "n")

    def gender(self, number: int, case: Case) -> Gender:
        """Guess the gender of the noun after a number that ends in 1 or 2; the others do not show any."""
        last = 0 if number % 100 in {11, 12} or len(self.after) < 3 else number % 10
        if last == 2 and case in {"n", "a"}:
            return "f" if self.after.endswith(("ы", "и", "ые", "ие")) else "m"
        if last != 1:
            return "m"
        feminine = {"n": ("а", "я"), "a": ("у", "ю")}.get(case, ("ы", "и", "ой", "ей"))
        if self.after.endswith(feminine):
            return "f"
        return "n" if case in {"n", "a"} and self.after.endswith("о") else "m"


def cardinal(number: int, *, case: Case = "n", gender: Gender = "m") -> str:
    """Write "two": 2 and "f" give "две"."""
    return _words(number, case=case, gender=gender, animate=False)


def ordinal(number: int, *, case: Case = "n", gender: Gender | Literal["p"] = "m") -> str:
    """Write "second"; gender "p" stands for a plural."""
    is_plural = gender == "p"
    return _words(
        number,
        to="ordinal",
        case=case,
        gender="m" if is_plural else gender,
        plural=is_plural,
        animate=False,
    )


def suffixed(number: int, suffix: str) -> str:
    """Write an ordinal that ends as its suffix says: 5 and "го" give "пятого"."""
    case, gender = _SUFFIXES[suffix]
    if suffix == "е" and number % 10 == 0 and number >= 20:
        gender = "p"  # "80-е" are years
    return ordinal(number, case=case, gender=gender)


def placed(number: int, noun: str) -> str | None:
    """Write the number of a place, if the noun is one: 3 and "этаже" give "третьем"."""
    if noun not in _PLACES:
        return None
    case, gender = _PLACES[noun]
    return ordinal(number, case=case, gender=gender)


def prefixed(number: int) -> str:
    """Write a number as the beginning of a word: 25 gives "двадцатипяти", as in "двадцатипятилетний"."""
    if number == 1:
        return "одно"
    if number in {90, 100}:
        return cardinal(number)
    if number == 1000:
        return "тысяче"
    return cardinal(number, case="g").replace(" ", "")


def fraction(whole: str, decimals: str) -> str:
    """Write a decimal fraction: ("3", "5") gives "три целых пять десятых"."""
    if len(decimals) > 6:
        return f"{digits(whole)} точка {digits(decimals)}"
    return _words(f"{int(whole)}.{decimals}")


def digits(text: str) -> str:
    """Write digits one by one."""
    return " ".join(cardinal(int(digit)) for digit in text)


def integer(text: str, *, case: Case = "n", gender: Gender = "m") -> str:
    """Write a run of digits as a number, or one by one where it is none: "007", a card's number."""
    if len(text) > LONGEST or (len(text) > 1 and text.startswith("0")):
        return digits(text)
    return cardinal(int(text), case=case, gender=gender)


def group(text: str) -> str:
    """Write a group of digits of a telephone number: "05" gives "ноль пять"."""
    zeros = len(text) - len(text.lstrip("0"))
    rest = text[zeros:]
    return " ".join(["ноль"] * zeros + ([cardinal(int(rest))] if rest else []))


def agreeing(number: int, forms: Forms, *, case: Case = "n") -> str:
    """Choose the form of a noun that agrees with a number, in the nominative and the genitive."""
    one, few, many = forms
    if case == "g":
        return few if number % 10 == 1 and number % 100 != 11 else many
    if number % 100 in {11, 12, 13, 14}:
        return many
    return {1: one, 2: few, 3: few, 4: few}.get(number % 10, many)


def _words(number: int | str, **grammar: Any) -> str:
    # num2words takes a while to import, and is only needed to speak.
    from num2words import num2words  # type: ignore[import-untyped]  # it ships no types

    return str(num2words(number, lang="ru", **grammar))
