"""The folder in which a job is done, and the copies of its work in the database.

work     what the backend has done, and a checkpoint holds
samples  what it works on, which the database has anyway
"""

import asyncio
import shutil
import tarfile
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from glottis.core.opening import opened
from glottis.core.store import Files, JobRecord, TrainingJobs
from glottis.plugins import ErrorCategory, ProviderError

WORK, SAMPLES = "work", "samples"
MOST_BYTES = 512 * 1024 * 1024
"""Of a checkpoint: it is written again and again."""
_PIECE_BYTES = 256 * 1024


@asynccontextmanager
async def work_dir(root: Path, job: JobRecord, files: Files) -> AsyncIterator[Path]:
    """Make the folder of an attempt, its work as it was at the last checkpoint; it is gone afterwards.

    No two attempts share one, as an earlier one may still be at work in this very machine.
    """
    folder = root / f"{job.id}-{job.attempt}"
    await asyncio.to_thread(_make_anew, folder)
    try:
        if job.checkpoint is not None:
            with TemporaryFile() as packed:
                async with aclosing(files.read(job.checkpoint)) as pieces:
                    async for piece in pieces:
                        await asyncio.to_thread(packed.write, piece)
                await asyncio.to_thread(_unpack, packed, folder / WORK)
        yield folder
    finally:
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


async def save(folder: Path, job: JobRecord, files: Files) -> str:
    """Write a copy of a folder into the database, pending; gives its id.

    Raises:
        ProviderError: it is too large.
        StoreUnavailable: MongoDB does not answer.
    """
    with TemporaryFile() as packed:
        size = await asyncio.to_thread(_pack, folder, packed)
        if size > MOST_BYTES:
            raise ProviderError(
                ErrorCategory.INVALID_REQUEST,
                f"a checkpoint has {size} bytes; at most {MOST_BYTES} are kept",
            )
        return await files.write(f"checkpoint of {job.id}", _pieces(packed))


async def save_file(path: Path, name: str, files: Files) -> str:
    """Write a file into the database, pending; gives its id."""
    with await opened(path, "rb") as file:
        return await files.write(name, _pieces(file))


async def remove_leftovers(root: Path, jobs: TrainingJobs) -> None:
    """Remove the folders of attempts whose process was killed and whose job has gone on without them."""
    for folder in await asyncio.to_thread(_folders, root):
        job_id, _, attempt = folder.name.rpartition("-")
        job = await jobs.get(job_id)
        if job is None or job.status.is_final or not attempt.isdecimal() or int(attempt) < job.attempt:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)


def _make_anew(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    for name in (WORK, SAMPLES):
        (folder / name).mkdir(parents=True)


def _folders(root: Path) -> list[Path]:
    return [entry for entry in root.iterdir() if entry.is_dir()] if root.is_dir() else []


def _pack(folder: Path, packed: IO[bytes]) -> int:
    with tarfile.open(fileobj=packed, mode="w") as archive:
        archive.add(folder, arcname=".")
    size = packed.tell()
    packed.seek(0)
    return size


def _unpack(packed: IO[bytes], folder: Path) -> None:
    packed.seek(0)
    with tarfile.open(fileobj=packed, mode="r") as archive:
        archive.extractall(folder, filter="data")


async def _pieces(file: IO[bytes]) -> AsyncGenerator[bytes, None]:
    while piece := await asyncio.to_thread(file.read, _PIECE_BYTES):
        yield piece
