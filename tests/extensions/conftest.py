"""Real distributions made for a test: a module and a dist-info folder on `sys.path`, found as any other."""

import importlib
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from textwrap import dedent
from types import ModuleType

import pytest
from glottis.config import ConfigError, Deployment, parse_deployment
from glottis.plugins import Kind, Provider, ProviderSpec
from glottis.plugins.host import LoadedPlugins, PluginHost, PluginRecord, load_plugins, open_plugins

PREAMBLE = """
import asyncio
from glottis.plugins import *
from pydantic import BaseModel, ConfigDict, SecretStr, field_validator, model_validator
from extension_gate import gate

GLOTTIS_API_VERSION = 1


class Voice(Synthesizer):
    async def synthesize(self, text, options):
        yield silence(0.1, rate_hz=16_000)


class Ears(Recognizer):
    async def recognize(self, clip, options):
        return Transcript("", 0.0, options.language)

"""
GATE = """
import threading

gate = threading.Event()
"""
GOOD = """
@hookimpl
def glottis_register_synthesizers(register):
    register(SynthesizerSpec(name="{name}", create=Voice))
"""

BROKEN = """
class Options(BaseModel):
    model_config = ConfigDict(extra="forbid")
    key: SecretStr = SecretStr("")

{body}

@hookimpl
def glottis_register_synthesizers(register):
    register(SynthesizerSpec(name="broken", create=create, config=Options))
"""


class Site:
    """A folder of installed distributions."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.modules = {"extension_gate"}
        (folder / "extension_gate.py").write_text(GATE)

    def install(
        self,
        plugin: str,
        source: str,
        *,
        distribution: str | None = None,
        version: str = "1.2",
        target: str | None = None,
        preamble: str = PREAMBLE,
    ) -> None:
        """Install a plugin whose module holds `source`."""
        distribution = distribution or f"acme-{plugin}"
        module = distribution.replace("-", "_")
        self.modules.add(module)
        (self.folder / f"{module}.py").write_text(preamble + dedent(source), encoding="utf-8")
        info = self.folder / f"{module}-{version}.dist-info"
        info.mkdir(exist_ok=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: {version}\n")
        (info / "entry_points.txt").write_text(f"[glottis.plugins]\n{plugin} = {target or module}\n")
        importlib.invalidate_caches()

    def install_good(self, plugin: str) -> None:
        """Install a plugin that offers a synthesizer of its own name and nothing else."""
        self.install(plugin, GOOD.format(name=plugin))

    def install_broken(self, body: str) -> None:
        """Install a plugin "broken", whose synthesizer is made by the `create` of `body`, and a good one."""
        self.install("broken", BROKEN.format(body=body))
        self.install_good("good")

    def module(self, plugin: str) -> ModuleType:
        """Return the imported module of a plugin."""
        return sys.modules[f"acme_{plugin}"]

    @property
    def gate(self) -> threading.Event:
        """An event that plugins know as `gate`, to wait for or to set."""
        gate: threading.Event = importlib.import_module("extension_gate").gate
        return gate


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    folder = tmp_path / "site-packages"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    # A module that two tests write within a second looks unchanged to the cache of byte code.
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    made = Site(folder)
    yield made
    made.gate.set()
    for thread in threading.enumerate():
        if thread.name.startswith("glottis-"):
            thread.join(10)
    for module in made.modules:
        sys.modules.pop(module, None)


Load = Callable[..., LoadedPlugins]


@pytest.fixture
def load() -> Iterator[Load]:
    """Load the plugins that are named."""
    opened: list[LoadedPlugins] = []

    def load(*enable: str, load_timeout_s: float = 20.0) -> LoadedPlugins:
        opened.append(load_plugins(enable, load_timeout_s=load_timeout_s))
        return opened[-1]

    yield load
    for loaded in opened:
        loaded.close()


Open = Callable[..., AbstractAsyncContextManager[PluginHost]]
Remote = Callable[[str, Kind, ProviderSpec], Provider]


@pytest.fixture
def open_host(tmp_path: Path) -> Open:
    """Open the plugins of a plugins.toml given as text."""

    @asynccontextmanager
    async def open_host(
        text: str,
        *,
        environment: Mapping[str, str] | None = None,
        load_timeout_s: float = 20.0,
        warmup_timeout_s: float = 20.0,
        close_timeout_s: float = 20.0,
        remote: Remote | None = None,
    ) -> AsyncIterator[PluginHost]:
        async with open_plugins(
            deployment(text, environment),
            environment=environment or {},
            data_dir=tmp_path / "data",
            load_timeout_s=load_timeout_s,
            warmup_timeout_s=warmup_timeout_s,
            close_timeout_s=close_timeout_s,
            remote=remote,
        ) as host:
            yield host

    return open_host


def deployment(text: str, environment: Mapping[str, str] | None = None) -> Deployment:
    return parse_deployment(dedent(text), file="plugins.toml", environment=environment or {})


@pytest.fixture
def read() -> Callable[..., Deployment]:
    """Read a plugins.toml given as text."""
    return deployment


@pytest.fixture
def record() -> Callable[[LoadedPlugins, str], PluginRecord]:
    """Find the record of a plugin."""

    def record(loaded: LoadedPlugins, name: str) -> PluginRecord:
        (found,) = [record for record in loaded.records if record.name == name]
        return found

    return record


Mistakes = Callable[..., Awaitable[list[str]]]


@pytest.fixture
def mistakes(open_host: Open) -> Mistakes:
    """Open a deployment that is wrong, and return what is told of it."""

    async def mistakes(text: str, **options: object) -> list[str]:
        with pytest.raises(ConfigError) as caught:
            async with open_host(text, **options):
                pass
        return [str(problem) for problem in caught.value.problems]

    return mistakes
