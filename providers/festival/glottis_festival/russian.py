"""Text as the Russian voice can speak it: Cyrillic words, spaces and a few marks."""

import re
import unicodedata

from glottis_festival.abbreviations import lone_letters_named, spelled_out, written_out
from glottis_festival.amounts import in_words
from glottis_festival.latin import in_cyrillic
from glottis_festival.stress import with_stress

_ADDRESS = re.compile(
    r"https?://\S+|www\.\S+|[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,5}"
    r"|(?:[\w-]{1,63}\.){1,5}(?:com|org|net|ru|su|io|info|dev|eu)\b[/\w-]*",
    re.ASCII,
)
_ADDRESS_MARKS = {".": " точка ", "@": " собака ", "/": " слэш ", "_": " подчёркивание ", "-": " дефис "}

_SYMBOLS = {
    "…": ". ", "(": ", ", ")": ", ", "\n": ", ", "½": " половина ", "&": " и ", "+": " плюс ",
    "=": " равно ", "%": " процентов ", "№": " номер ", "@": " собака ", "#": " номер ", "§": " параграф ",
    "€": " евро ", "$": " долларов ", "₽": " рублей ", "×": " на ", "÷": " делить на ", "<": " меньше ",
    ">": " больше ", "~": " примерно ", "≈": " примерно ", "±": " плюс минус ", "°": " градусов ",
}  # fmt: skip
_DASH = re.compile(r"\s+[-\u2010-\u2015\u2212]+\s+|\s*[\u2013-\u2015]\s*|\s*--+\s*")
_HYPHEN = re.compile(r"[\u2010\u2011\u2212]")
_LETTERS = str.maketrans("іїєґўѣІЇЄҐЎѢ", "ииегуеИИЕГУЕ")
_LATIN = re.compile(r"[A-Za-z\u00c0-\u024f]+(?:[-'\u2019][A-Za-z\u00c0-\u024f]+)*")
_JOINT = re.compile(r"(?<=[A-Za-z])-?(?=\d)|(?<=\d)-?(?=[A-Za-z])|(?<=[A-Za-z])-(?=[А-Яа-яЁё])")
_UNSPEAKABLE = re.compile(r"[^а-яё+ .,;:!?-]")
_LOOSE_STRESS = re.compile(r"\+(?![аеёиоуыэюя])")
_LOOSE_HYPHEN = re.compile(r"(?<![а-яё])-+|-+(?![а-яё])")
_MARKS = re.compile(r"\s*([.,;:!?])[\s.,;:!?]*")
_LONG_WORD = re.compile(r"([а-яё+]{30})(?=[а-яё])")


def speakable_russian(text: str) -> str:
    """Write out what the voice does not know: digits, abbreviations, Latin words, symbols; drop the rest.

    What comes back matches `[а-яё+ .,;:!?-]*`, with "+" only before a stressed vowel and no word longer
    than 30 letters. It is empty if nothing of the text can be spoken.
    """
    text = _without_accents(text.replace("\u00ad", "").translate(_LETTERS))
    text = _ADDRESS.sub(_address, _HYPHEN.sub("-", text))
    text = in_words(_JOINT.sub(" ", written_out(text)))
    text = _DASH.sub(", ", text)
    for symbol, words in _SYMBOLS.items():
        text = text.replace(symbol, words)
    text = _LATIN.sub(lambda found: in_cyrillic(found[0]), spelled_out(text))
    text = _LOOSE_STRESS.sub(" ", _UNSPEAKABLE.sub(" ", lone_letters_named(text.lower())))
    text = _MARKS.sub(r"\1 ", _LOOSE_HYPHEN.sub(" ", text))
    text = " ".join(_LONG_WORD.sub(r"\1 ", text).split()).lstrip(".,;:!? ").rstrip(",;: ")
    return with_stress(text) if re.search("[а-яё]", text) else ""


def _without_accents(text: str) -> str:
    """Drop the accents with which a dictionary shows stress, and keep й and ё whole."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", text).replace("\u0301", ""))


def _address(found: re.Match[str]) -> str:
    address = re.sub(r"^(?:https?://)?(?:www\.)?", "", found[0]).rstrip("/.")
    return "".join(_ADDRESS_MARKS.get(character, character) for character in address)
