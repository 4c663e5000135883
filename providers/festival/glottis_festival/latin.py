"""Words in Latin letters, as a Russian reads them out."""

import re
import unicodedata
from string import ascii_lowercase

_KNOWN = {
    "amazon": "амазон", "android": "андроид", "api": "эй пи ай", "apple": "эппл", "app": "эп",
    "bluetooth": "блютуз", "business": "бизнес", "chat": "чат", "com": "ком", "chrome": "хром",
    "discord": "дискорд", "docker": "докер", "e-mail": "им+ейл", "email": "им+ейл", "excel": "эксель",
    "facebook": "фейсбук", "gmail": "джимейл", "google": "гугл", "home": "хоум", "info": "инфо",
    "instagram": "инстаграм", "internet": "интернет", "iphone": "айф+он", "java": "джава",
    "javascript": "джаваскрипт", "linkedin": "линкедин", "linux": "линукс", "mail": "мейл",
    "mastercard": "мастерк+ард", "microsoft": "майкрософт", "net": "нет", "office": "офис", "ok": "ок+ей",
    "online": "онлайн", "offline": "офлайн", "paypal": "пейпал", "python": "пайтон", "pro": "про",
    "ru": "ру", "samsung": "самсунг", "service": "сервис", "site": "сайт", "skype": "скайп",
    "support": "саппорт", "telegram": "телеграм", "tiktok": "тикток", "twitter": "твиттер",
    "viber": "вайбер", "visa": "виза", "web": "веб", "whatsapp": "вотсап", "wi-fi": "вай ф+ай",
    "wifi": "вай ф+ай", "windows": "в+индоус", "word": "ворд", "yandex": "яндекс", "youtube": "ют+уб",
    "zoom": "зум",
}  # fmt: skip

_NAMES = "эй би си ди и эф джи эйч ай джей кей эл эм эн оу пи кью ар эс ти ю ви дабл+ю икс уай зет"
_LETTERS = dict(zip(ascii_lowercase, _NAMES.split(), strict=True))

_RULES = (
    (r"^x", "кс"), (r"tion\b", "шн"), (r"sch|sh", "ш"), (r"tch|ch", "ч"), (r"ph", "ф"), (r"th", "т"),
    (r"kh", "х"), (r"zh", "ж"), (r"ck", "к"), (r"qu", "кв"), (r"wh", "в"), (r"oo", "у"), (r"ee|ea", "и"),
    (r"ou", "ау"), (r"ya", "я"), (r"yu", "ю"), (r"yo", "ё"), (r"ay|ai|ey|ei", "ей"), (r"igh", "ай"),
    (r"c(?=[eiy])", "с"), (r"ng\b", "нг"), (r"(?<=[bcdfghklmnprstvwz])y(?![aeiou])", "и"),
    (r"(?<=[a-z]{2}[bcdfgklmnprstvz])e\b", ""), (r"\be", "э"), (r"x", "кс"), (r"a", "а"), (r"b", "б"),
    (r"c", "к"), (r"d", "д"), (r"e", "е"), (r"f", "ф"), (r"g", "г"), (r"h", "х"), (r"i", "и"), (r"j", "дж"),
    (r"k", "к"), (r"l", "л"), (r"m", "м"), (r"n", "н"), (r"o", "о"), (r"p", "п"), (r"q", "к"), (r"r", "р"),
    (r"s", "с"), (r"t", "т"), (r"u", "у"), (r"v", "в"), (r"w", "в"), (r"y", "й"), (r"z", "з"),
)  # fmt: skip

_SOUNDS = re.compile("|".join(f"(?P<r{number}>{rule})" for number, (rule, _) in enumerate(_RULES)))


def in_cyrillic(word: str) -> str:
    """Spell a Latin word in Cyrillic letters, nearly as it is pronounced; abbreviations letter by letter."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", word) if c.isascii())
    lower = plain.lower()
    if lower in _KNOWN:
        return _KNOWN[lower]
    if "-" in plain:
        return " ".join(in_cyrillic(part) for part in plain.split("-") if part)
    is_abbreviation = (
        len(plain) == 1 or (plain.isupper() and len(plain) <= 4) or not re.search("[aeiouy]", lower)
    )
    if is_abbreviation and len(plain) <= 6:
        return " ".join(_LETTERS[letter] for letter in lower if letter in _LETTERS)
    return _SOUNDS.sub(lambda found: _RULES[int((found.lastgroup or "r0")[1:])][1], lower)
