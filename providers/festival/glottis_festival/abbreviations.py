"""Russian abbreviations, written out: with a point, and in capitals."""

import re

_WRITTEN_OUT = {
    r"т\.\s?е\.": "то есть",
    r"т\.\s?к\.": "так как",
    r"т\.\s?д\.": "так далее",
    r"т\.\s?п\.": "тому подобное",
    r"т\.\s?ч\.": "том числе",
    r"т\.\s?н\.": "так называемый",
    r"и др\.": "и другие",
    r"и пр\.": "и прочее",
    r"до н\.\s?э\.": "до нашей эры",
    r"н\.\s?э\.": "нашей эры",
    r"ул\.": "улица",
    r"просп\.|пр-т\.?": "проспект",
    r"пер\.": "переулок",
    r"пл\.": "площадь",
    r"наб\.": "набережная",
    r"корп\.": "корпус",
    r"д\.(?=\s?\d)": "дом",
    r"кв\.(?=\s?\d)": "квартира",
    r"стр\.(?=\s?\d)": "строение",
    r"оф\.(?=\s?\d)": "офис",
    r"г\.(?=\s?[А-ЯЁ])": "город",
    r"обл\.": "область",
    r"р-н": "район",
    r"им\.": "имени",
    r"тел\.": "телефон",
    r"доб\.(?=\s?\d)": "добавочный",
    r"напр\.": "например",
    r"пн-пт": "с понедельника по пятницу",
    r"вкл\.": "включительно",
    r"макс\.": "максимум",
    r"(?<!\d)(?<!\d\s)руб\.": "рублей",
    r"(?<!\d)(?<!\d\s)коп\.": "копеек",
    r"(?<!\d)(?<!\d\s)тыс\.": "тысяч",
    r"(?<!\d)(?<!\d\s)млн\b\.?": "миллионов",
    r"(?<!\d)(?<!\d\s)млрд\b\.?": "миллиардов",
}
_EITHER_CASE = re.compile(r"^(?:\(\?<!.*?\))*([а-яё])")


def _pattern(written: str) -> str:
    """Let an abbreviation begin a sentence."""
    return _EITHER_CASE.sub(lambda found: f"{found[0][:-1]}[{found[1]}{found[1].upper()}]", written)


_ABBREVIATION = re.compile(
    "|".join(
        rf"(?P<a{number}>(?<![А-Яа-яЁё])(?:{_pattern(written)}))"
        for number, written in enumerate(_WRITTEN_OUT)
    )
)
_MEANINGS = tuple(_WRITTEN_OUT.values())

_ACRONYM = re.compile(r"(?<![А-Яа-яЁё\-])[А-ЯЁ]{2,6}(?![А-Яа-яЁё])")
_READ_AS = {
    "ЗАО": "зэ а +о", "ИИ": "и +и", "ИП": "и п+э", "МГУ": "эм гэ +у", "ОАО": "о а +о", "ООО": "о о +о",
    "ОС": "о +эс", "РФ": "эр +эф", "СССР": "эс эс эс +эр", "США": "сэ шэ +а", "ФИО": "фи+о", "ЦБ": "цэ б+э",
}  # fmt: skip
_CONSONANTS = "БВГДЖЗЙКЛМНПРСТФХЦЧШЩ"
_NAMES = "б+э в+э г+э д+э ж+э з+э +и к+а +эль +эм +эн п+э +эр +эс т+э +эф х+а ц+э ч+э ш+а щ+а"
_LETTERS = dict(zip(_CONSONANTS, _NAMES.split(), strict=True))


_LONE_LETTER = re.compile(r"(?<![а-яё+-])(?:[гдзйлмнпртфхцчшщ]|[ъь]+)(?![а-яё+-])")
_SIGNS = {"ъ": "твёрдый знак", "ь": "мягкий знак"}


def written_out(text: str) -> str:
    """Replace abbreviations that end in a point by what they stand for."""
    return _ABBREVIATION.sub(lambda found: _MEANINGS[int((found.lastgroup or "a0")[1:])], text)


def spelled_out(text: str) -> str:
    """Replace words in capitals that cannot be read as words by the names of their letters.

    A text that is all in capitals is left alone: it is loud, not abbreviated.
    """
    return text if text.isupper() and len(text) > 8 else _ACRONYM.sub(_spell, text)


def lone_letters_named(text: str) -> str:
    """Replace small letters that are no words by their names: "в", "к", "с" and the like are words."""
    return _LONE_LETTER.sub(lambda found: _SIGNS.get(found[0][0]) or _LETTERS[found[0].upper()], text)


def _spell(found: re.Match[str]) -> str:
    word = found[0]
    if word in _READ_AS:
        return _READ_AS[word]
    if any(letter not in _LETTERS for letter in word):
        return word
    *others, last = (_LETTERS[letter] for letter in word)
    return " ".join([*(name.replace("+", "") for name in others), last])
