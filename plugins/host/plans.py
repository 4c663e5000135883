"""What a deployment comes to: the providers to make, and the chains that they stand in."""

from dataclasses import dataclass, field

from glottis.config import ConfigProblem, Limits
from glottis.plugins.host.records import InstanceState, ProviderInstance
from glottis.plugins.specs import Kind, ProviderSpec
from pydantic import BaseModel

KIND_OF_ROUTE = {
    "recognize": Kind.RECOGNIZER,
    "synthesize": Kind.SYNTHESIZER,
    "intents": Kind.INTENT_HANDLER,
    "train": Kind.TRAINING_BACKEND,
}
ROUTE_OF_KIND = {kind: key for key, kind in KIND_OF_ROUTE.items()}

Path = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """A provider to make: all that `create` needs, or the `error` for which it cannot be made.

    One that `is_remote` is made on workers; here, what asks them stands in for it.
    """

    name: str
    kind: Kind
    plugin: str
    spec: ProviderSpec
    limits: Limits
    required: bool
    where: str
    line: int
    # Holds expanded secrets, and so is never shown.
    config: BaseModel | None = field(default=None, repr=False)
    error: str | None = None
    is_remote: bool = False

    def instance(self) -> ProviderInstance:
        """Give what is known of the provider before it is made."""
        return ProviderInstance(
            name=self.name,
            kind=self.kind,
            plugin=self.plugin,
            spec=self.spec,
            limits=self.limits,
            provider=None,
            state=InstanceState.PLANNED if self.error is None else InstanceState.FAILED,
            error=self.error,
            required=self.required,
            where=self.where,
            line=self.line,
            is_remote=self.is_remote,
        )


@dataclass(frozen=True, slots=True)
class Chain:
    """One list of routes with the instances in it."""

    path: Path
    kind: Kind
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Resolution:
    """What came out of reading a deployment against the loaded plugins."""

    plans: tuple[Plan, ...]
    chains: tuple[Chain, ...]
    problems: tuple[ConfigProblem, ...]
