"""How much louder each voice has to be made, learnt from what it said before."""

from dataclasses import dataclass

_ENOUGH_S = 30.0
_MOST_VOICES = 10_000

Voice = tuple[str, str, str]
"""Instance, voice and language."""


@dataclass(slots=True)
class _Known:
    gain_db: float
    heard_s: float


class Gains:
    """The gain of every voice that has been heard; from half a minute on it stays as it is."""

    def __init__(self) -> None:
        self._known: dict[Voice, _Known] = {}

    def of(self, voice: Voice) -> float | None:
        """Return the gain of a voice in dB; None if it has never been heard."""
        known = self._known.get(voice)
        return None if known is None else known.gain_db

    def is_settled(self, voice: Voice) -> bool:
        """Tell whether measuring more of this voice would change nothing."""
        known = self._known.get(voice)
        return known is not None and known.heard_s >= _ENOUGH_S

    def learn(self, voice: Voice, gain_db: float | None, *, heard_s: float) -> None:
        """Take in what was measured on `heard_s` of a voice: None if that was silent."""
        if gain_db is None:
            return
        known = self._known.get(voice)
        if known is None:
            # Voices come from callers: the memory must not grow with whatever they make up.
            if len(self._known) >= _MOST_VOICES:
                self._known.clear()
            self._known[voice] = _Known(gain_db, heard_s)
        elif known.heard_s < _ENOUGH_S:
            total = known.heard_s + heard_s
            known.gain_db += (gain_db - known.gain_db) * heard_s / total
            known.heard_s = total
