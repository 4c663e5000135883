"""On which line of a TOML file each key stands, so that a mistake can be pointed at.

`tomllib` keeps no positions, so this reads the headers and keys a second time. It runs on text that `tomllib`
has already accepted, and so needs to tell statements apart but not to judge them.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping

Path = tuple[str, ...]

_PART = r"(?:\"(?:[^\"\\]|\\.)*\"|'[^']*'|[A-Za-z0-9_-]+)"
_DOTTED = rf"{_PART}(?:[ \t]*\.[ \t]*{_PART})*"
_HEADER = re.compile(rf"\s*\[\[?[ \t]*({_DOTTED})[ \t]*\]")
_KEY = re.compile(rf"\s*({_DOTTED})[ \t]*=")
# Comments come first in a place of their own: what looks like a quote in one is none. A multi-line string may
# end in up to two quotes of its own.
_OPAQUE = re.compile(
    r"#[^\n]*"
    r"|\"\"\"(?:\\.|[^\\])*?\"{3,5}(?!\")"
    r"|'''.*?'{3,5}(?!')"
    r"|\"(?:\\.|[^\"\\\n])*\""
    r"|'[^'\n]*'",
    re.DOTALL,
)


def locate(text: str) -> dict[Path, int]:
    """Map the path of each table and key to its line, counted from 1."""
    lines: dict[Path, int] = {}
    table: Path = ()
    for number, statement in _statements(text):
        header = _HEADER.match(statement)
        if header:
            table = _parts(header[1])
            _note(lines, table, number)
            continue
        key = _KEY.match(statement)
        if key:
            _note(lines, table + _parts(key[1]), number)
    return lines


def line_of(lines: Mapping[Path, int], path: Path) -> int:
    """Find the line of a path, or of the nearest part of it that the file holds; 0 if none."""
    for length in range(len(path), 0, -1):
        if path[:length] in lines:
            return lines[path[:length]]
    return 0


def _note(lines: dict[Path, int], path: Path, number: int) -> None:
    for length in range(1, len(path) + 1):
        lines.setdefault(path[:length], number)
    lines[path] = number


def _parts(dotted: str) -> Path:
    parts: list[str] = []
    node = tomllib.loads(f"{dotted} = 0")
    while isinstance(node, dict):
        ((part, node),) = node.items()
        parts.append(part)
    return tuple(parts)


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """Split into (line, statement), keeping a value that runs over several lines with its key."""
    # What is in quotes or comments is blanked, its line ends too: one that is left ends a statement, unless
    # it is in brackets.
    plain = _OPAQUE.sub(lambda opaque: "_" * len(opaque[0]), text)
    start, depth, number = 0, 0, 1
    for position, character in enumerate(plain + "\n"):
        if character in "[{":
            depth += 1
        elif character in "]}":
            depth -= 1
        elif character == "\n" and depth == 0:
            yield number, text[start:position]
            number += text.count("\n", start, position + 1)
            start = position + 1
