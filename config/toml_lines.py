"""On which line of a TOML file each key stands, so that a mistake can be pointed at.

`tomllib` keeps no positions, so this reads the headers and keys a second time. It runs on text that `tomllib`
has already accepted, and so needs to tell statements apart but not to judge them.
"""

import re

Path = tuple[str, ...]

_PART = r"(?:\"(?:[^\"\\]|\\.)*\"|'[^']*'|[A-Za-z0-9_-]+)"
_DOTTED = rf"{_PART}(?:\s*\.\s*{_PART})*"
_HEADER = re.compile(rf"\s*\[\[?\s*({_DOTTED})\s*\]\]?")
_KEY = re.compile(rf"\s*({_DOTTED})\s*=")
_QUOTED = re.compile(r"\"\"\"(?:\\.|[^\\])*?\"\"\"|'''.*?'''|\"(?:\\.|[^\"\\\n])*\"|'[^'\n]*'", re.DOTALL)


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


def line_of(lines: dict[Path, int], path: Path) -> int:
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
    return tuple(part.strip("\"'") for part in re.findall(_PART, dotted))


def _statements(text: str) -> list[tuple[int, str]]:
    """Split into (line, statement), keeping a value that runs over several lines with its key."""
    statements: list[tuple[int, str]] = []
    pending, start, depth = "", 1, 0
    plain = _QUOTED.sub(_blank, text).split("\n")
    for number, (line, unquoted) in enumerate(zip(text.split("\n"), plain, strict=True), start=1):
        bare = unquoted.split("#", 1)[0]
        if not pending:
            start = number
        pending += line + "\n"
        depth += sum(map(bare.count, "[{")) - sum(map(bare.count, "]}"))
        if depth <= 0:
            if pending.strip():
                statements.append((start, pending))
            pending, depth = "", 0
    return statements


def _blank(quoted: re.Match[str]) -> str:
    return re.sub(r"[^\n]", "_", quoted[0])
