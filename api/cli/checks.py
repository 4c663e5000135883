"""`glottis doctor`: whether this machine and this deployment can serve, and what to do if not."""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import typer
from glottis.api.cli.setup import (
    CommandError,
    ConfigOption,
    DataDirOption,
    console,
    progress,
    read_deployment,
    read_plugins,
    read_settings,
    told,
)
from glottis.api.server import CannotServe, bind
from glottis.config import ConfigError, Deployment, Settings
from glottis.core.broker import BrokerUnavailable
from glottis.core.platform import broker_of, open_engine
from glottis.core.store import StoreError, embedded_url, open_store
from glottis.plugins import ProviderError
from glottis.plugins.host import InstanceState, PluginState, ProviderInstance
from rich.table import Table
from rich.text import Text


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    what: str
    is_well: bool
    detail: str


def doctor(config: ConfigOption = None, data_dir: DataDirOption = None) -> None:
    """Look at everything that a server needs: Python, folders, port, database, plugins, providers."""
    settings = read_settings(config=config, data_dir=data_dir)
    with progress("Looking ..."):
        findings = asyncio.run(_examine(settings))
    table = Table("", "what", "finding", box=None, pad_edge=False)
    for finding in findings:
        mark = "[green]ok[/]" if finding.is_well else "[red]problem[/]"
        table.add_row(mark, Text(finding.what), Text(finding.detail))
    console.print(table)
    problems = sum(not finding.is_well for finding in findings)
    if problems:
        raise typer.Exit(1)


async def _examine(settings: Settings) -> list[Finding]:
    findings = [_python(), _folder(settings.data_dir), _address(settings)]
    findings.append(await _looked_at("database", lambda: _database(settings)))
    if settings.nats_url is not None:
        findings.append(await _looked_at("broker", lambda: _broker(settings)))
    try:
        deployment = read_deployment(settings)
    except ConfigError as error:
        return [*findings, Finding("plugins.toml", is_well=False, detail=str(error))]
    if deployment.on_workers and not findings[-1].is_well:
        return findings  # it would be waited for, and told, once more
    return findings + await _deployment(settings, deployment)


def _python() -> Finding:
    is_well = sys.version_info >= (3, 11)
    return Finding("Python", is_well=is_well, detail=sys.version.split()[0])


def _folder(path: Path) -> Finding:
    nearest = next(folder for folder in (path, *path.parents) if folder.exists())
    if nearest.is_dir() and os.access(nearest, os.W_OK):
        return Finding("data folder", is_well=True, detail=str(path))
    return Finding(
        "data folder", is_well=False, detail=f"{path} cannot be written; set --data-dir or GLOTTIS_DATA_DIR"
    )


def _address(settings: Settings) -> Finding:
    try:
        bind(settings).close()
    except CannotServe as error:
        running = embedded_url(settings.data_dir) is not None
        hint = " (a server runs on this data folder)" if running else ""
        return Finding("address", is_well=running, detail=f"{error}{hint}")
    return Finding("address", is_well=True, detail=f"{settings.host}:{settings.port} is free")


async def _looked_at(what: str, examine: Callable[[], Awaitable[str]]) -> Finding:
    try:
        return Finding(what, is_well=True, detail=await examine())
    except (BrokerUnavailable, StoreError, CommandError) as error:
        return Finding(what, is_well=False, detail=told(error))


async def _database(settings: Settings) -> str:
    if settings.mongo_url is None and embedded_url(settings.data_dir) is not None:
        return "embedded MongoDB is running"
    async with open_store(settings) as store:
        await store.ping()
    return "embedded MongoDB starts" if settings.mongo_url is None else "MongoDB answers"


async def _broker(settings: Settings) -> str:
    async with broker_of(settings, name="glottis doctor"):
        return "NATS answers"


async def _deployment(settings: Settings, deployment: Deployment) -> list[Finding]:
    loaded = await asyncio.to_thread(read_plugins, settings, deployment)
    findings = [
        Finding(
            f"plugin {record.name}",
            is_well=record.state is PluginState.LOADED,
            detail=record.error or f"{record.distribution} {record.version}",
        )
        for record in loaded.records
        if record.name in deployment.enable
    ]
    try:
        async with open_engine(settings, deployment, loaded=loaded) as engine:
            findings += [await _instance(instance) for instance in engine.host.instances]
    except ConfigError as error:
        findings.append(Finding("plugins.toml", is_well=False, detail=str(error)))
    else:
        findings.append(Finding("plugins.toml", is_well=True, detail=str(settings.config)))
    finally:
        loaded.close()
    return findings


async def _instance(instance: ProviderInstance) -> Finding:
    what = f"{instance.kind} {instance.name}"
    if instance.provider is None or not instance.is_remote:
        is_well = instance.state is InstanceState.READY
        return Finding(what, is_well=is_well, detail=instance.error or "starts")
    try:
        await instance.provider.health()
    except ProviderError as error:
        return Finding(what, is_well=False, detail=f"{error.public_message}: start a `glottis worker`")
    return Finding(what, is_well=True, detail="runs on workers")
