"""What the host knows of each plugin and of each provider in use."""

from dataclasses import dataclass
from enum import StrEnum

from glottis.config import Limits
from glottis.plugins.provider import Provider
from glottis.plugins.specs import Kind, ProviderSpec


class PluginState(StrEnum):
    """`AVAILABLE` is installed, but not named in `enable`."""

    AVAILABLE = "available"
    LOADED = "loaded"
    FAILED = "failed"


class InstanceState(StrEnum):
    """`PLANNED` is one that a route asks for, and that nobody has made yet."""

    PLANNED = "planned"
    READY = "ready"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class PluginRecord:
    """One entry point of the group `glottis.plugins`.

    `error` says in a sentence why it failed, or what is wrong with a part of one that is loaded.
    """

    name: str
    distribution: str
    version: str
    state: PluginState
    load_time_ms: float | None
    error: str | None
    specs: tuple[ProviderSpec, ...] = ()


@dataclass(slots=True)
class ProviderInstance:
    """A provider that a route uses: one for each kind and name under `[providers]`.

    `provider` is None unless `state` is READY. When it is FAILED, `error` says why, and `spec` may stand in
    for one that could not be loaded. One that `is_remote` runs on workers, and its provider asks them.
    `where` and `line` point at the instance in plugins.toml.
    """

    name: str
    kind: Kind
    plugin: str
    spec: ProviderSpec
    limits: Limits
    provider: Provider | None
    state: InstanceState
    error: str | None
    required: bool
    where: str = ""
    line: int = 0
    is_remote: bool = False
