"""`glottis train`: a voice made by a running server from recordings."""

import asyncio
import os
import shlex
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager, aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import httpx
import typer
from glottis.api.cli.setup import CommandError, LanguageOption, console, notes, progress
from glottis.api.cli.training_report import Watch, show_result, show_samples
from glottis.api.client import (
    Refused,
    ServerAway,
    Training,
    TrainingJob,
    WrongPassword,
    open_training,
)
from glottis.core.audio import AudioError, decode
from glottis.plugins import AudioFrame

_URL = "http://127.0.0.1:8080"
_INTERRUPTED = 130
_LONGEST_S = 600.0
_NO_BACKEND = 'enable one in the server\'s plugins.toml, such as "local-voice", and route it: [routes] train'
_KEPT = ("trained.wav", "base.wav", "spectrogram.png")
_TEXTS = {
    "en": "This is how the voice sounds, now that it has heard the recordings.",
    "ru": "Так звучит голос после того, как он услышал записи.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wanted:
    url: str
    project: str
    user: str | None
    files: Sequence[Path]
    name: str | None
    language: str | None
    is_watched: bool
    out: Path | None
    text: str | None

    def again(self, option: str) -> str:
        """Write the command that goes on with this project."""
        words = ["glottis", "train", self.project, option]
        words += ["--url", self.url] if self.url != _URL else []
        words += ["--user", self.user] if self.user is not None else []
        return shlex.join(words)


def train(
    project: Annotated[str, typer.Argument(help="The project whose voice this is.")],
    files: Annotated[
        list[Path] | None,
        typer.Argument(help="Recordings; without any, what the server has of the project is trained with."),
    ] = None,
    url: Annotated[str, typer.Option(help="The server.")] = _URL,
    user: Annotated[
        str | None, typer.Option(help="A user of the server; the password is read from GLOTTIS_PASSWORD.")
    ] = None,
    language: LanguageOption = None,
    name: Annotated[str | None, typer.Option(help="What to call the voice; else as the project.")] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Wait for the end, and hear the voice.")] = False,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder for what is heard; else named after the voice.")
    ] = None,
    text: Annotated[str | None, typer.Option(help="What the voice says at the end.")] = None,
    cancel: Annotated[bool, typer.Option("--cancel", help="End the training that is running.")] = False,
) -> None:
    """Train a voice on a running server: upload recordings, see the verdicts, start, watch and hear it."""
    wanted = _Wanted(
        url=url,
        project=project,
        user=user,
        files=files or (),
        name=name,
        language=language,
        is_watched=watch,
        out=out,
        text=text,
    )
    if cancel and (files or watch):
        raise CommandError("--cancel goes alone: it takes no files, and no --watch")
    if (out is not None or text is not None) and not watch:
        raise CommandError("--out and --text need --watch: the voice can be heard once it is trained")
    if out is not None and out.exists() and not out.is_dir():
        raise CommandError(f"{out}: is not a folder")
    work = _Train(wanted)
    try:
        asyncio.run(work.cancel() if cancel else work.run())
    except KeyboardInterrupt:
        work.tell_what_goes_on()
        raise typer.Exit(_INTERRUPTED) from None
    except WrongPassword as error:
        raise CommandError(f"{error}; name a user with --user, the password in GLOTTIS_PASSWORD") from None
    except ServerAway as error:
        if not isinstance(error.__cause__, httpx.RequestError):
            raise
        raise CommandError(f"{error}; start one with `glottis serve`, or name another with --url") from None


class _Train:
    """One training, from the recordings to the voice."""

    def __init__(self, wanted: _Wanted) -> None:
        self._wanted = wanted
        self._is_asked_for = False
        self._last: TrainingJob | None = None

    async def run(self) -> None:
        wanted = self._wanted
        async with self._open() as training:
            if wanted.files:
                await self._upload(training)
            job = await self._start(training)
            if not wanted.is_watched:
                console.print(f"The training goes on: job {job.id}", markup=False)
                notes.print(f"Watch it: {wanted.again('--watch')}", markup=False, soft_wrap=True)
                return
            job = await self._followed(training, job)
            show_result(job)
            await self._hear(training, job)

    async def cancel(self) -> None:
        async with self._open() as training:
            job = await training.newest()
            if job is None or job.is_over:
                raise CommandError(f"{self._wanted.project}: no training is running")
            job = await training.cancel(job.id)
            console.print(f"{job.message}: job {job.id}", markup=False)

    def tell_what_goes_on(self) -> None:
        """Say, after Ctrl-C, what the server goes on with, and how to end that too."""
        wanted, job = self._wanted, self._last
        if job is None and not self._is_asked_for:
            notes.print("Stopped; no training has begun.", style="yellow")
        elif job is not None and job.is_over:
            notes.print(f"Stopped; the training is over: job {job.id}", style="yellow", markup=False)
        else:
            which = f"The training goes on (job {job.id})." if job else "A training may have begun."
            lines = (which, f"Watch it:  {wanted.again('--watch')}", f"Cancel it: {wanted.again('--cancel')}")
            notes.print("\n".join(lines), style="yellow", markup=False, soft_wrap=True)

    def _open(self) -> AbstractAsyncContextManager[Training]:
        wanted = self._wanted
        return open_training(
            wanted.url,
            project=wanted.project,
            user=wanted.user,
            password=os.environ.get("GLOTTIS_PASSWORD"),
        )

    async def _upload(self, training: Training) -> None:
        wanted = self._wanted
        running = await training.newest()
        if running is not None and not running.is_over:
            raise CommandError(
                f"a training of {wanted.project} is running, without these files: wait for its end "
                f"({wanted.again('--watch')}), or cancel it ({wanted.again('--cancel')})"
            )
        try:
            with progress("Listening to the recordings ..."):
                samples = await training.upload(wanted.files)
        except OSError as error:
            raise CommandError(f"{error.filename}: {error.strerror}") from None
        except Refused as error:
            detail = str(error).removeprefix("files: ")
            raise CommandError(f"{detail}; none of the files was kept: mend it or leave it out") from None
        show_samples(samples)

    async def _start(self, training: Training) -> TrainingJob:
        wanted = self._wanted
        self._is_asked_for = True
        try:
            job = await training.start(name=wanted.name, language=wanted.language)
        except Refused as error:
            self._is_asked_for = False
            detail = str(error).removeprefix("project: ")
            if "no provider to train" in detail:
                detail += f"; {_NO_BACKEND}"
            raise CommandError(detail) from None
        self._last = job
        return job

    async def _followed(self, training: Training, job: TrainingJob) -> TrainingJob:
        try:
            with Watch() as watch:
                async with aclosing(training.follow(job.id)) as states:
                    async for state in states:
                        self._last = job = state
                        watch.show(state)
        except ServerAway as error:
            again = self._wanted.again("--watch")
            raise CommandError(f"{error}; the training goes on when it is back. Watch it: {again}") from None
        if job.status != "completed":
            raise CommandError(job.message)
        return job

    async def _hear(self, training: Training, job: TrainingJob) -> None:
        """Have the new voice and the base voice say the same, and draw both."""
        folder = self._wanted.out or Path(_as_file_name(job.name) or job.voice_id)
        text = self._wanted.text or _TEXTS["ru" if job.language.lower().partition("-")[0] == "ru" else "en"]
        base = job.metrics.get("base")
        base = base if isinstance(base, str) else None
        with progress("Hearing the voice ..."):
            spoken, _ = await training.speak(
                text, voice=job.voice_id, language=job.language, provider=job.provider
            )
            plain, by = await training.speak(text, language=job.language, provider=base)
            try:
                await asyncio.to_thread(_keep, folder, spoken, plain, by)
            except AudioError as error:
                raise CommandError(f"the server's audio cannot be read: {error}") from None
            except OSError as error:
                raise CommandError(f"{error.filename or folder}: {error.strerror}") from None
        for name in _KEPT:
            console.print(str(folder / name), markup=False, soft_wrap=True)


def _keep(folder: Path, trained: bytes, plain: bytes, by: str) -> None:
    from glottis.api.cli.spectrogram import draw_spectrograms

    folder.mkdir(parents=True, exist_ok=True)
    panels = [("trained voice", _clip(trained)), (f"base voice ({by})", _clip(plain))]
    for name, audio in zip(_KEPT, (trained, plain), strict=False):
        (folder / name).write_bytes(audio)
    draw_spectrograms(panels, folder / _KEPT[-1])


def _clip(audio: bytes) -> AudioFrame:
    return decode(audio, max_s=_LONGEST_S)


def _as_file_name(name: str) -> str:
    """Make a folder's name of what somebody called a voice."""
    letters = "".join(letter if letter.isalnum() or letter in "-_" else "-" for letter in name)
    return letters.strip("-")
