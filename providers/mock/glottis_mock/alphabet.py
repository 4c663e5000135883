"""Text as codes of one byte: a code for each Latin or Cyrillic letter, four for any other character."""

from collections.abc import Iterable, Iterator

GLUE = 0x01
"""At the start of a packet: no space stands between it and the packet before."""
ESCAPE = 0x02
"""The next three codes are the number of a character, the highest first."""

_CODES = {chr(number): number for number in range(0x20, 0x7F)}
_CODES |= {chr(0x0410 + number): 0x80 + number for number in range(64)}
_CODES |= {
    character: 0xC0 + number
    for number, character in enumerate("Ёё«»—–…№“”„’€₽°×àáâãäåæçèéêëìíîïñòóôõöøùúûüýßÄÅÆÇÉÑÖØÜ")
}
_CHARACTERS = {code: character for character, code in _CODES.items()}


def encode(text: str) -> bytes:
    """Turn a text into codes."""
    return b"".join(map(_encode_character, text))


def decode(codes: Iterable[int]) -> str:
    """Turn codes into a text; an escape that is not whole is left out, an unknown code becomes U+FFFD."""
    return "".join(character for character, _ in decode_each(codes))


def decode_each(codes: Iterable[int]) -> Iterator[tuple[str, int]]:
    """Give each character with the number of its first code."""
    numbered = iter(enumerate(codes))
    for at, code in numbered:
        if code != ESCAPE:
            if code != GLUE:
                yield _CHARACTERS.get(code, "\ufffd"), at
            continue
        digits = [digit for _, digit in zip(range(3), (digit for _, digit in numbered), strict=False)]
        if len(digits) == 3:
            number = int.from_bytes(bytes(digits), "big")
            yield (chr(number) if number < 0x11_0000 else "\ufffd"), at


def packets(text: str, *, most_codes: int) -> list[bytes]:
    """Cut a text into runs of at most `most_codes` codes, between words where that can be done."""
    runs: list[bytes] = []
    run = b""
    for word in text.split():
        codes = encode(word)
        if run and len(run) + 1 + len(codes) > most_codes:
            runs.append(run)
            run = b""
        if len(codes) <= most_codes:
            run = run + encode(" ") + codes if run else codes
        else:
            *whole, run = _cut_word(word, most_codes)
            runs += whole
    return [*runs, run] if run else runs


def _cut_word(word: str, most_codes: int) -> list[bytes]:
    runs = [b""]
    for character in word:
        codes = _encode_character(character)
        if len(runs[-1]) + len(codes) > most_codes:
            runs.append(bytes([GLUE]))
        runs[-1] += codes
    return runs


def _encode_character(character: str) -> bytes:
    code = _CODES.get(character)
    if code is not None:
        return bytes([code])
    return bytes([ESCAPE]) + ord(character).to_bytes(3, "big")
