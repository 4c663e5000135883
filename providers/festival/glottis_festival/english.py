"""Text as Festival's English voices can speak it: ASCII, with the digits and marks that they know."""

import re
import unicodedata

_SYMBOLS = {
    "’": "'", "‘": "'", "…": ". ", "–": ", ", "—": ", ", "(": ", ", ")": ", ", "\n": ", ", "&": " and ",
    "+": " plus ", "=": " equals ", "№": " number ", "#": " number ", "@": " at ", "§": " section ",
    "×": " times ", "°": " degrees ", "<": " less than ", ">": " greater than ", "~": " about ",
    "≈": " about ", "±": " plus or minus ", "_": " ", "½": " one half ", "₽": " rubles ", "ß": "ss",
    "æ": "ae", "ø": "o", "ł": "l", "Ł": "L", "Ø": "O", "œ": "oe",
}  # fmt: skip
_LETTERS = "абвгдеёжзийклмнопрстуфхцчшщъыьэюяіїєґ"
_SOUNDS = "a b v g d e yo zh z i y k l m n o p r s t u f kh ts ch sh shch - y - e yu ya i yi ye g"
_CYRILLIC = dict(zip(_LETTERS, _SOUNDS.split(), strict=True))
_TRANSLITERATION = str.maketrans(
    {letter: sound.strip("-") for letter, sound in _CYRILLIC.items()}
    | {letter.upper(): sound.strip("-").title() for letter, sound in _CYRILLIC.items()}
)

_ADDRESS = re.compile(
    r"https?://\S+|www\.\S+|[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,5}"
    r"|(?:[\w-]{1,63}\.){1,5}(?:com|org|net|ru|io|info|dev|eu|uk|de)\b[/\w-]*",
    re.ASCII,
)
_ADDRESS_MARKS = {".": " dot ", "@": " at ", "/": " slash ", "-": " dash ", "_": " underscore "}
_CURRENCIES = {"€": "euros", "£": "pounds", "₽": "rubles", "$": "dollars"}
_MONEY = re.compile(r"(?P<sign>[€£₽])\s?(?P<number>\d[\d.,]*\d|\d)|(?P<amount>\d[\d.,]*)\s?(?P<unit>[$€£₽])")
_WRITTEN_OUT = {
    r"\be\.\s?g\.": "for example",
    r"\bi\.\s?e\.": "that is",
    r"\betc\.": "et cetera",
    r"\bvs\.": "versus",
    r"\bapprox\.": "approximately",
    r"(?<=\d)\s?km\b": " kilometers",
    r"(?<=\d)\s?cm\b": " centimeters",
    r"(?<=\d)\s?kg\b": " kilograms",
    r"\b24/7\b": "24 7",
    r"(?<=[A-Za-z])/(?=[A-Za-z])": " or ",
}
_UNSPEAKABLE = re.compile(r"[^A-Za-z0-9 .,;:!?'$%/-]")
_LOOSE = re.compile(r"(?<![A-Za-z0-9])[-'/%]+|[-'/]+(?![A-Za-z0-9])|\$(?!\d)")
_MARKS = re.compile(r"\s*([.,;:!?])[\s.,;:!?]*(?=\s|$)")
_LONG_WORD = re.compile(r"([A-Za-z0-9]{30})(?=[A-Za-z0-9])")


def speakable_english(text: str) -> str:
    """Write out symbols and foreign letters, and drop what the voices cannot read.

    What comes back matches `[A-Za-z0-9 .,;:!?'$%/-]*`, with no run of letters and digits longer than 30.
    Numbers, money and most abbreviations are left to Festival. It is empty if nothing can be spoken.
    """
    text = _ADDRESS.sub(_address, _MONEY.sub(_money, text))
    for abbreviation, words in _WRITTEN_OUT.items():
        text = re.sub(abbreviation, words, text)
    for symbol, words in _SYMBOLS.items():
        text = text.replace(symbol, words)
    text = unicodedata.normalize("NFC", text).translate(_TRANSLITERATION)
    text = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    text = _LOOSE.sub(" ", _UNSPEAKABLE.sub(" ", text))
    text = _MARKS.sub(r"\1 ", _LONG_WORD.sub(r"\1 ", text))
    text = " ".join(text.split()).lstrip(".,;:!?' ").rstrip(",;:' ")
    return text if re.search(r"[A-Za-z0-9]", text) else ""


def _money(found: re.Match[str]) -> str:
    if found["sign"]:
        return f"{found['number']} {_CURRENCIES[found['sign']]}"
    return f"{found['amount']} {_CURRENCIES[found['unit']]}"


def _address(found: re.Match[str]) -> str:
    address = re.sub(r"^(?:https?://)?(?:www\.)?", "", found[0]).rstrip("/.")
    return "".join(_ADDRESS_MARKS.get(character, character) for character in address)
