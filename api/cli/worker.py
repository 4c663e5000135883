"""`glottis worker`."""

import asyncio
import logging
import os
import socket
from contextlib import AsyncExitStack
from typing import Annotated

import typer
import uvloop
from glottis.api.cli.setup import (
    CommandError,
    ConfigOption,
    DataDirOption,
    read_deployment,
    read_plugins,
    read_settings,
)
from glottis.api.server import address_of, bind
from glottis.api.stopping import obeying, stop_signal
from glottis.api.watching import watched
from glottis.config import Deployment, Settings
from glottis.core.store import embedded_url
from glottis.core.worker import WORKER_KINDS, open_worker
from pydantic import SecretStr

log = logging.getLogger(__name__)


def worker(
    kinds: Annotated[
        str, typer.Option(help="What to do, with commas: train, recognize, synthesize.")
    ] = ",".join(WORKER_KINDS),
    slots: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=64,
            help="Trainings at once (one by default), and requests to each provider (as many as it takes).",
        ),
    ] = None,
    host: Annotated[str | None, typer.Option(help="Address of --port.")] = None,
    port: Annotated[
        int | None, typer.Option(help="Answer /healthz, /readyz and /metrics here; without it, nothing is.")
    ] = None,
    data_dir: DataDirOption = None,
    config: ConfigOption = None,
) -> None:
    """Do the work of the servers that share GLOTTIS_NATS_URL and the database, until told to stop."""
    chosen = _kinds(kinds)
    settings = _settings(read_settings(host=host, port=port or 0, data_dir=data_dir, config=config))
    sock = None if port is None else bind(settings)
    deployment = read_deployment(settings)
    _require_work(deployment, chosen)
    uvloop.run(_work(settings, deployment, chosen, slots, sock))


async def _work(
    settings: Settings,
    deployment: Deployment,
    kinds: tuple[str, ...],
    slots: int | None,
    sock: socket.socket | None,
) -> None:
    stop, ready = stop_signal(), asyncio.Event()

    async def work() -> None:
        loaded = await asyncio.to_thread(read_plugins, settings, deployment)
        try:
            async with AsyncExitStack() as stack:
                worker = await stack.enter_async_context(
                    open_worker(settings, deployment, kinds=kinds, slots=slots, loaded=loaded)
                )
                if sock is not None:
                    log.info("watched", extra={"address": address_of(sock)})
                    await stack.enter_async_context(watched(worker, sock))
                ready.set()
                done = "; ".join(f"{kind} by {', '.join(names)}" for kind, names in worker.work.items())
                typer.echo(f"Glottis works: {done}")
                log.info("working", extra={"work": done, "pid": os.getpid()})
                await stop.wait()
        finally:
            loaded.close()

    await obeying(stop, work(), ready=ready)
    log.info("stopped")


def _kinds(given: str) -> tuple[str, ...]:
    kinds = tuple(dict.fromkeys(part.strip() for part in given.split(",") if part.strip()))
    unknown = [kind for kind in kinds if kind not in WORKER_KINDS]
    if unknown or not kinds:
        what = f"{unknown[0]!r} is nothing that a worker does" if unknown else "nothing to do"
        raise CommandError(f"--kinds: {what}; choose among {', '.join(WORKER_KINDS)}")
    return kinds


def _settings(settings: Settings) -> Settings:
    """See to it that a worker finds its broker and its database: on one machine, that of a running server."""
    if settings.nats_url is None:
        raise CommandError("a worker gets its work through NATS: set GLOTTIS_NATS_URL, as for the server")
    if settings.mongo_url is not None:
        return settings
    url = embedded_url(settings.data_dir)
    if url is None:
        raise CommandError(
            "a worker shares the server's database: set GLOTTIS_MONGO_URL, or start it beside a server"
            f" of this machine with the same --data-dir (none runs in {settings.data_dir})"
        )
    return settings.model_copy(update={"mongo_url": SecretStr(url)})


def _require_work(deployment: Deployment, kinds: tuple[str, ...]) -> None:
    """Refuse to start a worker that would wait for ever."""
    is_trained = "train" in kinds and any(table.train for _, table in deployment.route_tables())
    if not is_trained and not any(key in kinds for key, _ in deployment.on_workers):
        raise CommandError(
            f"{deployment.file} leaves nothing to a worker of {', '.join(kinds)}: it routes no training,"
            ' and no entry of a recognize or synthesize route says runs_on = "workers"'
        )
