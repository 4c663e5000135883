"""The `glottis` command: its commands, those of plugins, and how failures are told."""

import errno
import os
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer
from glottis.api.cli import checks, deployment, engine, serving, users
from glottis.api.cli.demo import demo
from glottis.api.cli.setup import CommandError, notes, told
from glottis.api.cli.talk import talk
from glottis.api.cli.train import train
from glottis.api.cli.worker import worker
from glottis.api.client import ClientError
from glottis.api.server import CannotServe
from glottis.config import ConfigError, load_deployment
from glottis.core.broker import BrokerUnavailable
from glottis.core.errors import GlottisError
from glottis.core.store import StoreError
from glottis.core.telemetry import TelemetryMissing
from glottis.plugins.host import load_plugins

_TOLD = (
    BrokerUnavailable,
    CannotServe,
    ClientError,
    CommandError,
    ConfigError,
    GlottisError,
    StoreError,
    TelemetryMissing,
)
_PLUGIN_TIMEOUT_S = 30.0
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO}


def main() -> None:
    """Run the command line. A failure that a person can act on is told in a sentence, without a traceback."""
    _occupy_closed_streams()
    app = build()
    if _wants_plugins(app):
        _add_plugin_commands(app)
    try:
        app()
    except _TOLD as error:
        notes.print(f"error: {told(error)}", style="red", markup=False, soft_wrap=True)
        sys.exit(1)
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        _give_up_output()
        notes.print(f"error: the output cannot be written: {error.strerror}", style="red", markup=False)
        sys.exit(1)


def build() -> typer.Typer:
    """Make the command line without any plugin's commands."""
    app = typer.Typer(
        no_args_is_help=True, pretty_exceptions_enable=False, help="Self-hosted voice platform."
    )
    app.callback()(_options)
    app.command()(serving.serve)
    app.command()(worker)
    for command in (engine.say, engine.hear, engine.ask):
        app.command()(command)
    app.add_typer(deployment.plugins, name="plugins")
    app.add_typer(deployment.config, name="config")
    app.add_typer(users.app, name="users")
    app.command()(talk)
    app.command()(train)
    app.command()(checks.doctor)
    app.command()(demo)
    return app


def _occupy_closed_streams() -> None:
    """Keep the numbers of standard streams that were closed from going to a socket or a file of ours."""
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass
    os.close(number)


def _give_up_output() -> None:
    """Throw away what could not be printed: the interpreter would try once more at its end, and complain."""
    if sys.stdout is not None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _options(
    _version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=lambda wanted: _print_version(wanted=wanted))
    ] = False,
) -> None:
    """Self-hosted voice platform."""


def _print_version(*, wanted: bool) -> None:
    if wanted:
        typer.echo(version("glottis"))
        raise typer.Exit


def _wants_plugins(app: typer.Typer) -> bool:
    """Tell whether the command might be a plugin's: loading them costs time, so ours go without."""
    first = next((argument for argument in sys.argv[1:] if not argument.startswith("-")), None)
    ours = {command.name or getattr(command.callback, "__name__", "") for command in app.registered_commands}
    ours |= {group.name for group in app.registered_groups if isinstance(group.name, str)}
    return first not in ours


def _add_plugin_commands(app: typer.Typer) -> None:
    path = Path(os.environ.get("GLOTTIS_CONFIG", "plugins.toml"))
    if not path.is_file():
        return
    try:
        enabled = load_deployment(path, os.environ).enable
    except ConfigError:
        # `glottis config check` tells; a broken file must not take the other commands away.
        return
    load_plugins(enabled, load_timeout_s=_PLUGIN_TIMEOUT_S).register_commands(app)
