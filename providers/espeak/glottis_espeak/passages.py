"""Text on its way to espeak-ng: sentences of a bounded length, without what is no text."""

import unicodedata
from collections.abc import AsyncGenerator, AsyncIterator

from glottis.plugins import is_speakable, sentences

LONGEST = 400
"""Characters that are spoken at a stretch: what a cancelled call may still hold in memory, and no more."""

_BREAKS = ("。", "！", "？", "; ", ", ", "，", "、", " ")
_JOINERS = {"\u200c", "\u200d"}
_NOT_TEXT = {"Cc", "Cf", "Cn", "Co", "Cs"}


async def passages(text: str | AsyncIterator[str]) -> AsyncGenerator[str, None]:
    """Cut a text into sentences, each of at most `LONGEST` characters; leave out those without any sound."""
    async for sentence in sentences(text):
        rest = clean(sentence)
        while rest:
            passage, rest = _cut(rest)
            if is_speakable(passage):
                yield passage


def clean(text: str) -> str:
    """Drop control and private characters: espeak-ng takes some of them as commands, even to play a file.

    The joiners that Persian and Indic spelling needs are kept.
    """
    return "".join(
        character if character in _JOINERS or unicodedata.category(character) not in _NOT_TEXT else " "
        for character in text
    ).strip()


def _cut(text: str) -> tuple[str, str]:
    if len(text) <= LONGEST:
        return text, ""
    ends = (
        text.rfind(mark, LONGEST // 2, LONGEST) for mark in (", ", "; ", "、", "，", "。", "！", "？", " ")
    )
    end = next((end + 1 for end in ends if end > 0), LONGEST)
    return text[:end].strip(), text[end:].strip()
