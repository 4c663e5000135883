"""Loading the plugins that a deployment enables."""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import pluggy
from glottis.config import environment_name
from glottis.plugins import hookspecs
from glottis.plugins.host.commands import add_commands
from glottis.plugins.host.discovery import Installed, import_plugin, installed_plugins
from glottis.plugins.host.isolation import PluginFault, TookTooLong, call
from glottis.plugins.host.records import PluginRecord, PluginState
from glottis.plugins.host.redaction import Redaction
from glottis.plugins.host.registration import (
    call_plain_hook,
    check_api_version,
    collect_specs,
    register_hooks,
)
from glottis.plugins.host.reporting import report
from glottis.plugins.specs import Kind, ProviderSpec

if TYPE_CHECKING:
    import typer
    from quart import Quart

LOAD_TIMEOUT_HINT = f"{environment_name('plugin_load_timeout_s')} sets how long it may take"


class LoadedPlugins:
    """The installed plugins, of which the enabled ones are imported and registered."""

    def __init__(self, load_timeout_s: float) -> None:
        self.load_timeout_s = load_timeout_s
        self._redaction = Redaction()
        self._records: list[PluginRecord] = []
        self._manager = pluggy.PluginManager(hookspecs.PROJECT)
        self._manager.add_hookspecs(hookspecs)

    @property
    def records(self) -> tuple[PluginRecord, ...]:
        """Every entry point that is installed, by name."""
        return tuple(self._records)

    def spec(self, kind: Kind, name: str) -> ProviderSpec | None:
        """Find what `use = "<name>"` means for a kind."""
        return self.specs(name).get(kind)

    def specs(self, name: str) -> dict[Kind, ProviderSpec]:
        """Find what `use = "<name>"` means, for each kind that is on offer under that name."""
        return {spec.kind: spec for record in self._records for spec in record.specs if spec.name == name}

    def spec_names(self, kind: Kind | None = None) -> set[str]:
        """Name every spec, of one kind or of all."""
        return {
            spec.name
            for record in self._records
            for spec in record.specs
            if kind is None or spec.kind == kind
        }

    def plugin_of(self, spec_name: str) -> str:
        """Name the plugin that offers a spec.

        Raises:
            KeyError: none does.
        """
        for record in self._records:
            if any(spec.name == spec_name for spec in record.specs):
                return record.name
        raise KeyError(spec_name)

    def failed(self) -> list[PluginRecord]:
        """List the enabled plugins that could not be loaded."""
        return [record for record in self._records if record.state is PluginState.FAILED]

    def hooks(self, name: str) -> list[tuple[str, pluggy.HookImpl]]:
        """List the implementations of a hook as (plugin, implementation), in the order of loading."""
        # A plugin that was given up may still be registering in the thread where it was left behind.
        loaded = {record.name for record in self._records if record.state is PluginState.LOADED}
        implementations = getattr(self._manager.hook, name).get_hookimpls()
        return [(hook.plugin_name, hook) for hook in implementations if hook.plugin_name in loaded]

    def register_commands(self, group: "typer.Typer") -> None:
        """Let each plugin add its commands to `glottis`; one that fails adds none, and its record says so."""
        for plugin, hook in self.hooks("glottis_register_commands"):
            self._note(plugin, "glottis_register_commands", partial(add_commands, hook, group))

    def register_routes(self, app: "Quart", prefix: str) -> None:
        """Let each plugin add its blueprints to the server; the record of one that fails says so."""
        for plugin, hook in self.hooks("glottis_register_routes"):
            arguments = {"app": app, "prefix": prefix}
            self._note(
                plugin,
                "glottis_register_routes",
                partial(call_plain_hook, hook, "glottis_register_routes", arguments),
            )

    def redact(self, redaction: Redaction) -> None:
        """Take secrets out of the recorded errors, and of those to come."""
        self._redaction = redaction
        self._records = [
            replace(record, error=redaction(record.error)) if record.error else record
            for record in self._records
        ]

    def close(self) -> None:
        """Unregister everything."""
        for name, _ in self._manager.list_name_plugin():
            self._manager.unregister(name=name)

    def load(self, installed: Iterable[Installed], enable: Sequence[str]) -> None:
        """Load what is enabled, in that order, and record the rest as available."""
        found = list(installed)
        records = {id(one): _available(one) for one in found}
        for name in dict.fromkeys(enable):
            for one in found:
                if one.name == name:
                    record = self._load(one, self._taken(records.values()))
                    records[id(one)] = record
        self._records = [records[id(one)] for one in found]

    def _load(self, installed: Installed, taken: dict[str, str]) -> PluginRecord:
        started = time.perf_counter()
        specs: tuple[ProviderSpec, ...] = ()
        error = None
        try:
            specs = self._register(installed, taken)
        except PluginFault as fault:
            error = report("plugin failed to load", fault, self._redaction, plugin=installed.name)
            if self._manager.has_plugin(installed.name):
                self._manager.unregister(name=installed.name)
        elapsed_ms = (time.perf_counter() - started) * 1000
        state = PluginState.FAILED if error else PluginState.LOADED
        return PluginRecord(
            installed.name,
            installed.distribution,
            installed.version,
            state,
            None if installed.conflict else round(elapsed_ms, 1),
            error,
            specs,
        )

    def _register(self, installed: Installed, taken: dict[str, str]) -> tuple[ProviderSpec, ...]:
        if installed.conflict:
            raise PluginFault(installed.conflict)
        deadline = time.monotonic() + self.load_timeout_s

        def in_time(function: Callable[[], Any], doing: str) -> Any:
            try:
                return call(function, timeout_s=max(0.0, deadline - time.monotonic()), doing=doing)
            except TookTooLong as fault:
                raise PluginFault(f"{fault}; {LOAD_TIMEOUT_HINT}") from None

        plugin = in_time(lambda: import_plugin(installed.entry_point), "import")
        in_time(lambda: check_api_version(plugin, installed), "reading its API version")
        in_time(lambda: register_hooks(self._manager, plugin, installed.name), "registration")
        specs: tuple[ProviderSpec, ...] = in_time(
            lambda: collect_specs(self._manager, plugin, taken), "registration"
        )
        return specs

    def _taken(self, records: Iterable[PluginRecord]) -> dict[str, str]:
        return {spec.name: record.name for record in records for spec in record.specs}

    def _note(self, plugin: str, hook: str, add: Callable[[], None]) -> None:
        try:
            call(add, timeout_s=self.load_timeout_s, doing=hook)
        except PluginFault as fault:
            error = report("plugin hook failed", fault, self._redaction, plugin=plugin, hook=hook)
            self._records = [
                replace(record, error=error) if record.name == plugin else record for record in self._records
            ]


def load_plugins(
    enable: Sequence[str], *, load_timeout_s: float, redaction: Redaction | None = None
) -> LoadedPlugins:
    """Find the installed plugins and load those that are enabled.

    A plugin that is broken never raises: its record says what is wrong. One that takes longer than
    `load_timeout_s` to import and to register is left behind in a daemon thread.
    """
    loaded = LoadedPlugins(load_timeout_s)
    loaded.redact(redaction or Redaction())
    loaded.load(installed_plugins(), enable)
    return loaded


def _available(installed: Installed) -> PluginRecord:
    return PluginRecord(
        installed.name,
        installed.distribution,
        installed.version,
        PluginState.AVAILABLE,
        None,
        installed.conflict,
    )
