"""Where an utterance begins, pauses and ends, told from voice probabilities alone: no audio, no clock."""

from dataclasses import dataclass
from enum import StrEnum
from math import ceil

from glottis.config import Listening
from glottis.core.listening.windows import WINDOW_MS

# An onset is soft: the first consonant comes up to 200 ms before the probability rises.
_ONSET_WINDOWS = 7
# Stops within a word (and the closure of a "t" that follows a vowel) fall silent for as long.
_GAP_WINDOWS = 3
# One window alone in a pause is a click or a breath.
_RESUMING_WINDOWS = 2


class Speech(StrEnum):
    """What has just become certain about the speaker."""

    STARTED = "started"
    PAUSED = "paused"
    RESUMED = "resumed"
    ENDED = "ended"


@dataclass(slots=True)
class _Utterance:
    """What has been heard of an utterance, or of what may become one, in windows."""

    length: int = 0  # since the first with voice
    voiced: int = 0
    silent: int = 0  # since the last with voice
    returning: int = 0  # with voice, one after another


class Endpointer:
    """Follows one speaker, window by window (32 ms each).

    Tells STARTED once there has been `minimum_speech_ms` of voice, PAUSED after `pause_ms` without any,
    RESUMED if voice comes back, ENDED after `silence_ms` without any or `longest_turn_s` in all.
    STARTED may be followed by PAUSED and RESUMED any number of times, and comes always to ENDED.
    """

    def __init__(self, listening: Listening) -> None:
        self._start_probability = listening.start_probability
        self._end_probability = listening.end_probability
        self._minimum_windows = _windows(listening.minimum_speech_ms)
        self._pause_windows = _windows(listening.pause_ms)
        self._silence_windows = _windows(listening.silence_ms)
        self._longest_windows = _windows(1000 * listening.longest_turn_s)
        self._since_end = 0
        self._has_ended = False
        self._is_speaking = False
        self._is_paused = False
        self._utterance = _Utterance()

    @property
    def is_speaking(self) -> bool:
        """Whether an utterance has started and not ended; a pause belongs to it."""
        return self._is_speaking

    @property
    def is_paused(self) -> bool:
        """Whether the utterance pauses: PAUSED was told, and neither RESUMED nor ENDED since."""
        return self._is_paused

    @property
    def voiced_ms(self) -> float:
        """Voice in the current utterance, or in what may become one; with ENDED that of the ended one."""
        return self._utterance.voiced * WINDOW_MS

    @property
    def silent_ms(self) -> float:
        """How long no voice has been heard, within an utterance."""
        return self._utterance.silent * WINDOW_MS

    @property
    def started_windows_ago(self) -> int:
        """How many windows back, this one included, the utterance began when STARTED is told.

        There is a margin in it for a soft onset; it never reaches into the utterance before.
        """
        return min(self._utterance.length + _ONSET_WINDOWS, self._since_end)

    @property
    def most_windows_ago(self) -> int:
        """The most that `started_windows_ago` ever is with STARTED: what to keep of the past."""
        return self._minimum_windows * (1 + _GAP_WINDOWS) + _ONSET_WINDOWS

    def reset(self) -> None:
        """Forget everything: what comes next has nothing to do with what came before."""
        self._since_end = 0
        self._has_ended = self._is_speaking = self._is_paused = False
        self._utterance = _Utterance()

    def advance(self, probability: float) -> Speech | None:
        """Take the probability that the next window holds voice; tells what has become certain with it."""
        if self._has_ended:
            self.reset()
        self._since_end += 1
        if self._is_speaking:
            return self._continue(probability)
        return self._wait(probability)

    def _wait(self, probability: float) -> Speech | None:
        is_voice = probability >= self._start_probability
        if not self._utterance.voiced and not is_voice:
            return None
        self._utterance.length += 1
        if is_voice:
            self._utterance.voiced += 1
            self._utterance.silent = 0
        else:
            self._utterance.silent += 1
            if self._utterance.silent > _GAP_WINDOWS:
                self._utterance = _Utterance()
                return None
        if self._utterance.voiced < self._minimum_windows:
            return None
        self._is_speaking = True
        return Speech.STARTED

    def _continue(self, probability: float) -> Speech | None:
        self._utterance.length += 1
        is_back = self._hear(probability)
        if self._utterance.length >= self._longest_windows or self._utterance.silent >= self._silence_windows:
            self._is_speaking, self._is_paused, self._has_ended = False, False, True
            return Speech.ENDED
        if is_back and self._is_paused:
            self._is_paused = False
            return Speech.RESUMED
        if self._utterance.silent >= self._pause_windows and not self._is_paused:
            self._is_paused = True
            return Speech.PAUSED
        return None

    def _hear(self, probability: float) -> bool:
        """Count voice and silence; tells whether voice is there (again) for certain."""
        if probability >= self._start_probability:
            self._utterance.voiced += 1
            self._utterance.returning += 1
        elif probability < self._end_probability or self._is_paused:
            self._utterance.returning = 0
        # Between the two probabilities nothing changes: voice that fades is voice until it is gone.
        if self._utterance.returning >= (_RESUMING_WINDOWS if self._is_paused else 1):
            self._utterance.silent = 0
            return True
        if self._utterance.silent or probability < self._end_probability:
            self._utterance.silent += 1
        return False


def _windows(duration_ms: float) -> int:
    return max(1, ceil(duration_ms / WINDOW_MS))
