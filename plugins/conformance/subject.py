"""The provider under test, found and made as the engine would."""

import json
import logging
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from time import perf_counter
from types import ModuleType
from typing import Any

import pluggy
from glottis.plugins import hookspecs
from glottis.plugins.conformance.guard import expect
from glottis.plugins.peers import NoPeers, Peers
from glottis.plugins.provider import Provider, ProviderContext
from glottis.plugins.specs import Kind, ProviderSpec
from pydantic import ValidationError

GROUP = "glottis.plugins"

_IMPORT_TIMEOUT_S = 60

_REGISTRARS = {
    Kind.RECOGNIZER: "glottis_register_recognizers",
    Kind.SYNTHESIZER: "glottis_register_synthesizers",
    Kind.INTENT_HANDLER: "glottis_register_intent_handlers",
    Kind.TRAINING_BACKEND: "glottis_register_training_backends",
}

_TIMED_IMPORT = """
import importlib, json, sys, threading, time
import glottis.plugins
threads = threading.active_count()
begun = time.perf_counter()
importlib.import_module(sys.argv[1])
print(json.dumps([time.perf_counter() - begun, threading.active_count() - threads]))
"""


@dataclass(frozen=True, slots=True)
class Subject:
    """A plugin's spec and how to make providers of it."""

    entry_point: EntryPoint
    module: Any
    manager: pluggy.PluginManager
    spec: ProviderSpec
    options: Mapping[str, Any]
    data_dir: Path
    peers: Peers

    def create(self) -> tuple[Provider, float]:
        """Make a provider; return it and the seconds that this took."""
        try:
            config = self.spec.config.model_validate(dict(self.options))
        except ValidationError as error:
            found = error.errors(include_input=False, include_url=False, include_context=False)
            message = f"the options do not fit {self.spec.config.__name__}: {found}"
            raise AssertionError(message) from None
        log = logging.getLogger(f"glottis.provider.{self.spec.name}")
        peers = self.peers if self.spec.peers else NoPeers()
        context = ProviderContext(self.spec.name, self.data_dir, self.spec.capabilities, log, peers)
        begun = perf_counter()
        provider = self.spec.create(context, config)
        return provider, perf_counter() - begun


def find_subject(
    plugin: str, kind: Kind, use: str, options: Mapping[str, Any], data_dir: Path, peers: Peers
) -> Subject:
    """Load a plugin through its entry point and pick its spec `use`; fail the test if that cannot be done."""
    __tracebackhide__ = True
    entry_point = _entry_point(plugin)
    module = entry_point.load()
    manager = pluggy.PluginManager(hookspecs.PROJECT)
    manager.add_hookspecs(hookspecs)
    manager.register(module, plugin)
    manager.check_pending()
    offered: list[ProviderSpec] = []
    registrar = getattr(manager.hook, _REGISTRARS[kind])
    registrar(register=offered.append, api_version=hookspecs.API_VERSION)
    named = [spec for spec in offered if spec.name == use]
    names = ", ".join(spec.name for spec in offered) or "none"
    expect(len(named) == 1, f'plugin "{plugin}" should offer one {kind} named "{use}"; it offers {names}')
    return Subject(entry_point, module, manager, named[0], options, data_dir, peers)


def unmarked_hooks(module: ModuleType) -> list[str]:
    """Name the functions that look like hooks and lack `@hookimpl`."""
    marker = f"{hookspecs.PROJECT}_impl"
    return [
        name
        for name, value in vars(module).items()
        if name.startswith(f"{hookspecs.PROJECT}_") and callable(value) and not hasattr(value, marker)
    ]


def time_import(module: str) -> tuple[float, int]:
    """Import a module in a fresh interpreter; return the seconds that it took and the threads it started."""
    paths = os.pathsep.join(path for path in sys.path if path)
    environment = {**os.environ, "PYTHONPATH": paths}
    command = [sys.executable, "-c", _TIMED_IMPORT, module]
    output = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=_IMPORT_TIMEOUT_S, check=False
    )
    expect(output.returncode == 0, f"importing {module} in a fresh interpreter failed:\n{output.stderr}")
    seconds, threads = json.loads(output.stdout.splitlines()[-1])
    return float(seconds), int(threads)


def _entry_point(plugin: str) -> EntryPoint:
    __tracebackhide__ = True
    found = list(entry_points(group=GROUP, name=plugin))
    others = ", ".join(sorted(entry.name for entry in entry_points(group=GROUP))) or "none"
    message = f'no installed distribution has an entry point "{plugin}" in "{GROUP}"; there are: {others}'
    expect(found, message)
    expect(len(found) == 1, f'several installed distributions have an entry point "{plugin}"')
    return found[0]
