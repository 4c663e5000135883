"""What an operator may set: the environment, and plugins.toml."""

from glottis.config.deployment import (
    Deployment,
    Limits,
    ProjectEntry,
    ProviderEntry,
    VoiceChoice,
    load_deployment,
    parse_deployment,
)
from glottis.config.findings import model_problems
from glottis.config.listening import Listening
from glottis.config.problems import ConfigError, ConfigProblem, suggest
from glottis.config.routes import RouteChains, RouteEntry, Routes
from glottis.config.secrets import expand, references
from glottis.config.settings import Settings, environment_name

__all__ = [
    "ConfigError",
    "ConfigProblem",
    "Deployment",
    "Limits",
    "Listening",
    "ProjectEntry",
    "ProviderEntry",
    "RouteChains",
    "RouteEntry",
    "Routes",
    "Settings",
    "VoiceChoice",
    "environment_name",
    "expand",
    "load_deployment",
    "model_problems",
    "parse_deployment",
    "references",
    "suggest",
]
