"""Nothing of the machine that a file was written on is in it, and nothing big."""

import re
from pathlib import Path

LARGEST_BYTES = 600_000

# Written so that this file does not hold what it looks for.
_PLACES = [
    r"/(?:root|home/\w+|Users/\w+)/(?!\.\.\.)",
    "/wor" + "k/",
    "/tm" + r"p/(?:bash|pytest)[\w.-]*/",
    "--(?:extra-)?index" + "-url",
    "find" + "-links",
    "/opt/(?:pypi|wheels)",
    r"(?:artifactory|nexus|devpi|pythonhosted)\.",
]
_MACHINE = re.compile("|".join(_PLACES))
_SECRET = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----|\bsk_[0-9a-f]{40,}|\bAKIA[0-9A-Z]{16}\b")


def test_no_file_names_a_place_on_somebodys_machine(root: Path, files: list[Path]) -> None:
    found = []
    for file in files:
        text = (root / file).read_text(encoding="utf-8", errors="replace")
        found += [
            f"{file}:{number}: {line.strip()[:100]}"
            for number, line in enumerate(text.splitlines(), start=1)
            if _MACHINE.search(line) or _SECRET.search(line)
        ]
    assert not found, "\n".join(found)


def test_no_file_is_big(root: Path, files: list[Path]) -> None:
    assert not [str(file) for file in files if (root / file).stat().st_size > LARGEST_BYTES]
