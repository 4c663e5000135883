"""The project's own files, read as they lie."""

import os
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
# What .gitignore names, and links: a checkout without git has the same files.
_NOT_OURS = {".git", ".venv", ".typing", "__pycache__", "build", "dist", "htmlcov", "demo-audio"}


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def files() -> list[Path]:
    """Every file of the project, as paths from its root."""
    found = []
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [
            name for name in folders if name not in _NOT_OURS and not name.endswith(("_cache", ".egg-info"))
        ]
        folders[:] = [name for name in folders if name != ".hypothesis"]
        found += [Path(folder, name).relative_to(ROOT) for name in names if not name.startswith(".coverage")]
    return sorted(found)


@pytest.fixture(scope="session")
def python_files(files: list[Path]) -> list[Path]:
    return [file for file in files if file.suffix == ".py"]


@pytest.fixture(scope="session")
def rooms() -> tuple[str, ...]:
    return ("api", "config", "core", "plugins")


@pytest.fixture(scope="session")
def providers() -> list[Path]:
    """The folder of every bundled provider."""
    return sorted(file.parent for file in (ROOT / "providers").glob("*/pyproject.toml"))


@pytest.fixture(scope="session")
def project_of() -> Callable[[Path], dict[str, Any]]:
    """Read the pyproject.toml of a folder."""

    def read(folder: Path) -> dict[str, Any]:
        return tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))

    return read
