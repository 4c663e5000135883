"""What each speaking model takes. Sources: the published model list, and the API's own refusals."""

from dataclasses import dataclass

from glottis.plugins import ANY

_V2 = "ar bg cs da de el en es fi fil fr hi hr id it ja ko ms nl pl pt ro ru sk sv ta tr uk zh"
MULTILINGUAL_V2 = frozenset(_V2.split())
FLASH_V2_5 = MULTILINGUAL_V2 | {"hu", "no", "vi"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Abilities:
    """What a request to a model may hold.

    `takes_language`: honours `language_code`. `takes_context`: takes the text or the requests before this
    one (v3 answers 400). `takes_speed`: honours `voice_settings.speed`. `stability_steps`: the only values
    that `stability` may have, if so. `characters`: the longest text of a request.
    """

    languages: frozenset[str] = ANY
    takes_language: bool = False
    takes_context: bool = True
    takes_speed: bool = True
    stability_steps: tuple[float, ...] = ()
    characters: int = 5_000


_ENGLISH = Abilities(languages=frozenset({"en"}), characters=30_000)
_FLASH_V2_5 = Abilities(languages=FLASH_V2_5, takes_language=True, characters=40_000)
_V3 = Abilities(
    takes_language=True,
    takes_context=False,
    takes_speed=False,
    stability_steps=(0.0, 0.5, 1.0),
    characters=3_000,
)

_BY_PREFIX = (
    ("eleven_flash_v2_5", _FLASH_V2_5),
    ("eleven_turbo_v2_5", _FLASH_V2_5),
    ("eleven_flash_v2", _ENGLISH),
    ("eleven_turbo_v2", _ENGLISH),
    ("eleven_multilingual_v2", Abilities(languages=MULTILINGUAL_V2, characters=10_000)),
    ("eleven_v3", _V3),
)


def abilities_of(model_id: str) -> Abilities:
    """Look a model up; of one that is not known here only what every model takes is expected."""
    for prefix, abilities in _BY_PREFIX:
        if model_id.startswith(prefix):
            return abilities
    return Abilities(takes_context=False)
