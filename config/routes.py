"""The `[routes]` of plugins.toml: which instances do which kind of work, and where they run."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any, Literal, get_args

from glottis.config.problems import suggest
from glottis.config.shapes import Name, Strict
from pydantic import BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

ROUTE_KEYS = ("recognize", "synthesize", "intents", "train")
PLACED_KEYS = ("recognize", "synthesize")
"""The kinds of work that workers can be asked for, one request at a time."""

Path = tuple[str, ...]
Place = Literal["here", "workers"]


def _known_place(value: object) -> object:
    places = get_args(Place)
    if value in places:
        return value
    told = suggest(value if isinstance(value, str) else "", places)
    raise PydanticCustomError("unknown_place", "is no place to run; " + told)


def _only_a_name(value: object) -> object:
    if isinstance(value, Mapping):
        message = 'takes a name and no table: "runs_on" is for recognize and synthesize'
        raise PydanticCustomError("placed_name", message)
    return value


# There is nothing to say of where these run, so that a name is all that is written.
_BareName = Annotated[Name, BeforeValidator(_only_a_name)]


class RouteEntry(Strict):
    """An instance in a route: a table, or its name where it runs in the process that needs it."""

    provider: Name
    runs_on: Annotated[Place, BeforeValidator(_known_place)] = "here"

    @model_validator(mode="before")
    @classmethod
    def _from_name(cls, value: Any) -> Any:
        if isinstance(value, str):
            return {"provider": value}
        if isinstance(value, (Mapping, RouteEntry)):
            return value
        message = 'is neither a name nor a table such as { provider = "NAME", runs_on = "workers" }'
        raise PydanticCustomError("route_entry", message)

    @property
    def is_on_workers(self) -> bool:
        return self.runs_on == "workers"


class RouteChains(Strict):
    """For each kind of work the instances that do it, the next being the fallback of the one before."""

    recognize: list[RouteEntry] | None = None
    synthesize: list[RouteEntry] | None = None
    intents: list[_BareName] | None = None
    train: _BareName | None = None

    def chain(self, key: str) -> list[str] | None:
        """Name the instances of a kind of work in their order; None where nothing is said of it."""
        value = getattr(self, key)
        if value is None:
            return None
        listed = [value] if isinstance(value, str) else value
        return [each if isinstance(each, str) else each.provider for each in listed]

    def placed(self) -> Iterator[tuple[str, list[RouteEntry]]]:
        """List what each chain holds whose instances may run elsewhere."""
        for key in PLACED_KEYS:
            entries: list[RouteEntry] | None = getattr(self, key)
            if entries is not None:
                yield key, entries

    def without(self, keys: Iterable[str]) -> "RouteChains":
        """Return a copy that says nothing of some kinds of work."""
        return self.model_copy(update=dict.fromkeys(keys))

    def for_worker(self, keys: Iterable[str], *, whole: bool) -> "RouteChains":
        """Return a copy in which what is on workers runs here, where its kind of work is in `keys`.

        Unless the routes are wanted `whole`, everything else is left out.
        """
        held = set(keys)
        update = {
            key: [
                entry.model_copy(update={"runs_on": "here"}) if key in held else entry
                for entry in entries
                if whole or (key in held and entry.is_on_workers)
            ]
            for key, entries in self.placed()
        }
        return self.without(["intents"] if whole else ["intents", "train"]).model_copy(update=update)


class Routes(RouteChains):
    """The chains, with exceptions by language."""

    language: dict[str, RouteChains] = Field(default_factory=dict)

    def tables(self, path: Path) -> Iterator[tuple[Path, RouteChains]]:
        """List the tables of chains in here with their paths, the general before the special."""
        yield path, self
        for tag, chains in self.language.items():
            yield (*path, "language", tag), chains


def misplacements(tables: Iterable[tuple[Path, RouteChains]]) -> Iterator[tuple[Path, str, bool, Path]]:
    """Find each place at which an instance does not run where its first route for this work has it.

    Gives the path of the list, the name, whether it runs on workers there, and the path of the first list.
    """
    first: dict[tuple[str, str], tuple[Path, bool]] = {}
    for path, table in tables:
        for key, entries in table.placed():
            for entry in entries:
                place = (*path, key), entry.is_on_workers
                known, is_on_workers = first.setdefault((key, entry.provider), place)
                if entry.is_on_workers != is_on_workers:
                    yield (*path, key), entry.provider, entry.is_on_workers, known
