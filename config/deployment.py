"""plugins.toml: what a deployment enables, how its providers are set up, and which of them serves what."""

import tomllib
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

from glottis.config.findings import model_problems
from glottis.config.listening import Listening
from glottis.config.problems import ConfigError, ConfigProblem
from glottis.config.routes import ROUTE_KEYS, RouteChains, Routes, misplacements
from glottis.config.salvage import without
from glottis.config.secrets import references
from glottis.config.shapes import Name, Strict
from glottis.config.toml_lines import line_of, locate
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

Origin = Annotated[str, Field(pattern=r"^https?://[^/\s]+$")]
Seconds = Annotated[float, Field(gt=0, le=3600)]


class Limits(Strict):
    """What the engine enforces around a provider, whatever the provider does.

    `timeout_s` bounds a whole call, `first_result_s` the wait for the first audio; `max_waiting` calls may
    wait for one of `max_concurrency` places; `retries` counts further tries of the last provider of a chain.
    """

    timeout_s: Seconds = 30.0
    first_result_s: Seconds = 10.0
    max_concurrency: int | None = Field(default=None, ge=1, le=10_000)
    max_waiting: int = Field(default=64, ge=0, le=10_000)
    retries: int = Field(default=1, ge=0, le=5)
    breaker_failures: int = Field(default=3, ge=1, le=100)
    breaker_probe_s: Seconds = 5.0


class ProviderEntry(BaseModel):
    """An instance of a provider; every key that is not the engine's is an option of the provider."""

    model_config = ConfigDict(extra="allow", frozen=True)

    use: Name
    required: bool = False
    limits: Limits = Limits()

    @property
    def options(self) -> Mapping[str, Any]:
        return self.model_extra or {}


class SectionEntry(Strict):
    """A place of a site; `names` maps a language to what people call it."""

    url: str = Field(min_length=1)
    names: dict[str, list[str]]


class VoiceChoice(Strict):
    """The voice that a project speaks with."""

    provider: Name | None = None
    voice: str = "default"


class ProjectEntry(Strict):
    """A tenant."""

    greeting: dict[str, str] = Field(default_factory=dict)
    origins: list[Origin] = Field(default_factory=list)
    max_sessions: int | None = Field(default=None, ge=1)
    listening: Listening = Listening()
    routes: Routes = Routes()
    voices: dict[str, VoiceChoice] = Field(default_factory=dict)
    sections: dict[Name, SectionEntry] = Field(default_factory=dict)


_NOTHING_SET = ProjectEntry()


class _File(Strict):
    enable: list[Name] = Field(default_factory=list)
    providers: dict[Name, ProviderEntry] = Field(default_factory=dict)
    routes: Routes = Routes()
    listening: Listening = Listening()
    projects: dict[Name, ProjectEntry] = Field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Deployment:
    """A plugins.toml whose shape is right. Secrets stand in it as `${NAME}`, so that it can be shown."""

    file: str
    enable: tuple[str, ...]
    providers: Mapping[str, ProviderEntry]
    routes: Routes
    listening: Listening
    projects: Mapping[str, ProjectEntry]
    lines: Mapping[tuple[str, ...], int]

    def problem(self, path: tuple[str, ...], message: str) -> ConfigProblem:
        """Point at a place of the file."""
        return ConfigProblem(self.file, line_of(self.lines, path), ".".join(path), message)

    def project(self, name: str) -> ProjectEntry:
        """Return what is set for a project; one that the file does not list has nothing set."""
        return self.projects.get(name, _NOTHING_SET)

    def listening_in(self, project: str) -> Listening:
        """Return how conversations of a project listen: its own values, and the deployment's for the rest."""
        return self.listening.overridden_by(self.project(project).listening)

    def route_tables(self) -> Iterator[tuple[tuple[str, ...], RouteChains]]:
        """List every table of routes with its path, the general before the special."""
        yield from self.routes.tables(("routes",))
        for name, project in self.projects.items():
            yield from project.routes.tables(("projects", name, "routes"))

    def instance_names(self) -> set[str]:
        """Name every instance that a table configures or a route mentions."""
        return self.routed_names() | set(self.providers)

    def routed_names(self) -> set[str]:
        """Name every instance that a route mentions."""
        return {
            name for _, table in self.route_tables() for key in ROUTE_KEYS for name in table.chain(key) or ()
        }

    @property
    def on_workers(self) -> frozenset[tuple[str, str]]:
        """Tell what a route runs on workers: the kind of work, such as "recognize", and the instance."""
        return frozenset(
            (key, entry.provider)
            for _, table in self.route_tables()
            for key, entries in table.placed()
            for entry in entries
            if entry.is_on_workers
        )

    def only(self, *keys: str) -> "Deployment":
        """Return a copy that routes nothing but the kinds of work named: "recognize", "synthesize", ...

        Nothing in it is required that it does not route, nor a voice chosen where it does not speak.
        """
        dropped = [key for key in ROUTE_KEYS if key not in keys]
        return self._rerouted(lambda chains: chains.without(dropped), keeps_voices="synthesize" in keys)

    def for_worker(self, keys: Collection[str]) -> "Deployment":
        """Return a copy as a worker holds it that does these: "recognize", "synthesize", "train".

        What runs on workers runs here, if its kind of work is named, and nothing else does. But a worker
        that trains voices hears and speaks by the routes: where there is one to train by, all of them stay,
        and what is not named stays on workers. Nothing is required that is not left, nor a voice chosen.
        """
        trains = "train" in keys and any(table.train for _, table in self.route_tables())
        return self._rerouted(lambda chains: chains.for_worker(keys, whole=trains), keeps_voices=trains)

    def _rerouted(self, change: Callable[[RouteChains], RouteChains], *, keeps_voices: bool) -> "Deployment":
        def changed(routes: Routes) -> Routes:
            languages = {tag: change(chains) for tag, chains in routes.language.items()}
            return routes.model_copy(update=dict(change(routes)) | {"language": languages})

        projects = {
            name: project.model_copy(
                update={
                    "routes": changed(project.routes),
                    "voices": project.voices if keeps_voices else {},
                }
            )
            for name, project in self.projects.items()
        }
        rest = replace(self, routes=changed(self.routes), projects=projects)
        routed = rest.routed_names()
        providers = {
            name: entry if name in routed else entry.model_copy(update={"required": False})
            for name, entry in self.providers.items()
        }
        return replace(rest, providers=providers)

    def entry(self, instance: str) -> ProviderEntry:
        """Return an instance's table; a route may also name a provider that needs no table."""
        return self.providers.get(instance) or ProviderEntry(use=instance)


def load_deployment(path: Path, environment: Mapping[str, str]) -> Deployment:
    """Read a plugins.toml and check its shape and its `${NAME}` references.

    Raises:
        ConfigError: with every mistake found.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        reason = error.strerror or "cannot be read"
        hint = "name another with --config, or copy the plugins.toml that comes with Glottis"
        raise ConfigError([ConfigProblem(str(path), 0, "", f"{reason}; {hint}")]) from None
    except UnicodeDecodeError:
        raise ConfigError([ConfigProblem(str(path), 0, "", "is not UTF-8 text")]) from None
    return parse_deployment(text, file=str(path), environment=environment)


def parse_deployment(text: str, *, file: str, environment: Mapping[str, str]) -> Deployment:
    """Do what `load_deployment` does with the text of a file."""
    try:
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError([_syntax_problem(error, file)]) from None
    except RecursionError:
        raise ConfigError([ConfigProblem(file, 0, "", "is nested too deeply")]) from None
    lines = locate(text)
    problems = [
        ConfigProblem(file, line_of(lines, path), ".".join(path), message)
        for path, name in references(tree)
        if (message := _reference_mistake(path, name, environment))
    ]
    try:
        content = _File.model_validate(tree)
    except ValidationError as error:
        problems += model_problems(error, file=file, lines=lines, root=_File)
        raise ConfigError(problems, rest=_rest(tree, error, file, lines)) from None
    deployment = _deployment(content, file, lines)
    problems += _contradictions(deployment)
    if problems:
        raise ConfigError(problems, rest=deployment)
    return deployment


def _deployment(content: _File, file: str, lines: Mapping[tuple[str, ...], int]) -> Deployment:
    return Deployment(
        file,
        tuple(content.enable),
        content.providers,
        content.routes,
        content.listening,
        content.projects,
        lines,
    )


def _rest(
    tree: Mapping[str, Any], error: ValidationError, file: str, lines: Mapping[tuple[str, ...], int]
) -> Deployment | None:
    """Read a file without the entries that are wrong; None if that is no file either."""
    rest = without(tree, [_wrong_entry(finding) for finding in error.errors(include_url=False)])
    if rest == tree:
        return None
    try:
        return _deployment(_File.model_validate(rest), file, lines)
    except ValidationError as further:
        # An entry may need what was wrong in it, and goes with it.
        return _rest(rest, further, file, lines)


def _wrong_entry(finding: ErrorDetails) -> tuple[str | int, ...]:
    """Find what has to go with a mistake: a key, an element, or the table that lacks one."""
    path = tuple(part for part in finding["loc"] if part != "[key]")
    return path[:-1] if finding["type"] == "missing" else path


def _contradictions(deployment: Deployment) -> Iterator[ConfigProblem]:
    """Find what is wrong with one place of the file because of another."""
    yield from _listening_contradictions(deployment)
    for path, name, is_on_workers, first in misplacements(deployment.route_tables()):
        if path == first:
            message = f'"{name}" stands in it twice, to run here and on workers; name it once'
        else:
            here, there = ("on workers", "here") if is_on_workers else ("here", "on workers")
            place = f"{'.'.join(first)}, line {line_of(deployment.lines, first)}"
            message = f'"{name}" runs {here}, and {there} by {place}; write it alike in both'
        yield deployment.problem(path, message)


def _listening_contradictions(deployment: Deployment) -> Iterator[ConfigProblem]:
    """Find what each table of `listening` makes wrong together with the one below it."""
    for key, message in deployment.listening.contradictions():
        yield deployment.problem(("listening", key), message)
    below = set(deployment.listening.contradictions())
    for name in deployment.projects:
        for key, message in deployment.listening_in(name).contradictions():
            if (key, message) not in below:
                yield deployment.problem(("projects", name, "listening", key), message)


def _reference_mistake(path: tuple[str, ...], name: str, environment: Mapping[str, str]) -> str | None:
    if path[0] != "providers":
        return f"${{{name}}} is not read here: only the options of a provider take values of the environment"
    return None if name in environment else f"environment variable {name} is not set"


def _syntax_problem(error: tomllib.TOMLDecodeError, file: str) -> ConfigProblem:
    message, _, place = str(error).partition(" (at line ")
    line = place.split(",")[0]
    return ConfigProblem(file, int(line) if line.isdigit() else 0, "", f"is not valid TOML: {message}")
