"""What every provider is: an object with a context, a configuration and a life cycle."""

import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from glottis.plugins.capabilities import Capabilities
from glottis.plugins.peers import NoPeers, Peers
from pydantic import BaseModel, ConfigDict


class NoConfig(BaseModel):
    """The configuration of a provider that has nothing to configure."""

    model_config = ConfigDict(extra="forbid", frozen=True)


@dataclass(frozen=True, slots=True)
class ProviderContext:
    """What the engine hands to a provider that it creates.

    `instance` is the name under `[providers]` in plugins.toml; `data_dir` a folder of the instance's own,
    which exists; `capabilities` those of its spec; `peers` the other synthesizers, if its spec asks for any.
    """

    instance: str
    data_dir: Path
    capabilities: Capabilities
    log: logging.Logger
    peers: Peers = field(default_factory=NoPeers)


class Provider:
    """The life cycle common to recognizers, synthesizers, intent handlers and training backends.

    `create` must be quick and must not block: load models in `warmup`. `self.capabilities` starts as the
    spec's; a provider whose abilities hang on its configuration replaces it, at the latest in `warmup`.
    """

    def __init__(self, context: ProviderContext, config: Any = None) -> None:
        self.context = context
        self.config = config
        self.capabilities: Any = context.capabilities

    async def warmup(self) -> None:
        """Load what the first call would otherwise wait for. Raises `ProviderError` if that cannot be had."""

    async def health(self) -> None:
        """Check that a call would work now; raise `ProviderError` if not. Probes a broken provider."""

    async def aclose(self) -> None:
        """Free everything. Called once, after the last call has ended."""

    @property
    def version(self) -> str:
        """Name what changes the result besides the configuration: a model's version, a voice's checksum."""
        return ""
