"""Making voices from samples."""

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from glottis.plugins.audio import AudioFrame
from glottis.plugins.capabilities import TrainingCapabilities
from glottis.plugins.provider import Provider


@dataclass(frozen=True, slots=True)
class TrainingSample:
    """One recording; `text` is what is said in it, where that is known."""

    id: str
    audio: AudioFrame
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a sample can be used; `reason` says why not, in a sentence for the person who recorded it."""

    usable: bool
    reason: str = ""


@dataclass(frozen=True, slots=True)
class TrainedVoice:
    """The outcome: `voice_id` is what a synthesizer takes; `artefact` the file that holds it, if ours."""

    voice_id: str
    artefact: Path | None = None
    metrics: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Progress:
    """`percent` never falls; the last one carries the voice."""

    percent: float
    message: str
    voice: TrainedVoice | None = None


@dataclass(frozen=True, slots=True)
class TrainingJob:
    """`work_dir` survives a restart of the worker: checkpoints belong there."""

    id: str
    project: str
    language: str
    work_dir: Path


class TrainingBackend(Provider, ABC):
    """Trains voices."""

    capabilities: TrainingCapabilities

    @abstractmethod
    async def validate(self, sample: TrainingSample) -> Verdict:
        """Say whether a sample can be used."""

    @abstractmethod
    def train(self, dataset: tuple[TrainingSample, ...], job: TrainingJob) -> AsyncGenerator[Progress, None]:
        """Train from the last checkpoint on, as an async generator; closing it cancels.

        Raises:
            ProviderError: and nothing else.
        """

    async def delete(self, voice: TrainedVoice) -> None:
        """Remove what the backend keeps of a voice."""
