"""Between BCP 47 tags and Whisper's own language codes."""

from collections.abc import Iterable

from glottis.plugins import primary

_CODES = (
    "af am ar as az ba be bg bn bo br bs ca cs cy da de el en es et eu fa fi fo fr gl gu ha haw he hi hr "
    "ht hu hy id is it ja jw ka kk km kn ko la lb ln lo lt lv mg mi mk ml mn mr ms mt my ne nl nn no oc pa "
    "pl ps pt ro ru sa sd si sk sl sn so sq sr su sv sw ta te tg th tk tl tr tt uk ur uz vi yi yo yue zh"
)

CODES = frozenset(_CODES.split())
"""Every code of Whisper's tokenizers; "yue" came with large-v3."""

UNSPACED = frozenset({"ja", "lo", "my", "th", "yue", "zh"})
"""Written without spaces between words, so passages are joined without one."""

_TAG_OF = {"jw": "jv"}
"""Whisper's "jw" for Javanese is an old mistake: ISO 639 says "jv"."""

_CODE_OF = {"jv": "jw", "nb": "no", "fil": "tl", "cmn": "zh", "iw": "he", "in": "id", "ji": "yi"}
"""Tags that Whisper knows by another name."""


def code_for(tag: str, codes: Iterable[str]) -> str | None:
    """Give the code among `codes` that hears a language, or None."""
    language = primary(tag)
    code = _CODE_OF.get(language, language)
    return code if code in codes else None


def language_tags(codes: Iterable[str]) -> frozenset[str]:
    """Give the BCP 47 tags that some codes serve."""
    held = frozenset(codes)
    aliases = {tag for tag, code in _CODE_OF.items() if code in held}
    return frozenset(_TAG_OF.get(code, code) for code in held) | aliases
