"""Text on its way to Festival: whole sentences, of a length that it speaks at once."""

import re
from collections.abc import AsyncGenerator, AsyncIterator

from glottis.plugins import sentences

LONGEST = 300
"""Characters of the longest passage: some 20 s of speech, of which the first sound comes after 0.3 s."""

_UNFINISHED = re.compile(
    r"(?:^|[\s(])(?:"
    r"ул|пер|пл|просп|наб|корп|д|кв|стр|оф|обл|им|тел|доб|напр|т\.\s?[екн]|т|(?<!\d\s)г|проф|акад|гл|рис|см"
    r"|Mr|Mrs|Ms|Dr|Prof|St|vs|e\.\s?g|i\.\s?e|No"
    r")\.$",
    re.IGNORECASE,
)
"""A point that ends an abbreviation and not a sentence."""

_BREAKS = ("; ", ": ", ", ", " ")
_LONGEST_RAW = 1000
_LONG_RUN = re.compile(r"(\S{200})(?=\S)")


async def whole_sentences(text: str | AsyncIterator[str]) -> AsyncGenerator[str, None]:
    """Give the sentences of a text; one that seems to end in an abbreviation is joined to the next.

    White space is one space; a sentence without an end is cut, and so are words of more than 200 characters.
    """
    pending = ""
    async for sentence in sentences(text):
        pending = f"{pending} {sentence}" if pending else sentence
        if not _UNFINISHED.search(pending[-20:]) or len(pending) > LONGEST:
            for piece in cut(_tidy(pending), longest=_LONGEST_RAW):
                yield piece
            pending = ""
    for piece in cut(_tidy(pending), longest=_LONGEST_RAW):
        yield piece


def cut(text: str, *, longest: int = LONGEST) -> list[str]:
    """Cut a text into passages, at its commas if that is possible."""
    passages = []
    while len(text) > longest:
        places = (text.rfind(mark, longest // 3, longest) for mark in _BREAKS)
        place = next((place for place in places if place > 0), longest - 1)
        passages.append(text[: place + 1].strip())
        text = text[place + 1 :].strip()
    return [*passages, text] if text else passages


def _tidy(text: str) -> str:
    return " ".join(_LONG_RUN.sub(r"\1 ", text).split())
