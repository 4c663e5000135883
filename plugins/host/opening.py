"""Opening the plugins of a deployment, and what the engine holds while they are open."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from glottis.config import ConfigError, Deployment
from glottis.plugins.events import Event
from glottis.plugins.host.description import describe_plugins
from glottis.plugins.host.events import EventFeed, Listener
from glottis.plugins.host.loading import LoadedPlugins, load_plugins
from glottis.plugins.host.plans import Resolution
from glottis.plugins.host.records import ProviderInstance
from glottis.plugins.host.redaction import Redaction
from glottis.plugins.host.registration import listening
from glottis.plugins.host.resolution import known_secrets, missing, resolve
from glottis.plugins.host.starting import Remote, Starter
from glottis.plugins.peers import Peers
from glottis.plugins.specs import Kind

CLOSE_TIMEOUT_S = 10.0


class PluginHost:
    """The plugins and providers of a running server.

    `secrets` holds every value that options took from the environment, for those who write logs; `redact`
    takes them out of a text.
    """

    def __init__(
        self,
        loaded: LoadedPlugins,
        instances: tuple[ProviderInstance, ...],
        redaction: Redaction,
        events: EventFeed,
    ) -> None:
        self.loaded = loaded
        self.instances = instances
        self.secrets = redaction.secrets
        self.redact = redaction
        self._events = events
        self._by_name = {(instance.kind, instance.name): instance for instance in instances}

    def instance(self, kind: Kind, name: str) -> ProviderInstance:
        """Find a provider that a route uses.

        Raises:
            KeyError: no route uses it.
        """
        return self._by_name[kind, name]

    def emit(self, event: Event) -> None:
        """Tell the plugins what happened; returns at once. To be called in the event loop."""
        self._events.put(event)

    @property
    def dropped_events(self) -> int:
        """Count the events that plugins were too slow to hear."""
        return self._events.dropped

    def describe(self) -> list[dict[str, Any]]:
        """Describe every installed plugin as JSON; no option's value is in it."""
        return describe_plugins(self.loaded.records, self.instances)


@asynccontextmanager
async def open_plugins(
    deployment: Deployment,
    *,
    environment: Mapping[str, str],
    data_dir: Path,
    load_timeout_s: float,
    warmup_timeout_s: float,
    loaded: LoadedPlugins | None = None,
    close_timeout_s: float = CLOSE_TIMEOUT_S,
    peers: Callable[[str], Peers] | None = None,
    remote: Remote | None = None,
) -> AsyncIterator[PluginHost]:
    """Load plugins, make the providers that routes use, and close them in the end.

    Each instance gets a folder of its name in `data_dir`, shared by its kinds.

    A provider that fails is left out, unless it is required or leaves a route with nothing. `loaded` stays
    the caller's to close. `peers` makes for an instance, by its name, what it reaches others with. `remote`
    makes what stands in for a provider that runs on workers; it is called in the event loop.

    Raises:
        ConfigError: the deployment is wrong, or something that it cannot do without does not start.
    """
    async with AsyncExitStack() as stack:
        redaction = known_secrets(deployment, environment)
        if loaded is None:
            loaded = await asyncio.to_thread(
                load_plugins, deployment.enable, load_timeout_s=load_timeout_s, redaction=redaction
            )
            stack.callback(loaded.close)
        loaded.redact(redaction)
        resolution = await _resolved(deployment, loaded, environment, reaches_workers=remote is not None)
        starter = Starter(
            data_dir=data_dir,
            load_timeout_s=load_timeout_s,
            warmup_timeout_s=warmup_timeout_s,
            close_timeout_s=close_timeout_s,
            redaction=redaction,
            peers=peers,
            remote=remote,
        )
        stack.push_async_callback(starter.aclose)
        instances = await starter.start(resolution.plans)
        if problems := missing(deployment, resolution, instances):
            raise ConfigError(problems)
        listeners = [Listener(plugin, listening(hook)) for plugin, hook in loaded.hooks("glottis_on_event")]
        events = EventFeed(listeners, redaction=redaction)
        events.start()
        stack.push_async_callback(events.aclose)
        yield PluginHost(loaded, instances, redaction, events)


async def _resolved(
    deployment: Deployment, loaded: LoadedPlugins, environment: Mapping[str, str], *, reaches_workers: bool
) -> Resolution:
    resolution = await asyncio.to_thread(
        resolve, deployment, loaded, environment, reaches_workers=reaches_workers
    )
    if resolution.problems:
        raise ConfigError(resolution.problems)
    return resolution
