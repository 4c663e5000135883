"""What packets say, as transcripts."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from glottis.plugins import Transcript, Word

from glottis_mock.alphabet import GLUE, decode_each
from glottis_mock.receiver import Packet


@dataclass(frozen=True, slots=True)
class _Character:
    text: str
    start_s: float
    end_s: float
    clarity: float


def text_of(packets: Sequence[Packet]) -> str:
    """Put together what has been heard so far."""
    return "".join(character.text for character in _characters(packets))


def transcript_of(packets: Sequence[Packet], *, language: str, word_times: bool) -> Transcript:
    """Tell what was said and how clearly."""
    characters = list(_characters(packets))
    clarity = sum(character.clarity for character in characters) / max(len(characters), 1)
    text = "".join(character.text for character in characters)
    words = tuple(_words(characters)) if word_times else ()
    return Transcript(text, round(min(clarity, 1.0), 3), language, words)


def _characters(packets: Sequence[Packet]) -> Iterator[_Character]:
    end_s = 0.0
    for number, packet in enumerate(packets):
        if number and packet.codes and packet.codes[0] != GLUE:
            yield _Character(" ", end_s, end_s, packet.clarity)
        step_s = packet.symbol_ms / 1000
        for character, at in decode_each(packet.codes):
            start_s = packet.starts_s + at * step_s
            end_s = start_s + step_s
            yield _Character(character, start_s, end_s, packet.clarity)


def _words(characters: Sequence[_Character]) -> Iterator[Word]:
    word: list[_Character] = []
    for character in (*characters, None):
        if character is not None and character.text != " ":
            word.append(character)
        elif word:
            text = "".join(each.text for each in word)
            yield Word(text, word[0].start_s, word[-1].end_s, round(min(word[0].clarity, 1.0), 3))
            word = []
