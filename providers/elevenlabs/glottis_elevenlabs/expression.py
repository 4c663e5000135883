"""How an emotion, a speed and the configured settings become `voice_settings`."""

from collections.abc import Mapping
from dataclasses import dataclass

from glottis_elevenlabs.abilities import Abilities
from glottis_elevenlabs.config import FASTEST, SLOWEST, ElevenLabsConfig

NEUTRAL_STABILITY = 0.5
"""What ElevenLabs takes where neither the voice nor the request says."""


@dataclass(frozen=True, slots=True)
class Shift:
    """What an emotion adds to the settings: less stability gives more range, more style more character."""

    stability: float
    style: float


# The API has no emotions: these nudge the two settings that it has, far from where a voice breaks up.
EMOTIONS: Mapping[str, Shift] = {
    "neutral": Shift(0.0, 0.0),
    "calm": Shift(+0.2, 0.0),
    "serious": Shift(+0.2, +0.05),
    "sad": Shift(+0.1, +0.15),
    "friendly": Shift(-0.1, +0.1),
    "happy": Shift(-0.15, +0.2),
    "excited": Shift(-0.25, +0.35),
    "angry": Shift(-0.2, +0.3),
}


def voice_settings(
    config: ElevenLabsConfig, abilities: Abilities, *, emotion: str, speed: float
) -> dict[str, float]:
    """Give what a request says of the voice; nothing at all leaves the voice its own settings.

    An emotion that is not known counts as neutral; a speed beyond the limits as the nearest within.
    """
    settings = {
        name: value
        for name in ("stability", "similarity_boost", "style")
        if (value := getattr(config, name)) is not None
    }
    shift = EMOTIONS.get(emotion, EMOTIONS["neutral"])
    if shift.stability:
        settings["stability"] = _share(settings.get("stability", NEUTRAL_STABILITY) + shift.stability)
    if shift.style:
        settings["style"] = _share(settings.get("style", 0.0) + shift.style)
    if "stability" in settings and abilities.stability_steps:
        wanted = settings["stability"]
        settings["stability"] = min(abilities.stability_steps, key=lambda step: abs(step - wanted))
    pace = min(max(config.speed * speed, SLOWEST), FASTEST)
    if abilities.takes_speed and pace != 1.0:
        settings["speed"] = round(pace, 3)
    return settings


def _share(value: float) -> float:
    return round(min(max(value, 0.0), 1.0), 3)
