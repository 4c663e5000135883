"""plugins.toml: what a deployment enables, how its providers are set up, and which of them serves what."""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from inspect import isclass
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from glottis.config.listening import Listening
from glottis.config.problems import ConfigError, ConfigProblem, suggest
from glottis.config.salvage import without
from glottis.config.secrets import references
from glottis.config.toml_lines import line_of, locate
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=64)]
Origin = Annotated[str, Field(pattern=r"^https?://[^/\s]+$")]
Seconds = Annotated[float, Field(gt=0, le=3600)]

ROUTE_KEYS = ("recognize", "synthesize", "intents", "train")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Limits(_Strict):
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


class RouteChains(_Strict):
    """For each kind of work the instances that do it, the next being the fallback of the one before."""

    recognize: list[Name] | None = None
    synthesize: list[Name] | None = None
    intents: list[Name] | None = None
    train: Name | None = None

    def chain(self, key: str) -> list[str] | None:
        value = getattr(self, key)
        return [value] if isinstance(value, str) else value


class Routes(RouteChains):
    """The chains, with exceptions by language."""

    language: dict[str, RouteChains] = Field(default_factory=dict)


class SectionEntry(_Strict):
    """A place of a site; `names` maps a language to what people call it."""

    url: str = Field(min_length=1)
    names: dict[str, list[str]]


class VoiceChoice(_Strict):
    """The voice that a project speaks with."""

    provider: Name | None = None
    voice: str = "default"


class ProjectEntry(_Strict):
    """A tenant."""

    greeting: dict[str, str] = Field(default_factory=dict)
    origins: list[Origin] = Field(default_factory=list)
    max_sessions: int | None = Field(default=None, ge=1)
    listening: Listening = Listening()
    routes: Routes = Routes()
    voices: dict[str, VoiceChoice] = Field(default_factory=dict)
    sections: dict[Name, SectionEntry] = Field(default_factory=dict)


_NOTHING_SET = ProjectEntry()


class _File(_Strict):
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
        yield from _tables(("routes",), self.routes)
        for name, project in self.projects.items():
            yield from _tables(("projects", name, "routes"), project.routes)

    def instance_names(self) -> set[str]:
        """Name every instance that a table configures or a route mentions."""
        return self.routed_names() | set(self.providers)

    def routed_names(self) -> set[str]:
        """Name every instance that a route mentions."""
        return {
            name for _, table in self.route_tables() for key in ROUTE_KEYS for name in table.chain(key) or ()
        }

    def only(self, *keys: str) -> "Deployment":
        """Return a copy that routes nothing but the kinds of work named: "recognize", "synthesize", ...

        Nothing in it is required that it does not route, nor a voice chosen where it does not speak.
        """
        dropped = {key: None for key in ROUTE_KEYS if key not in keys}

        def trimmed(routes: Routes) -> Routes:
            languages = {tag: chains.model_copy(update=dropped) for tag, chains in routes.language.items()}
            return routes.model_copy(update={**dropped, "language": languages})

        projects = {
            name: project.model_copy(
                update={
                    "routes": trimmed(project.routes),
                    "voices": project.voices if "synthesize" in keys else {},
                }
            )
            for name, project in self.projects.items()
        }
        rest = replace(self, routes=trimmed(self.routes), projects=projects)
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
        problems += model_problems(error, file=file, lines=lines)
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
    try:
        return _deployment(_File.model_validate(rest), file, lines)
    except ValidationError:
        return None


def _wrong_entry(finding: ErrorDetails) -> tuple[str, ...]:
    """Find what has to go with a mistake: a key, or the table that lacks one."""
    path = tuple(part for part in finding["loc"] if isinstance(part, str) and part != "[key]")
    return path[:-1] if finding["type"] == "missing" else path


def model_problems(
    error: ValidationError,
    *,
    file: str,
    lines: Mapping[tuple[str, ...], int],
    prefix: tuple[str, ...] = (),
    root: type[BaseModel] = _File,
    also: Iterable[str] = (),
) -> list[ConfigProblem]:
    """Turn pydantic's findings into problems. No value is repeated: it may have been a secret.

    `prefix` is where the model `root` stands in the file; `also` names keys that may stand beside its own.
    """
    problems = []
    for finding in error.errors(include_url=False, include_context=False):
        inner = tuple(str(part) for part in finding["loc"] if part != "[key]")
        path = (*prefix, *inner)
        message = _without_input(finding)
        if finding["type"] == "extra_forbidden":
            beside = () if inner[:-1] else also
            message = f"unknown key; {suggest(inner[-1], [*_keys_at(root, inner[:-1]), *beside])}"
        elif finding["type"] == "missing":
            message = "is required"
        # The elements of an array have no lines of their own.
        named = tuple(str(part) for part in finding["loc"] if not isinstance(part, int) and part != "[key]")
        problems.append(ConfigProblem(file, line_of(lines, (*prefix, *named)), ".".join(path), message))
    return problems


def _tables(path: tuple[str, ...], routes: Routes) -> Iterator[tuple[tuple[str, ...], RouteChains]]:
    yield path, routes
    for tag, chains in routes.language.items():
        yield (*path, "language", tag), chains


def _contradictions(deployment: Deployment) -> Iterator[ConfigProblem]:
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


def _without_input(finding: ErrorDetails) -> str:
    """Return pydantic's message. A validator's own may repeat what it was given, which is taken out."""
    message = finding["msg"]
    if finding["type"] in {"value_error", "assertion_error"}:
        for text in sorted(_texts(finding["input"]), key=len, reverse=True):
            message = re.sub(rf"(?<!\w){re.escape(text)}(?!\w)", "***", message)
    return message


def _texts(value: Any) -> set[str]:
    if isinstance(value, str):
        return {value} if value else set()
    if isinstance(value, Mapping):
        return {text for item in value.values() for text in _texts(item)}
    if isinstance(value, list):
        return {text for item in value for text in _texts(item)}
    return set()


def _keys_at(root: type[BaseModel], path: tuple[str, ...]) -> list[str]:
    """Follow a path through nested models, tables and arrays to the keys that may stand there."""
    nodes: list[Any] = [root]
    for part in path:
        nodes = [inner for node in nodes for inner in _inside(node, part)]
    return sorted({key for node in nodes if _is_model(node) for key in node.model_fields})


def _inside(node: Any, part: str) -> list[Any]:
    if _is_model(node):
        return _choices(node.model_fields[part].annotation) if part in node.model_fields else []
    arguments = get_args(node)
    if get_origin(node) is dict:
        return _choices(arguments[1])
    if get_origin(node) in {list, tuple, set, frozenset}:
        return _choices(arguments[0])
    return []


def _choices(annotation: Any) -> list[Any]:
    """List what an annotation such as `Model | None` may be."""
    origin = get_origin(annotation)
    if origin in {Union, UnionType}:
        return [choice for argument in get_args(annotation) for choice in _choices(argument)]
    if origin is Annotated:
        return _choices(get_args(annotation)[0])
    return [annotation]


def _is_model(node: Any) -> bool:
    return isclass(node) and issubclass(node, BaseModel)
