import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.program import Program, install

PYPROJECT = """
[build-system]
requires = ["setuptools>=77"]
build-backend = "setuptools.build_meta"
[project]
name = "acme-porter"
version = "1.2"
[project.entry-points."glottis.plugins"]
porter = "acme_porter"
[tool.setuptools]
py-modules = ["acme_porter"]
"""
MODULE = '''
import asyncio
import os

import typer
from glottis.plugins import *
from pydantic import BaseModel, ConfigDict, SecretStr

GLOTTIS_API_VERSION = 1


class Options(BaseModel):
    model_config = ConfigDict(extra="forbid")
    door: str = ""
    warms_up: bool = False
    token: SecretStr = SecretStr("")


class Porter(Synthesizer):
    """Knocks at a door, which is a Unix socket, and speaks when it is closed from inside."""

    async def warmup(self):
        if self.config.token.get_secret_value():
            raise RuntimeError(f"the token {self.config.token.get_secret_value()} opens nothing")
        if self.config.warms_up:
            await self.knock()

    async def knock(self):
        reader, writer = await asyncio.open_unix_connection(self.config.door)
        await reader.read()
        writer.close()

    async def synthesize(self, text, options):
        await self.knock()
        yield AudioFrame(b"\\x00\\x20" * 1600, 16_000)


@hookimpl
def glottis_register_synthesizers(register):
    register(SynthesizerSpec(name="porter", create=Porter, config=Options))


@hookimpl
def glottis_register_commands(group):
    @group.command()
    def knock(times: int = 1) -> None:
        """Knock at the door."""
        typer.echo("knock " * times)
'''


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Program]:
    """`glottis` with the mock provider; at the end none of its processes is left."""
    made = Program(tmp_path / "here")
    yield made
    assert made.processes() == {}


@pytest.fixture(scope="session")
def porter(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which pip has installed the plugin "porter"."""
    source, target = tmp_path_factory.mktemp("acme-porter"), tmp_path_factory.mktemp("target")
    (source / "pyproject.toml").write_text(PYPROJECT)
    (source / "acme_porter.py").write_text(MODULE)
    asyncio.run(install(source, target))
    return target


@pytest.fixture
def elsewhere(porter: Path, tmp_path: Path) -> Path:
    """A folder for PYTHONPATH in which the plugin "porter" is installed, for this test alone."""
    return shutil.copytree(porter, tmp_path / "elsewhere", ignore=shutil.ignore_patterns("__pycache__"))


@dataclass(slots=True)
class Door:
    """Where porters wait: they are counted, and go on when it is opened."""

    path: Path
    waiting: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(0))
    opened: asyncio.Event = field(default_factory=asyncio.Event)

    async def until_somebody_waits(self) -> None:
        async with asyncio.timeout(60):
            await self.waiting.acquire()

    async def _answer(self, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.waiting.release()
        await self.opened.wait()
        writer.close()
        await writer.wait_closed()


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[Door]:
    """A door that is still closed."""
    made = Door(tmp_path / "door")
    async with await asyncio.start_unix_server(made._answer, made.path):
        yield made
