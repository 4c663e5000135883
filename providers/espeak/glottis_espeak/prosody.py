"""How an emotion, a speed and the configuration become eSpeak's parameters."""

from dataclasses import dataclass

from glottis.plugins import SynthesisOptions

from glottis_espeak.config import EspeakConfig

_SLOWEST_WPM, _FASTEST_WPM = 80, 900
"""Below 80 words a minute espeak-ng speaks at 80; above 450 it speeds up the finished sound."""

_USUAL_RANGE = 50


@dataclass(frozen=True, slots=True)
class Prosody:
    """Parameters of espeak-ng: `rate` in words a minute; the others 0 to 100, `volume` to 200."""

    rate: int
    volume: int
    pitch: int
    range: int


@dataclass(frozen=True, slots=True)
class Shade:
    """What an emotion does: `pitch` and `range` are added, `rate` and `volume` multiply."""

    pitch: int = 0
    range: int = 0
    rate: float = 1.0
    volume: float = 1.0


# Kept small: far from its middle values the formant voice grows hard to understand.
EMOTIONS = {
    "neutral": Shade(),
    "angry": Shade(pitch=-4, range=25, rate=1.10, volume=1.2),
    "calm": Shade(pitch=-4, range=-12, rate=0.92),
    "cheerful": Shade(pitch=10, range=22, rate=1.06),
    "excited": Shade(pitch=14, range=32, rate=1.14, volume=1.1),
    "fearful": Shade(pitch=14, range=-8, rate=1.10, volume=0.9),
    "friendly": Shade(pitch=5, range=12),
    "happy": Shade(pitch=10, range=22, rate=1.06),
    "sad": Shade(pitch=-10, range=-22, rate=0.86, volume=0.9),
    "serious": Shade(pitch=-6, range=-8, rate=0.96),
}


def prosody(config: EspeakConfig, options: SynthesisOptions) -> Prosody:
    """Choose the parameters; an emotion that is not known counts as neutral."""
    shade = EMOTIONS.get(options.emotion, EMOTIONS["neutral"])
    rate = config.words_per_minute * options.speed * shade.rate
    return Prosody(
        rate=round(min(max(rate, _SLOWEST_WPM), _FASTEST_WPM)),
        volume=_within(config.volume * shade.volume, 200),
        pitch=_within(config.pitch + shade.pitch, 99),
        range=_within(_USUAL_RANGE + shade.range, 99),
    )


def _within(value: float, highest: int) -> int:
    return round(min(max(value, 0), highest))
