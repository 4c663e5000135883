"""Which providers serve a request, in which order."""

from collections.abc import Iterator, Sequence
from typing import Any

from glottis.config import Deployment, RouteChains, Routes
from glottis.core.errors import Unavailable, Unprocessable
from glottis.core.routing.guard import Guard
from glottis.plugins import Kind, best_match, lookup_order

ROUTE_OF = {
    Kind.RECOGNIZER: "recognize",
    Kind.SYNTHESIZER: "synthesize",
    Kind.INTENT_HANDLER: "intents",
    Kind.TRAINING_BACKEND: "train",
}

Chain = Sequence[Guard[Any]]


class Routing:
    """The chains of plugins.toml over the instances that run.

    A project's routes win over the deployment's, and in each the most specific language tag over the rest.
    """

    def __init__(self, deployment: Deployment, guards: dict[tuple[Kind, str], Guard[Any]]) -> None:
        self._deployment = deployment
        self._guards = guards
        self._memory: dict[tuple[Kind, str, str], tuple[Guard[Any], ...]] = {}

    @property
    def guards(self) -> tuple[Guard[Any], ...]:
        return tuple(self._guards.values())

    def look_again(self, kind: str, name: str) -> None:
        """Ask anew what an instance can do, and whether it is well: its workers have changed."""
        self._memory.clear()
        if (guard := self._guards.get((Kind(kind), name))) is not None:
            guard.look_again()

    def instance(self, kind: Kind, name: str) -> Guard[Any] | None:
        """Give an instance by its name, whether it has started or not; None where there is none."""
        return self._guards.get((kind, name))

    def chain(
        self, kind: Kind, *, language: str, project: str, provider: str | None = None
    ) -> tuple[Guard[Any], ...]:
        """Give the providers that may serve a request, those in service first.

        `provider` asks for one of them by name: it moves to the front.

        Raises:
            Unprocessable: the route has no provider for this language, or none of this name.
            Unavailable: none of them has started.
        """
        served = self._served(kind, language, project)
        if provider is not None:
            served = self._chosen(served, provider, language)
        started = [guard for guard in served if guard.is_started]
        if not started:
            raise Unavailable(f"no provider to {ROUTE_OF[kind]} is running; try again later")
        # A provider that is out of service is still tried last: better a slim chance than none.
        return tuple(sorted(started, key=lambda guard: not guard.is_available))

    def routed(self, kind: Kind, project: str) -> list[Guard[Any]]:
        """List the running providers that a project's requests of a kind may reach, in any language."""
        tables = (self._deployment.project(project).routes, self._deployment.routes)
        names = [
            name
            for routes in tables
            for table in _all_tables(routes)
            for name in table.chain(ROUTE_OF[kind]) or ()
        ]
        guards = [self._guards[kind, name] for name in dict.fromkeys(names) if (kind, name) in self._guards]
        return [guard for guard in guards if guard.is_started]

    def has_route(self, kind: Kind, project: str) -> bool:
        """Tell whether anything is routed for this kind of work, whatever the language."""
        tables = (self._deployment.project(project).routes, self._deployment.routes)
        return any(table.chain(ROUTE_OF[kind]) for routes in tables for table in _all_tables(routes))

    def _served(self, kind: Kind, language: str, project: str) -> tuple[Guard[Any], ...]:
        key = (kind, language, project if project in self._deployment.projects else "")
        if key not in self._memory:
            # Both parts come from callers: the memory must not grow with whatever they make up.
            if len(self._memory) > 1_000:
                self._memory.clear()
            self._memory[key] = self._resolve(kind, language, project)
        return self._memory[key]

    def _resolve(self, kind: Kind, language: str, project: str) -> tuple[Guard[Any], ...]:
        names = self._names(kind, language, project)
        guards = [self._guards[kind, name] for name in names if (kind, name) in self._guards]
        able = [
            guard
            for guard in guards
            if not guard.is_started or best_match(language, guard.capabilities.languages)
        ]
        if not able:
            known = ", ".join(names) or "nothing"
            raise Unprocessable(f"language: no provider to {ROUTE_OF[kind]} {language} (routed: {known})")
        return tuple(able)

    def _names(self, kind: Kind, language: str, project: str) -> list[str]:
        for routes in (self._deployment.project(project).routes, self._deployment.routes):
            for table in _by_specificity(routes, language):
                names = table.chain(ROUTE_OF[kind])
                if names is not None:
                    return names
        return []

    @staticmethod
    def _chosen(served: tuple[Guard[Any], ...], provider: str, language: str) -> tuple[Guard[Any], ...]:
        chosen = [guard for guard in served if guard.name == provider]
        if not chosen:
            accepted = ", ".join(guard.name for guard in served)
            raise Unprocessable(f"provider: {provider} does not serve {language} here; accepted: {accepted}")
        return (*chosen, *(guard for guard in served if guard.name != provider))


def _by_specificity(routes: Routes, language: str) -> Iterator[RouteChains]:
    by_tag = {tag.lower(): chains for tag, chains in routes.language.items()}
    for tag in lookup_order(language):
        if tag in by_tag:
            yield by_tag[tag]
    yield routes


def _all_tables(routes: Routes) -> Iterator[RouteChains]:
    yield routes
    yield from routes.language.values()
