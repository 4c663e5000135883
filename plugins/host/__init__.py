"""The plugin host: finds, loads, checks, starts and closes what a deployment enables."""

from glottis.plugins.host.description import describe_plugins
from glottis.plugins.host.loading import LoadedPlugins, load_plugins
from glottis.plugins.host.opening import PluginHost, open_plugins
from glottis.plugins.host.records import InstanceState, PluginRecord, PluginState, ProviderInstance
from glottis.plugins.host.resolution import check_deployment, known_secrets, plan_instances

__all__ = [
    "InstanceState",
    "LoadedPlugins",
    "PluginHost",
    "PluginRecord",
    "PluginState",
    "ProviderInstance",
    "check_deployment",
    "describe_plugins",
    "known_secrets",
    "load_plugins",
    "open_plugins",
    "plan_instances",
]
