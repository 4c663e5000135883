"""What the commands share: settings from options, the deployment, a console, progress."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, TextIO

import typer
from glottis.config import (
    ConfigError,
    ConfigProblem,
    Deployment,
    Settings,
    environment_name,
    load_deployment,
    references,
)
from glottis.core.errors import GlottisError
from glottis.core.logs import configure_logging
from glottis.core.store import StoreUnavailable
from glottis.plugins.host import LoadedPlugins, check_deployment, known_secrets, load_plugins
from pydantic import ValidationError
from rich.console import Console

_PIPED_WIDTH = 140


def is_terminal(stream: TextIO | None) -> bool:
    """Tell whether a person is at the other end; a standard stream that was closed is None."""
    return stream is not None and stream.isatty()


console = Console(highlight=False, width=None if is_terminal(sys.stdout) else _PIPED_WIDTH)
notes = Console(stderr=True, highlight=False)
"""Where progress and remarks go, so that a command's output can be piped."""

ConfigOption = Annotated[Path | None, typer.Option("--config", help="The deployment file.")]
DataDirOption = Annotated[Path | None, typer.Option("--data-dir", help="Where the server keeps its data.")]
LanguageOption = Annotated[str | None, typer.Option("--language", "-l", help="BCP 47 tag, such as en-US.")]
ProviderOption = Annotated[str | None, typer.Option("--provider", "-p", help="Ask this instance first.")]
ProjectOption = Annotated[str, typer.Option("--project", help="Use the routes of this project.")]


class CommandError(Exception):
    """A command cannot do what it was asked; the message says why and what to do."""


def told(error: Exception) -> str:
    """Say what went wrong, to the person at the command line."""
    if isinstance(error, StoreUnavailable) and "GLOTTIS_MONGO_URL" in os.environ:
        return f"{error}; see that the MongoDB in GLOTTIS_MONGO_URL runs, and can be reached from here"
    return error.detail if isinstance(error, GlottisError) else str(error)


def read_settings(**given: Any) -> Settings:
    """Read the settings from the environment; what a command's options give wins.

    Raises:
        CommandError: a value is wrong; every wrong one is named with its environment variable.
    """
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        raise CommandError("\n".join(_wrong_settings(error))) from None


def read_deployment(settings: Settings) -> Deployment:
    """Read plugins.toml, and see to it that none of its secrets can get into the log.

    Raises:
        ConfigError: it is wrong.
    """
    try:
        deployment = load_deployment(settings.config, os.environ)
    except ConfigError as error:
        raise ConfigError([*error.problems, *_further_problems(error, settings)]) from None
    options = {name: dict(entry.options) for name, entry in deployment.providers.items()}
    configure_logging(
        level=settings.log_level,
        form=settings.log_format,
        with_pii=settings.log_pii,
        secrets=[os.environ[name] for _, name in references(options)],
    )
    return deployment


def require_right(deployment: Deployment, settings: Settings) -> None:
    """Check a deployment against the plugins that are installed, without making any provider.

    Raises:
        ConfigError: something is wrong.
    """
    loaded = read_plugins(settings, deployment)
    try:
        problems = check_deployment(
            deployment, loaded, os.environ, reaches_workers=settings.nats_url is not None
        )
    finally:
        loaded.close()
    if problems:
        raise ConfigError(problems)


def _further_problems(error: ConfigError, settings: Settings) -> list[ConfigProblem]:
    """Find what only the plugins know to be wrong, in what is left of a file without its other mistakes."""
    if not isinstance(error.rest, Deployment):
        return []
    try:
        require_right(error.rest, settings)
    except ConfigError as further:
        told = {problem.message for problem in error.problems}
        tables = {".".join(problem.where.split(".")[:2]) for problem in error.problems}
        return [
            problem
            for problem in further.problems
            # What follows from a mistake that is told already is none of its own.
            if problem.message not in told and ".".join(problem.where.split(".")[:2]) not in tables
        ]
    return []


def read_plugins(settings: Settings, deployment: Deployment) -> LoadedPlugins:
    """Load what a deployment enables."""
    return load_plugins(
        deployment.enable,
        load_timeout_s=settings.plugin_load_timeout_s,
        redaction=known_secrets(deployment, os.environ),
    )


@contextmanager
def progress(message: str) -> Iterator[None]:
    """Show that something takes its time, where somebody is watching."""
    if not is_terminal(sys.stderr):
        yield
        return
    with notes.status(message):
        yield


def language_of(text: str) -> str:
    """Guess the language of a typed text by its letters."""
    return "ru-RU" if any("а" <= letter <= "я" or letter == "ё" for letter in text.lower()) else "en-US"


def _wrong_settings(error: ValidationError) -> Iterator[str]:
    for finding in error.errors(include_url=False, include_input=False, include_context=False):
        name = str(finding["loc"][0]) if finding["loc"] else ""
        known = environment_name(name) if name in Settings.model_fields else name
        yield f"{known}: {finding['msg']}"
