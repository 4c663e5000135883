"""Text on its way to a synthesizer."""

import re
from collections.abc import AsyncIterator

_END = re.compile(r"[.!?…。！？]+[\"'»”)\]]*\s+|\n+")


def split_sentences(text: str) -> list[str]:
    """Cut a text after each sentence end that is followed by white space; no sentence is empty."""
    pieces: list[str] = []
    start = 0
    for end in _END.finditer(text):
        pieces.append(text[start : end.end()].strip())
        start = end.end()
    pieces.append(text[start:].strip())
    return [piece for piece in pieces if piece]


async def sentences(text: str | AsyncIterator[str]) -> AsyncIterator[str]:
    """Give the sentences of a text, or of a stream of pieces of text, as soon as each is whole."""
    if isinstance(text, str):
        for sentence in split_sentences(text):
            yield sentence
        return
    pending = ""
    async for piece in text:
        pending += piece
        ends = [match.end() for match in _END.finditer(pending)]
        if ends:
            for sentence in split_sentences(pending[: ends[-1]]):
                yield sentence
            pending = pending[ends[-1] :]
    if pending.strip():
        yield pending.strip()


def is_speakable(text: str) -> bool:
    """Tell whether there is anything to say: a letter or a digit."""
    return any(character.isalnum() for character in text)
