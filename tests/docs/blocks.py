"""The fenced blocks of the documentation, and what their title says of them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = (ROOT / "README.md", *sorted(DOCS.glob("*.md")))

_FENCE = re.compile(
    r'^```(?P<language>\w*)(?: title="(?P<title>[^"]+)")?\n(?P<text>.*?)^```$', re.MULTILINE | re.DOTALL
)


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block; `after` is true where nothing stands between it and the block before."""

    page: Path
    line: int
    language: str
    title: str | None
    text: str
    after: bool

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def blocks_of(page: Path) -> Iterator[Block]:
    """Read the blocks of a page, in order."""
    text = page.read_text(encoding="utf-8")
    end = -1
    for fence in _FENCE.finditer(text):
        yield Block(
            page,
            text.count("\n", 0, fence.start()) + 1,
            fence["language"],
            fence["title"],
            fence["text"],
            after=end >= 0 and not text[end : fence.start()].strip(),
        )
        end = fence.end()


def blocks(language: str) -> list[Block]:
    """List the blocks of a language on all pages."""
    return [block for page in PAGES for block in blocks_of(page) if block.language == language]


def titled(page: Path, title: str) -> str:
    """Return the text of the one block of a title.

    Raises:
        ValueError: there is none, or more than one.
    """
    (block,) = [block for block in blocks_of(page) if block.title == title]
    return block.text
