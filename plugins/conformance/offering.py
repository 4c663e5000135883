"""A plugin that is made on the spot, so that a test can put scripted fakes behind a real host."""

import sys
from importlib.metadata import EntryPoint
from itertools import count
from types import ModuleType
from typing import Any

from glottis.plugins.hookspecs import API_VERSION, hookimpl
from glottis.plugins.host import LoadedPlugins
from glottis.plugins.host.discovery import GROUP, Installed
from glottis.plugins.specs import (
    IntentHandlerSpec,
    ProviderSpec,
    RecognizerSpec,
    SynthesizerSpec,
    TrainingBackendSpec,
)

_HOOKS: dict[str, type[ProviderSpec]] = {
    "glottis_register_recognizers": RecognizerSpec,
    "glottis_register_synthesizers": SynthesizerSpec,
    "glottis_register_intent_handlers": IntentHandlerSpec,
    "glottis_register_training_backends": TrainingBackendSpec,
}
_numbers = count(1)


def loaded_with(*specs: ProviderSpec, **hooks: Any) -> LoadedPlugins:
    """Load one plugin, named "test", that offers these specs; `hooks` are further hook implementations."""
    module = ModuleType(f"glottis_test_plugin_{next(_numbers)}")
    module.GLOTTIS_API_VERSION = API_VERSION  # type: ignore[attr-defined]  # what a plugin's module states
    for name, kind in _HOOKS.items():
        setattr(module, name, hookimpl(_registrar([spec for spec in specs if isinstance(spec, kind)])))
    for name, implementation in hooks.items():
        setattr(module, name, hookimpl(implementation))
    entry_point = EntryPoint("test", module.__name__, GROUP)
    loaded = LoadedPlugins(load_timeout_s=30.0)
    sys.modules[module.__name__] = module
    try:
        loaded.load([Installed("test", "glottis-test", "1.0", entry_point)], ["test"])
    finally:
        del sys.modules[module.__name__]
    return loaded


def _registrar(specs: list[ProviderSpec]) -> Any:
    def implementation(register: Any) -> None:
        for spec in specs:
            register(spec)

    return implementation
