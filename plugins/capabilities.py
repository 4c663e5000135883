"""What a provider says that it can do. The engine picks and adapts by it, and never asks `isinstance`."""

from dataclasses import dataclass
from enum import StrEnum

from glottis.plugins.languages import ANY


class RunsOn(StrEnum):
    """Where a provider spends its time: the engine bounds and schedules by it."""

    EVENT_LOOP = "event_loop"
    THREAD = "thread"
    PROCESS = "process"


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What every kind of provider states.

    `max_concurrency` bounds calls at once (None: no bound of its own); `expected_latency_s` is the usual time
    to a first result.
    """

    languages: frozenset[str] = ANY
    max_concurrency: int | None = None
    runs_on: RunsOn = RunsOn.EVENT_LOOP
    expected_latency_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RecognizerCapabilities(Capabilities):
    """`rate_hz` is the sample rate that `recognize` wants: the engine resamples to it."""

    rate_hz: int = 16_000
    streaming: bool = False
    partials: bool = False
    word_times: bool = False
    alternatives: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class SynthesizerCapabilities(Capabilities):
    """`text_stream`: takes text piece by piece. `emotions` and `speed`: honours these options."""

    streaming: bool = False
    text_stream: bool = False
    emotions: frozenset[str] = frozenset({"neutral"})
    speed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class IntentCapabilities(Capabilities):
    """`intents` lists the names that `match` may return; empty where they are open.

    `speculative`: neither `match` nor `respond` has an effect beyond its result, so that both may be asked
    about words that prove never to have been said. Then the answer is ready when the person has finished.
    """

    intents: tuple[str, ...] = ()
    speculative: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingCapabilities(Capabilities):
    """`minimum_samples` is how many usable samples a training needs at the least.

    `rate_hz` is the sample rate that it wants them in: the engine resamples. `resumable`: goes on from what
    it left in the job's `work_dir`. `max_concurrency` bounds the trainings that run at once in a process.
    """

    minimum_samples: int = 3
    rate_hz: int = 24_000
    resumable: bool = True
