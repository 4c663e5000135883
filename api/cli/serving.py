"""`glottis serve`."""

import asyncio
import socket
from typing import Annotated

import typer
import uvloop
from glottis.api import server
from glottis.api.cli.setup import (
    ConfigOption,
    DataDirOption,
    read_deployment,
    read_plugins,
    read_settings,
    require_right,
)
from glottis.config import Deployment, Settings


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; 0 takes a free one.")] = None,
    data_dir: DataDirOption = None,
    config: ConfigOption = None,
    workers: Annotated[int | None, typer.Option(help="Server processes that share the port.")] = None,
    worker_socket: Annotated[int | None, typer.Option(hidden=True)] = None,
) -> None:
    """Run the server until it is told to stop (Ctrl-C or SIGTERM); running turns are finished first."""
    settings = read_settings(host=host, port=port, data_dir=data_dir, config=config, workers=workers)
    deployment = read_deployment(settings)
    if worker_socket is None and settings.workers > 1:
        require_right(deployment, settings)  # or each worker would tell the same mistakes
        uvloop.run(
            server.serve_many(settings, server.worker_command(), announce=_announce),
        )
        return
    uvloop.run(_serve(settings, deployment, worker_socket))


async def _serve(settings: Settings, deployment: Deployment, worker_socket: int | None) -> None:
    is_worker = worker_socket is not None
    listening = socket.socket(fileno=worker_socket) if is_worker else None
    announce = _tell_parent if is_worker else _announce
    loaded = await asyncio.to_thread(read_plugins, settings, deployment)
    try:
        await server.serve(settings, deployment, loaded, announce=announce, listening=listening)
    finally:
        loaded.close()


def _announce(address: str) -> None:
    typer.echo(f"Glottis is listening on {address}")


def _tell_parent(_address: str) -> None:
    server.tell_parent()
