"""The hooks of a plugin. Each registrar is called once at start-up; none is on the audio path."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pluggy

if TYPE_CHECKING:
    import typer
    from glottis.plugins.events import Event
    from glottis.plugins.specs import (
        IntentHandlerSpec,
        RecognizerSpec,
        SynthesizerSpec,
        TrainingBackendSpec,
    )
    from quart import Quart

PROJECT = "glottis"
API_VERSION = 1
"""The version of the plugin API. A plugin's module states the one that it was written for as
`GLOTTIS_API_VERSION`."""

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


@hookspec
def glottis_register_recognizers(register: "Callable[[RecognizerSpec], None]", api_version: int) -> None:
    """Offer recognizers: call `register(spec)` for each."""


@hookspec
def glottis_register_synthesizers(register: "Callable[[SynthesizerSpec], None]", api_version: int) -> None:
    """Offer synthesizers: call `register(spec)` for each."""


@hookspec
def glottis_register_intent_handlers(
    register: "Callable[[IntentHandlerSpec], None]", api_version: int
) -> None:
    """Offer intent handlers: call `register(spec)` for each."""


@hookspec
def glottis_register_training_backends(
    register: "Callable[[TrainingBackendSpec], None]", api_version: int
) -> None:
    """Offer training backends: call `register(spec)` for each."""


@hookspec
def glottis_register_commands(group: "typer.Typer") -> None:
    """Add commands to `glottis`."""


@hookspec
def glottis_register_routes(app: "Quart", prefix: str) -> None:
    """Add blueprints to the server. `prefix` is "/api/v1": stay out of "/api/v1/voice"."""


@hookspec
def glottis_on_event(event: "Event") -> Any:
    """Hear what happens. May return an awaitable, which is awaited; never delays a turn."""
