"""Making voices from samples."""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from glottis.plugins.audio import AudioFrame, StoredAudio
from glottis.plugins.capabilities import TrainingCapabilities
from glottis.plugins.provider import Provider
from glottis.plugins.recognizer import Transcript


@dataclass(frozen=True, slots=True)
class TrainingSample:
    """One recording, at `capabilities.rate_hz`; `text` is what is said in it, where that is known.

    A dataset may be longer than memory is large: those of a training lie in files.
    """

    id: str
    audio: AudioFrame | StoredAudio
    text: str | None = None

    @property
    def duration_s(self) -> float:
        return self.audio.duration_s

    async def read(self) -> AudioFrame:
        """Return the recording: read anew each time, so hold only those that are at work."""
        if isinstance(self.audio, AudioFrame):
            return self.audio
        return await asyncio.to_thread(self.audio.read)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a sample can be used; `reason` says why not, in a sentence for the person who recorded it."""

    usable: bool
    reason: str = ""


@dataclass(frozen=True, slots=True)
class TrainedVoice:
    """The outcome: `voice_id` is what the synthesizer takes; `artefact` the file that holds it, if ours.

    A backend whose voices are its own calls one by the job's id. `metrics` say how good it is, as JSON;
    `languages` are those that it speaks, by default the job's.
    """

    voice_id: str
    artefact: Path | None = None
    metrics: Mapping[str, Any] = field(default_factory=dict)
    languages: tuple[str, ...] = ()


class TrainingStage(StrEnum):
    """What a training is at; it never goes back."""

    PREPARING = "preparing"
    TRAINING = "training"
    VALIDATING = "validating"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a training is. `percent`, of the whole training, never falls; the last one carries the voice.

    `message` is a sentence, or one for each language, as in {"en": ..., "ru": ...}.

    `is_checkpoint`: `work_dir` holds all that it takes to go on from here. The engine puts a copy of the
    folder in safety before it asks for more; should this machine be lost, another goes on with that copy.
    """

    percent: float
    message: str | Mapping[str, str] = ""
    voice: TrainedVoice | None = None
    stage: TrainingStage = TrainingStage.TRAINING
    is_checkpoint: bool = False


@dataclass(frozen=True, slots=True)
class BaseSpeech:
    """What a base synthesizer said, and who that was: what `context.peers.speak` needs to reach it again."""

    audio: AudioFrame
    instance: str
    voice: str


class TrainingTools(ABC):
    """What the engine does for a training."""

    @abstractmethod
    async def transcribe(self, audio: AudioFrame, language: str) -> Transcript:
        """Hear what is said in audio of any sample rate, by the recognizers of the project's route.

        Raises:
            ProviderError: none of them could.
        """

    @abstractmethod
    async def speak(self, text: str, language: str, *, instance: str | None = None) -> BaseSpeech:
        """Say something in the default voice of a synthesizer: the first of the project's route that can.

        `instance` names another: one that an option in the spec's `peers` names, or that a route uses. The
        synthesizer that is trained for, and others that have peers, are never taken.

        Raises:
            ProviderError: none of them could.
        """


@dataclass(frozen=True, slots=True)
class TrainingJob:
    """What to train. `work_dir` is the job's own folder, as it was at the last checkpoint.

    `attempt` counts from 1: how often the job has been begun or gone on with.
    """

    id: str
    project: str
    language: str
    work_dir: Path
    tools: TrainingTools
    attempt: int = 1


class TrainingBackend(Provider, ABC):
    """Trains voices, which the synthesizer of the same table in plugins.toml speaks."""

    capabilities: TrainingCapabilities

    @abstractmethod
    async def validate(self, sample: TrainingSample) -> Verdict:
        """Say whether a sample can be used. The engine has seen to it that it is speech, and not clipped."""

    @abstractmethod
    def train(self, dataset: tuple[TrainingSample, ...], job: TrainingJob) -> AsyncGenerator[Progress, None]:
        """Train from the last checkpoint on, as an async generator; closing it cancels.

        The dataset is the same each time. Somebody waits: give a `Progress` once in a while, also when there
        is little of it. A training may be closed or killed anywhere, and run again from its last checkpoint.

        Raises:
            ProviderError: and nothing else. After invalid_request, unsupported, authentication, authorization
                and quota the job has failed; after others it is tried again.
        """

    async def delete(self, voice: TrainedVoice) -> None:
        """Remove what the backend keeps of a voice; one that is gone already is no error.

        `voice.artefact` is None: the engine removes that itself.

        Raises:
            ProviderError: and nothing else.
        """
