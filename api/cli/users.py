"""`glottis users`: who may use the API."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

import typer
from glottis.api.bodies import Project
from glottis.api.cli.setup import CommandError, DataDirOption, console, is_terminal, progress, read_settings
from glottis.config import Settings
from glottis.core.access import hash_password
from glottis.core.store import Store, UserRecord, embedded_url, open_store
from pydantic import SecretStr, TypeAdapter, ValidationError
from rich.table import Table
from rich.text import Text

app = typer.Typer(no_args_is_help=True, help="Who may use the API.")
_SHORTEST = 8
_LONGEST_NAME = 100


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="User name, without a colon.")],
    project: Annotated[
        list[str] | None, typer.Option(help="Limit the user to this project; may be given again.")
    ] = None,
    data_dir: DataDirOption = None,
) -> None:
    """Add a user. The password is asked for, or read from a pipe or from GLOTTIS_PASSWORD."""
    if not name or ":" in name or not name.isprintable():
        raise CommandError(f"{name!r} cannot be a user name: HTTP Basic allows no colon or control character")
    if len(name) > _LONGEST_NAME:
        raise CommandError(f"a user name has at most {_LONGEST_NAME} characters")
    for limit in project or ():
        _check_project(limit)
    password = _password()
    projects = tuple(project) if project else None

    async def run() -> None:
        async with _store(read_settings(data_dir=data_dir)) as store:
            await store.users.add(name, password_hash=hash_password(password), projects=projects)

    with progress("Adding ..."):
        asyncio.run(run())
    console.print(f"added {name}", markup=False)


@app.command("list")
def list_users(data_dir: DataDirOption = None) -> None:
    """List the users and their projects."""

    async def run() -> tuple[UserRecord, ...]:
        async with _store(read_settings(data_dir=data_dir)) as store:
            return tuple(await store.users.list())

    with progress("Reading ..."):
        users = asyncio.run(run())
    table = Table("user", "projects", "added", box=None, pad_edge=False)
    for user in users:
        projects = "all" if user.projects is None else ", ".join(user.projects)
        table.add_row(Text(user.name), Text(projects), f"{user.created_at:%Y-%m-%d %H:%M}")
    console.print(table if users else "there are no users: the server is open, on loopback only")


@app.command()
def remove(name: str, data_dir: DataDirOption = None) -> None:
    """Remove a user. A running server forgets the password within half a minute."""

    async def run() -> bool:
        async with _store(read_settings(data_dir=data_dir)) as store:
            return await store.users.remove(name)

    with progress("Removing ..."):
        removed = asyncio.run(run())
    if not removed:
        raise CommandError(f"there is no user {name}; `glottis users list` shows them")
    console.print(f"removed {name}", markup=False)


@asynccontextmanager
async def _store(settings: Settings) -> AsyncIterator[Store]:
    """Open the database of the server that runs on a data folder, or start it for the moment."""
    if settings.mongo_url is None:
        running = embedded_url(settings.data_dir)
        if running is not None:
            settings = settings.model_copy(update={"mongo_url": SecretStr(running)})
    async with open_store(settings) as store:
        yield store


def _check_project(name: str) -> None:
    """Refuse what no request could name."""
    try:
        TypeAdapter(Project).validate_python(name)
    except ValidationError:
        raise CommandError(
            f"{name!r} cannot be a project: a name begins with a letter or a digit, holds letters, digits, "
            "spaces and . : @ + - _, and has at most 100 characters"
        ) from None


def _password() -> str:
    try:
        password = _typed_password()
        password.encode()
    except UnicodeError:
        raise CommandError("the password is not UTF-8 text") from None
    if len(password) < _SHORTEST:
        raise CommandError(f"a password has at least {_SHORTEST} characters")
    return password


def _typed_password() -> str:
    password = os.environ.get("GLOTTIS_PASSWORD")
    if password is not None:
        return password
    if is_terminal(sys.stdin):
        return str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))
    return sys.stdin.readline().rstrip("\r\n") if sys.stdin else ""
