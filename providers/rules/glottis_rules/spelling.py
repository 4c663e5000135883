"""Written words as bare words: no case, no punctuation, no accents that speech does not tell apart."""

import re
import unicodedata

MAX_WORDS = 40
"""A command is shorter than this; what follows only counts as not understood."""

_MAX_CHARS = 1_000
_MAX_WORD_CHARS = 40
_WORD = re.compile(r"[^\W_]+")
_SILENT = str.maketrans({"ё": "е", "'": "", "’": "", "ʼ": "", "`": "", "\u0301": ""})


def split_words(text: str) -> list[str]:
    """List the words of a short text."""
    plain = unicodedata.normalize("NFKC", text[:_MAX_CHARS]).casefold().translate(_SILENT)
    return [word[:_MAX_WORD_CHARS] for word in _WORD.findall(plain)[:MAX_WORDS]]


def count_words(text: str) -> int:
    """Tell about how many words a text has, however long it is."""
    return len(text.split())


def is_cyrillic(word: str) -> bool:
    """Tell the script of a word by its first letter."""
    return "\u0400" <= word[:1] <= "\u04ff"


def cyrillic_share(text: str) -> float:
    """Tell how much of what is written in Cyrillic or Latin letters is in Cyrillic; 0 when nothing is."""
    cyrillic = sum("а" <= letter <= "я" or letter == "ё" for letter in text.casefold())
    latin = sum("a" <= letter <= "z" for letter in text.casefold())
    return cyrillic / max(cyrillic + latin, 1)
