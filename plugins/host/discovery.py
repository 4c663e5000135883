"""Which plugins are installed, and importing one of them.

Entry points are listed by `importlib.metadata`: it knows the distribution of each, and imports nothing.
stevedore's own list comes from a cache in the home directory, which is keyed by modification times in steps
of two minutes and knows no distributions: its manager is given the entry point, and leaves that cache alone.
"""

import importlib.metadata
from collections import defaultdict
from dataclasses import dataclass

from stevedore.extension import ExtensionManager

GROUP = "glottis.plugins"


@dataclass(frozen=True, slots=True)
class Installed:
    """An entry point; `rivals` names every distribution that offers the same name, if there are several."""

    name: str
    distribution: str
    version: str
    entry_point: importlib.metadata.EntryPoint
    rivals: tuple[str, ...] = ()

    @property
    def conflict(self) -> str | None:
        """Say what is wrong when the name is not unique."""
        if not self.rivals:
            return None
        *others, last = self.rivals
        return (
            f'the plugin name "{self.name}" is offered by {", ".join(others)} and {last}; '
            "uninstall all but one of them"
        )


def installed_plugins() -> list[Installed]:
    """List what is installed, by name, without importing any of it."""
    by_name: defaultdict[str, list[importlib.metadata.EntryPoint]] = defaultdict(list)
    for entry_point in importlib.metadata.entry_points(group=GROUP):
        by_name[entry_point.name].append(entry_point)
    plugins = []
    for name, entry_points in by_name.items():
        owners = [_distribution(entry_point) for entry_point in entry_points]
        rivals = tuple(sorted(owner for owner, _ in owners)) if len(owners) > 1 else ()
        plugins += [
            Installed(name, owner, version, entry_point, rivals)
            for entry_point, (owner, version) in zip(entry_points, owners, strict=True)
        ]
    return sorted(plugins, key=lambda plugin: (plugin.name, plugin.distribution))


def import_plugin(entry_point: importlib.metadata.EntryPoint) -> object:
    """Import what an entry point names.

    Raises:
        BaseException: whatever the import raises.
    """
    failures: list[BaseException] = []
    manager = _OnePlugin(entry_point, failures)
    if failures:
        raise failures[0]
    return manager.extensions[0].plugin


class _OnePlugin(ExtensionManager[object]):
    def __init__(self, entry_point: importlib.metadata.EntryPoint, failures: list[BaseException]) -> None:
        self._entry_point = entry_point
        super().__init__(
            GROUP, on_load_failure_callback=lambda _manager, _entry_point, error: failures.append(error)
        )

    def list_entry_points(self) -> list[importlib.metadata.EntryPoint]:
        return [self._entry_point]


def _distribution(entry_point: importlib.metadata.EntryPoint) -> tuple[str, str]:
    if entry_point.dist is None:
        return "an unknown distribution", ""
    # A folder without METADATA has no name; asking for one by subscript differs from Python to Python.
    names = entry_point.dist.metadata.get_all("Name") or ["an unnamed distribution"]
    versions = entry_point.dist.metadata.get_all("Version") or [""]
    return names[0], versions[0]
