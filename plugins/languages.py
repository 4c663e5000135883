"""BCP 47 language tags, as far as choosing a provider needs them."""

from collections.abc import Iterable

ANY = frozenset({"*"})
"""The capability of a provider that takes every language."""


def primary(tag: str) -> str:
    """Return the language of a tag without region or script: `ru-RU` gives `ru`."""
    return tag.replace("_", "-").split("-", 1)[0].lower()


def lookup_order(tag: str) -> list[str]:
    """List a tag and its ever less specific forms, most specific first (RFC 4647, 3.4)."""
    parts = tag.replace("_", "-").lower().split("-")
    return ["-".join(parts[:n]) for n in range(len(parts), 0, -1)]


def best_match(tag: str, supported: Iterable[str]) -> str | None:
    """Find the entry of `supported` that serves `tag` best, or None.

    An exact tag wins over a shorter one, that over another region of the same language, that over `*`.
    """
    by_tag = {entry.replace("_", "-").lower(): entry for entry in supported}
    for candidate in lookup_order(tag):
        if candidate in by_tag:
            return by_tag[candidate]
    relatives = sorted(entry for entry in by_tag if primary(entry) == primary(tag))
    if relatives:
        return by_tag[relatives[0]]
    return by_tag.get("*")
