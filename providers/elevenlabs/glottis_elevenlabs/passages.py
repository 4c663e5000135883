"""Text on its way to ElevenLabs: what one request holds, and what the model is told of its surroundings."""

from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass, field

from glottis.plugins import is_speakable, sentences, split_sentences

CONTEXT_CHARACTERS = 500
REMEMBERED_REQUESTS = 3
"""How many request ids `previous_request_ids` may hold."""


@dataclass(frozen=True, slots=True)
class Passage:
    """The text of one request; `following` is what comes after it, as far as that is known."""

    text: str
    following: str = ""


async def passages(text: str | AsyncIterator[str], *, characters: int) -> AsyncGenerator[Passage, None]:
    """Cut a text no more than the limit asks, a stream of text at each sentence; drop what has no sound."""
    if isinstance(text, str):
        packed = _pack(text, characters)
        for number, passage in enumerate(packed, start=1):
            following = packed[number] if number < len(packed) else ""
            yield Passage(passage, following[:CONTEXT_CHARACTERS])
        return
    async for sentence in sentences(text):
        for passage in _pack(sentence, characters):
            yield Passage(passage)


def _pack(text: str, characters: int) -> list[str]:
    """Fill as few requests as possible with whole sentences."""
    if len(text) <= characters:
        return [text] if is_speakable(text) else []
    packed: list[str] = []
    filling = ""
    for sentence in split_sentences(text):
        for piece in _slices(sentence, characters):
            if filling and len(filling) + 1 + len(piece) > characters:
                packed.append(filling)
                filling = piece
            else:
                filling = f"{filling} {piece}".strip()
    return [passage for passage in [*packed, filling] if is_speakable(passage)]


def _slices(sentence: str, characters: int) -> list[str]:
    """Cut a sentence that is too long by itself, between words where it has any."""
    pieces: list[str] = []
    rest = sentence
    while len(rest) > characters:
        cut = rest.rfind(" ", 1, characters + 1)
        cut = cut if cut > 0 else characters
        pieces.append(rest[:cut])
        rest = rest[cut:].strip()
    return [*pieces, rest] if rest else pieces


@dataclass(slots=True)
class Stitching:
    """What was spoken before: told to the model, so that the melody goes on over the cut."""

    request_ids: list[str] = field(default_factory=list)
    text: str = ""

    def context(self, passage: Passage) -> dict[str, str | list[str]]:
        """Give the fields of a request for the passage; request ids say more than the text and replace it."""
        fields: dict[str, str | list[str]] = {}
        if self.request_ids:
            fields["previous_request_ids"] = list(self.request_ids)
        elif self.text:
            fields["previous_text"] = self.text
        if passage.following:
            fields["next_text"] = passage.following
        return fields

    def spoken(self, passage: Passage, *, request_id: str | None) -> None:
        """Note that all audio of a passage has come: only then may its request id be named."""
        self.text = f"{self.text} {passage.text}".strip()[-CONTEXT_CHARACTERS:]
        # A gap in the chain of ids is worse than none: the text tells what lies between.
        self.request_ids = [*self.request_ids, request_id][-REMEMBERED_REQUESTS:] if request_id else []
