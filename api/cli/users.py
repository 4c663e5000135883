"""`glottis users`: who may use the API."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

import typer
from glottis.api.cli.setup import CommandError, DataDirOption, console, progress, read_settings
from glottis.config import Settings
from glottis.core.access import hash_password
from glottis.core.store import Store, UserRecord, embedded_url, open_store
from pydantic import SecretStr
from rich.table import Table

app = typer.Typer(no_args_is_help=True, help="Who may use the API.")
_SHORTEST = 8


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
        table.add_row(user.name, projects, f"{user.created_at:%Y-%m-%d %H:%M}")
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


def _password() -> str:
    password = os.environ.get("GLOTTIS_PASSWORD")
    if password is None:
        if sys.stdin.isatty():
            password = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
        else:
            password = sys.stdin.readline().rstrip("\r\n")
    if len(password) < _SHORTEST:
        raise CommandError(f"a password has at least {_SHORTEST} characters")
    return password
