"""The stress of words that the Russian voice gets wrong: its dictionary lacks them, or has another stress.

Each was compared with what the voice says; only what a service is likely to say is listed.
"""

import re

_STEMS = (
    "+офис акк+аунт айф+он брон+ирован вкл+адк голосов+о голосов+ы догов+ор дост+авк екатеринб+ург за+явк "
    "интерн+ет кред+ит кэшб+эк лог+ин м+енеджер милли+ард парк+овк пар+ол перезвон+и петерб+ург подп+иск "
    "подск+азк подскаж+и пров+айдер промок+од росс+ийск с+айт с+ервис с+олнечн самов+ывоз ск+идк стран+ичк "
    "т+аймер тар+иф телегр+ам термин+ал техподд+ержк ют+уб"
)
"""Beginnings of words, whose stress stays where it is through all endings."""

_WORDS = (
    "в+идео вр+еменно вр+еменная вр+еменное вр+еменные вр+еменный голосов+ая голосов+ую деф+ис каз+ань "
    "каз+ани каз+анью москв+е москв+ой +отзыв +отзыва +отзывы +отзывов полт+оры п+очта п+очте п+очту п+очты "
    "п+очтой росс+ия росс+ии росс+ию росс+ией с+отых ц+ены ц+енам ц+енами ц+енах"
)
"""Whole words: another ending has another stress, or the same letters another meaning."""

_STRESSED = {marked.replace("+", ""): marked for marked in (*_STEMS.split(), *_WORDS.split())}
_MISTAKEN = re.compile(
    rf"(?<![а-яё+-])(?:({'|'.join(word.replace('+', '') for word in _WORDS.split())})"
    rf"|({'|'.join(stem.replace('+', '') for stem in _STEMS.split())})([а-яё]{{0,5}}))(?![а-яё+])"
)


def with_stress(text: str) -> str:
    """Mark the stressed vowel, by a "+" before it, of words that the voice would stress wrongly."""
    return _MISTAKEN.sub(lambda found: _STRESSED[found[1] or found[2]] + (found[3] or ""), text)
