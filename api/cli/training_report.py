"""What `glottis train` shows: verdicts, how far the training is, and what came of it."""

import sys
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

from glottis.api.cli.setup import console, is_terminal, notes
from glottis.api.client import Sample, TrainingJob
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

_STEP = 10.0
"""So many percent are worth a line where nobody watches."""


def show_samples(samples: Sequence[Sample]) -> None:
    """Print the verdict on each recording, and what is wrong with it."""
    table = Table("sample", "length", "speech", "clipped", "noise", "verdict", box=None, pad_edge=False)
    for sample in samples:
        verdict = Text("ok", "green") if sample.is_usable else Text("; ".join(sample.problems), "red")
        table.add_row(
            Text(sample.filename),
            f"{sample.duration_s:.1f} s",
            f"{100 * sample.speech_share:.0f} %",
            f"{100 * sample.clipped_share:.2f} %",
            "" if sample.noise_db is None else f"{-sample.noise_db:.0f} dB",
            verdict,
        )
    console.print(table)
    usable = [sample.duration_s for sample in samples if sample.is_usable]
    console.print(f"\n{len(usable)} of {len(samples)} samples can be trained with: {sum(usable):.0f} s")


def show_result(job: TrainingJob) -> None:
    """Print what came of a training that is completed."""
    table = Table(box=None, pad_edge=False, show_header=False)
    rows = {"voice": job.voice_id, "name": job.name, "language": job.language, "provider": job.provider}
    for name, value in {**rows, **_flat(job.metrics)}.items():
        table.add_row(name.replace("_", " "), Text(_written(value)))
    console.print()
    console.print(table)


class Watch:
    """Shows how far a training is: a bar on a terminal, a line now and then elsewhere."""

    def __init__(self) -> None:
        self._bar: Progress | None = None
        self._told: tuple[str, str, float] | None = None
        if is_terminal(sys.stderr):
            self._bar = Progress(
                TextColumn("{task.description}", markup=False),
                BarColumn(),
                TaskProgressColumn(),
                TimeElapsedColumn(),
                console=notes,
            )
            self._task = self._bar.add_task("Waiting", total=100.0)

    def __enter__(self) -> Self:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._bar.stop()

    def show(self, job: TrainingJob) -> None:
        if self._bar is not None:
            self._bar.update(self._task, completed=job.progress, description=job.message)
            return
        told = (job.status, job.message, job.progress)
        if self._told and told[:2] == self._told[:2] and job.progress < self._told[2] + _STEP:
            return
        self._told = told
        notes.print(f"{job.progress:3.0f} %  {job.message}", markup=False, soft_wrap=True)


def _flat(metrics: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in metrics.items():
        flat |= _flat(value, f"{prefix}{name} ") if isinstance(value, dict) else {f"{prefix}{name}": value}
    return flat


def _written(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list):
        return ", ".join(map(_written, value))
    return str(value)
