"""Registering a plugin's hooks and taking its specs, so that nothing of a wrong one stays."""

import inspect
import re
import sys
from collections.abc import Callable
from inspect import isclass
from typing import Any

import pluggy
from glottis.config import suggest
from glottis.plugins import hookspecs
from glottis.plugins.events import Event
from glottis.plugins.host.discovery import Installed
from glottis.plugins.host.isolation import PluginFault
from glottis.plugins.specs import (
    IntentHandlerSpec,
    ProviderSpec,
    RecognizerSpec,
    SynthesizerSpec,
    TrainingBackendSpec,
)
from pydantic import BaseModel

REGISTRARS: dict[str, type[ProviderSpec]] = {
    "glottis_register_recognizers": RecognizerSpec,
    "glottis_register_synthesizers": SynthesizerSpec,
    "glottis_register_intent_handlers": IntentHandlerSpec,
    "glottis_register_training_backends": TrainingBackendSpec,
}
ENGINE_KEYS = ("use", "required", "limits")

_SPEC_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


def check_api_version(plugin: object, installed: Installed) -> None:
    """Refuse a plugin that was written for another plugin API.

    Raises:
        PluginFault: with what to do about it.
    """
    module = sys.modules.get(installed.entry_point.module)
    stated = getattr(plugin, "GLOTTIS_API_VERSION", getattr(module, "GLOTTIS_API_VERSION", None))
    if stated is None:
        raise PluginFault(
            "does not say which plugin API it was written for; its author has to put "
            f"GLOTTIS_API_VERSION = {hookspecs.API_VERSION} into {installed.entry_point.module}"
        )
    if not isinstance(stated, int) or isinstance(stated, bool):
        raise PluginFault(
            f"GLOTTIS_API_VERSION is a {type(stated).__name__}, not a whole number; its author has to write "
            f"GLOTTIS_API_VERSION = {hookspecs.API_VERSION}"
        )
    if stated != hookspecs.API_VERSION:
        older = stated < hookspecs.API_VERSION
        update, other = (installed.distribution, "glottis") if older else ("glottis", installed.distribution)
        raise PluginFault(
            f"was written for plugin API {stated}, and this Glottis has plugin API {hookspecs.API_VERSION}; "
            f"run: pip install --upgrade {update} (or install an older {other})"
        )


def register_hooks(manager: pluggy.PluginManager, plugin: object, name: str) -> None:
    """Register a plugin's hooks with pluggy.

    Raises:
        PluginFault: a hook has a wrong name or signature, or there is none.
    """
    try:
        manager.register(plugin, name)
        manager.check_pending()
    except pluggy.PluginValidationError as error:
        raise PluginFault(_unknown_hooks(manager, plugin) or " ".join(str(error).split())) from error
    except ValueError as error:
        raise PluginFault("another entry point names the same object") from error
    callers = manager.get_hookcallers(plugin) or []
    for caller in callers:
        for hook in caller.get_hookimpls():
            if hook.plugin is plugin and (hook.wrapper or hook.hookwrapper):
                raise PluginFault(f"{caller.name} is a wrapper; Glottis calls each plugin by itself")
    marked = {caller.name for caller in callers}
    unmarked = [
        hook for hook in sorted(hook_names()) if hook not in marked and callable(getattr(plugin, hook, None))
    ]
    if unmarked:
        raise PluginFault(f"{', '.join(unmarked)} is not marked with @hookimpl")
    if not marked:
        raise PluginFault("has no hooks: no function is marked with @hookimpl of glottis.plugins")


def hook_names() -> set[str]:
    """Name the hooks that there are."""
    return {name for name in dir(hookspecs) if name.startswith("glottis_")}


def call_hook(hook: pluggy.HookImpl, arguments: dict[str, Any]) -> Any:
    """Call one plugin's implementation with those of the arguments that it takes."""
    return hook.function(*(arguments[name] for name in hook.argnames))


def call_plain_hook(hook: pluggy.HookImpl, name: str, arguments: dict[str, Any]) -> None:
    """Call a hook that has to be done when it returns.

    Raises:
        PluginFault: it is a coroutine function.
    """
    result = call_hook(hook, arguments)
    if inspect.iscoroutine(result):
        result.close()
        raise PluginFault(f"{name} is an async function; it has to be a plain one")


def collect_specs(
    manager: pluggy.PluginManager, plugin: object, taken: dict[str, str]
) -> tuple[ProviderSpec, ...]:
    """Call the registrars of a plugin and check what they register.

    `taken` maps the names of specs to the plugins that were there before.

    Raises:
        PluginFault: a spec is wrong, or its name taken.
    """
    specs: list[ProviderSpec] = []
    for registrar, wanted in REGISTRARS.items():
        for hook in getattr(manager.hook, registrar).get_hookimpls():
            if hook.plugin is not plugin:
                continue
            offered: list[object] = []
            arguments = {"register": offered.append, "api_version": hookspecs.API_VERSION}
            call_plain_hook(hook, registrar, arguments)
            for spec in offered:
                specs.append(_checked(spec, wanted, registrar, taken))
                _check_siblings(specs)
    return tuple(specs)


def _checked(spec: object, wanted: type[ProviderSpec], registrar: str, taken: dict[str, str]) -> ProviderSpec:
    if not isinstance(spec, wanted):
        raise PluginFault(f"{registrar} registered a {type(spec).__name__}, not a {wanted.__name__}")
    if not isinstance(spec.name, str) or not _SPEC_NAME.fullmatch(spec.name):
        raise PluginFault(
            f"{registrar} registered a name that plugins.toml cannot say: {str(spec.name)[:70]!r}; "
            "letters, digits and . _ - are accepted"
        )
    if spec.name in taken:
        raise PluginFault(
            f'"{spec.name}" is offered by the plugin {taken[spec.name]} already; enable one of the two'
        )
    if not isinstance(spec.description, str):
        raise PluginFault(f'description of "{spec.name}" is not text')
    if not callable(spec.create):
        raise PluginFault(f'create of "{spec.name}" cannot be called')
    _check_capabilities(spec, wanted)
    _check_config(spec)
    unknown = [option for option in spec.peers if option not in spec.config.model_fields]
    if unknown:
        raise PluginFault(f'peers of "{spec.name}" name options that its config lacks: {", ".join(unknown)}')
    return spec


def _check_siblings(specs: list[ProviderSpec]) -> None:
    *before, last = specs
    for spec in before:
        if spec.name == last.name and spec.kind == last.kind:
            raise PluginFault(f'registers the {last.kind} "{last.name}" twice')
        if spec.name == last.name and spec.config is not last.config:
            raise PluginFault(
                f'"{last.name}" is offered as {spec.kind} and as {last.kind} with different config models; '
                "one table of plugins.toml configures both, so they have to share one"
            )


def _check_capabilities(spec: ProviderSpec, wanted: type[ProviderSpec]) -> None:
    # The default of the field is the only thing that a spec class tells about the class of its capabilities.
    expected = type(wanted.__dataclass_fields__["capabilities"].default)
    if not isinstance(spec.capabilities, expected):
        raise PluginFault(
            f'capabilities of "{spec.name}" are a {type(spec.capabilities).__name__}, not {expected.__name__}'
        )
    languages: Any = spec.capabilities.languages
    is_set = isinstance(languages, (frozenset, set))
    if not is_set or not languages or not all(isinstance(tag, str) for tag in languages):
        raise PluginFault(f'languages of "{spec.name}" have to be a frozenset of language tags, or ANY')


def _check_config(spec: ProviderSpec) -> None:
    model: Any = spec.config
    if not isclass(model) or not issubclass(model, BaseModel):
        raise PluginFault(f'config of "{spec.name}" is not a pydantic model')
    if model.model_config.get("extra") != "forbid":
        raise PluginFault(
            f'config of "{spec.name}" has to refuse unknown keys: '
            'set model_config = ConfigDict(extra="forbid")'
        )
    for field in model.model_fields:
        if field in ENGINE_KEYS:
            raise PluginFault(f'config of "{spec.name}" has a field "{field}", which is a key of the engine')
    # Raises where the schema cannot be exported; better now than when somebody asks for it.
    model.model_json_schema()


def _unknown_hooks(manager: pluggy.PluginManager, plugin: object) -> str | None:
    unknown = [caller.name for caller in manager.get_hookcallers(plugin) or [] if not caller.has_spec()]
    return "; ".join(f'unknown hook "{name}": {suggest(name, hook_names())}' for name in unknown) or None


def listening(hook: pluggy.HookImpl) -> Callable[[Event], Any]:
    """Make a function of one argument of an implementation of `glottis_on_event`, async if that is async."""
    if hook.argnames:
        return hook.function
    function: Callable[[], Any] = hook.function
    if inspect.iscoroutinefunction(function):

        async def hear_async(_event: Event) -> Any:
            return await function()

        return hear_async
    return lambda _event: function()
