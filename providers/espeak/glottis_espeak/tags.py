"""BCP 47 tags for the names that espeak-ng gives to languages."""

_OWN_NAMES = {
    "ca-ba": "ca-x-balear",
    "ca-nw": "ca-x-nw",
    "ca-va": "ca-valencia",
    "chr-us-qaaa-x-west": "chr",
    "en-us-nyc": "en-US-x-nyc",
    "piqd": "tlh",
    "py": "art-x-pyash",
    "ru-cl": "ru-x-classic",
}
"""Names that are no tags, or the tag of something else: `ru-cl` would be Russian as spoken in Chile."""

ALIASES = {"nn": "nb", "zh-HK": "yue", "zh-MO": "yue", "iw": "he", "in": "id", "sh": "hr"}
"""Tags that people use and espeak-ng does not, and the one that serves them."""


def language_tag(name: str) -> str:
    """Turn espeak-ng's name of a language, such as `gmw/en-us`, into a BCP 47 tag, such as `en-US`."""
    name = name.rsplit("/", 1)[-1].replace("_", "-").lower()
    return _canonical(_OWN_NAMES.get(name, name))


def _canonical(tag: str) -> str:
    """Write a tag in the case that RFC 5646, 2.1.1 recommends."""
    first, *rest = tag.split("-")
    parts, is_private = [first.lower()], False
    for part in rest:
        is_private = is_private or part.lower() == "x"
        if is_private or len(part) not in {2, 4} or part[0].isdigit():
            parts.append(part.lower())
        else:
            parts.append(part.upper() if len(part) == 2 else part.title())
    return "-".join(parts)
