"""A training that takes no time and makes a voice all the same: it counts steps, and has a pitch."""

import asyncio
import json
from collections.abc import AsyncGenerator
from hashlib import sha256
from pathlib import Path

from glottis.plugins import (
    ErrorCategory,
    Progress,
    ProviderError,
    TrainedVoice,
    TrainingBackend,
    TrainingJob,
    TrainingSample,
    TrainingStage,
    Verdict,
)

from glottis_mock.configuration import MockConfig, Pitch
from glottis_mock.trouble import delay, raise_if_told

SHORTEST_S = 0.5
PITCHES: tuple[Pitch, ...] = ("low", "middle", "high")
FORMAT = "glottis-mock voice 1"


class MockTrainer(TrainingBackend):
    """Counts its steps in a checkpoint, one after the other."""

    config: MockConfig

    async def health(self) -> None:
        raise_if_told(self.config)

    async def validate(self, sample: TrainingSample) -> Verdict:
        await delay(self.config)
        if sample.duration_s < SHORTEST_S:
            return Verdict(usable=False, reason=f"shorter than {SHORTEST_S} s")
        return Verdict(usable=True)

    async def train(
        self, dataset: tuple[TrainingSample, ...], job: TrainingJob
    ) -> AsyncGenerator[Progress, None]:
        await delay(self.config)
        if len(dataset) < self.capabilities.minimum_samples:
            raise ProviderError(ErrorCategory.INVALID_REQUEST, f"{len(dataset)} samples are too few")
        notes = job.work_dir / "steps.json"
        steps: list[int] = await asyncio.to_thread(_read, notes)
        for step in range(len(steps) + 1, self.config.training_steps + 1):
            percent = 100.0 * (step - 1) / self.config.training_steps
            await self._make_trouble(percent)
            await asyncio.sleep(self.config.training_step_s)
            steps.append(step)
            await asyncio.to_thread(notes.write_text, json.dumps(steps))
            said = {"en": f"Step {step} is done", "ru": f"Шаг {step} сделан"}
            yield Progress(90.0 * step / self.config.training_steps, said, is_checkpoint=True)
        await self._make_trouble(100.0)
        yield Progress(95.0, stage=TrainingStage.VALIDATING)
        artefact = job.work_dir / "voice.json"
        pitch = PITCHES[await _digest(dataset) % len(PITCHES)]
        await asyncio.to_thread(artefact.write_text, json.dumps({"format": FORMAT, "pitch": pitch}))
        metrics = {"steps": steps, "samples": len(dataset), "pitch": pitch}
        yield Progress(100.0, voice=TrainedVoice(job.id, artefact, metrics))

    async def _make_trouble(self, percent: float) -> None:
        fail_at, hang_at = self.config.training_fails_at, self.config.training_hangs_at
        if fail_at is not None and percent >= fail_at:
            raise ProviderError(ErrorCategory.INTERNAL, f"this mock is set up to fail at {fail_at:g} %")
        if hang_at is not None and percent >= hang_at:
            await asyncio.Event().wait()


def pitch_in(artefact: Path) -> Pitch:
    """Read the pitch of a trained voice.

    Raises:
        ProviderError: the file is no such voice.
    """
    try:
        voice = json.loads(artefact.read_text(encoding="utf-8"))
        if voice["format"] == FORMAT:
            return PITCHES[PITCHES.index(voice["pitch"])]
    except (OSError, ValueError, KeyError, TypeError):
        pass
    raise ProviderError(ErrorCategory.INVALID_REQUEST, "this is no voice that the mock has trained")


def _read(notes: Path) -> list[int]:
    return [int(step) for step in json.loads(notes.read_text())] if notes.exists() else []


async def _digest(dataset: tuple[TrainingSample, ...]) -> int:
    return sum([sha256((await sample.read()).pcm).digest()[0] for sample in dataset])
