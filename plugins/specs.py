"""What a plugin registers: one spec for each provider that it offers."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, ClassVar

from glottis.plugins.capabilities import (
    Capabilities,
    IntentCapabilities,
    RecognizerCapabilities,
    SynthesizerCapabilities,
    TrainingCapabilities,
)
from glottis.plugins.intent import IntentHandler
from glottis.plugins.provider import NoConfig, Provider, ProviderContext
from glottis.plugins.recognizer import Recognizer
from glottis.plugins.synthesizer import Synthesizer
from glottis.plugins.training import TrainingBackend
from pydantic import BaseModel


class Kind(StrEnum):
    """The kinds of provider."""

    RECOGNIZER = "recognizer"
    SYNTHESIZER = "synthesizer"
    INTENT_HANDLER = "intent_handler"
    TRAINING_BACKEND = "training_backend"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderSpec:
    """How to make a provider.

    `name` is what `use` in plugins.toml says; `config` a pydantic model with `extra="forbid"` whose secrets
    are `SecretStr`; `create(context, config)` returns the provider without blocking.

    `peers` names the options that name synthesizers, each an instance or None: they are made even where no
    route uses them, and `context.peers` reaches them and those of the routes.
    """

    kind: ClassVar[Kind]
    contract: ClassVar[type[Provider]]

    name: str
    create: Callable[[ProviderContext, Any], Provider]
    config: type[BaseModel] = NoConfig
    capabilities: Capabilities
    description: str = ""
    peers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RecognizerSpec(ProviderSpec):
    """A recognizer on offer."""

    kind = Kind.RECOGNIZER
    contract = Recognizer
    capabilities: RecognizerCapabilities = RecognizerCapabilities()


@dataclass(frozen=True, slots=True, kw_only=True)
class SynthesizerSpec(ProviderSpec):
    """A synthesizer on offer."""

    kind = Kind.SYNTHESIZER
    contract = Synthesizer
    capabilities: SynthesizerCapabilities = SynthesizerCapabilities()


@dataclass(frozen=True, slots=True, kw_only=True)
class IntentHandlerSpec(ProviderSpec):
    """An intent handler on offer."""

    kind = Kind.INTENT_HANDLER
    contract = IntentHandler
    capabilities: IntentCapabilities = IntentCapabilities()


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingBackendSpec(ProviderSpec):
    """A training backend on offer.

    Its voices are spoken by the synthesizer of the same table in plugins.toml: a plugin registers both under
    one name.
    """

    kind = Kind.TRAINING_BACKEND
    contract = TrainingBackend
    capabilities: TrainingCapabilities = TrainingCapabilities()
