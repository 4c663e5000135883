"""Cutting long sentences, so that the first audio comes early and memory stays bounded."""

import re
import unicodedata

_CLAUSE_END = re.compile(r"[,;:–—]\s+")
_SPACE = re.compile(r"\s+")


def pieces(sentence: str, *, longest: int) -> list[str]:
    """Cut a sentence into pieces of at most `longest` characters: after a clause, else between words."""
    rest = _plain(sentence)
    found: list[str] = []
    while len(rest) > longest:
        end = _cut(rest, longest)
        found.append(rest[:end].strip())
        rest = rest[end:].lstrip()
    return [*found, rest] if rest else found


def _cut(text: str, longest: int) -> int:
    for boundary in (_CLAUSE_END, _SPACE):
        ends = [match.end() for match in boundary.finditer(text, 0, longest + 1)]
        # A cut near the start would leave a stump that sounds broken off.
        if ends and ends[-1] > longest // 3:
            return ends[-1]
    return longest


def _plain(text: str) -> str:
    """Replace control characters: eSpeak, which turns text into phonemes, refuses NUL."""
    return "".join(" " if unicodedata.category(c) == "Cc" else c for c in text).strip()
