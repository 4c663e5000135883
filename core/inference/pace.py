"""How often nodes and workers tell of themselves, and how long each waits for the other."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """Nodes and workers of a deployment keep the same.

    A worker says every `beat_s` that it is there, and who has not been heard of for `absent_s` is not there.
    A node that starts waits `greet_s` at most for workers to greet it. A call whose worker is silent for
    `ack_wait_s` is given to another; `answer_s` is how long a process that is alive may take to say so;
    `renew_s` how long a call waits before it is queued anew, should the broker have lost it. `window_s` of
    audio, in `window_frames`, is on its way and not yet taken at the most.
    """

    beat_s: float = 2.0
    absent_s: float = 6.0
    greet_s: float = 1.0
    ack_wait_s: float = 2.0
    answer_s: float = 0.5
    renew_s: float = 5.0
    window_s: float = 2.0
    window_frames: int = 64

    @property
    def keep_s(self) -> float:
        """How often a worker says that it still works on a call."""
        return self.ack_wait_s / 3
