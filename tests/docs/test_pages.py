"""The pages hold together: their generated parts are fresh, and their links lead somewhere."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.blocks import DOCS, PAGES, ROOT

ALL_PAGES = (*PAGES, ROOT / "CONTRIBUTING.md", *sorted((DOCS / "decisions").glob("*.md")))
FIRST_SCREEN = 20
_LINK = re.compile(r"\[[^\]\n]*\]\(([^)\s]+)\)")


def prose(page: Path) -> str:
    """Return a page without its blocks of code."""
    return re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)


def anchors(page: Path) -> set[str]:
    """Name the headings of a page as GitHub does."""
    headings = re.findall(r"^#+ (.+)$", prose(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def links(page: Path) -> Iterator[tuple[Path, str]]:
    """List the links of a page into the tree: file and anchor."""
    for link in _LINK.findall(prose(page)):
        if "://" not in link:
            path, _, anchor = link.partition("#")
            yield ((page.parent / path).resolve() if path else page), anchor


@pytest.mark.parametrize("page", ALL_PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    for target, anchor in links(page):
        assert target.exists(), target
        assert not anchor or anchor in anchors(target), f"{target.name}#{anchor}"


def test_every_page_can_be_reached_from_the_readme() -> None:
    reached, new = set[Path](), {ROOT / "README.md"}
    while new:
        reached |= new
        new = {target for page in new for target, _ in links(page) if target.suffix == ".md"} - reached
    # A link to the folder leads to the decisions.
    folders = {target for target, _ in links(ROOT / "README.md") if target.is_dir()}
    missing = [page for page in ALL_PAGES if page not in reached and page.parent not in folders]
    assert not missing


def test_the_first_screen_tells_what_it_is_and_how_to_see_it() -> None:
    first = "\n".join((ROOT / "README.md").read_text(encoding="utf-8").splitlines()[:FIRST_SCREEN])
    for told in ("voice platform", "$ make demo", "$ make test"):
        assert told in first


@pytest.mark.slow
def test_the_generated_parts_are_what_the_code_says() -> None:
    pages = [str(page) for page in PAGES if "[[[cog" in page.read_text(encoding="utf-8")]
    assert pages
    done = subprocess.run(
        [sys.executable, "-m", "cogapp", "--check", *pages],
        check=False,
        capture_output=True,
        text=True,
        cwd=ROOT,
        timeout=60,
    )
    assert done.returncode == 0, f"run `make docs`\n{done.stdout}{done.stderr}"


def test_no_generated_part_is_left_empty() -> None:
    for page in PAGES:
        parts = re.findall(
            r"\]\]\] -->\n(.*?)<!-- \[\[\[end\]\]\]", page.read_text(encoding="utf-8"), re.DOTALL
        )
        assert all(part.strip() for part in parts), page
