"""`glottis plugins` and `glottis config`: what is installed, and whether plugins.toml is right."""

import json
import os
from typing import Annotated, Any

import typer
from glottis.api.cli.setup import (
    ConfigOption,
    console,
    read_deployment,
    read_plugins,
    read_settings,
    require_right,
)
from glottis.plugins.host import describe_plugins, plan_instances
from rich.table import Table
from rich.text import Text

plugins = typer.Typer(no_args_is_help=True, help="The plugins that are installed.")
config = typer.Typer(no_args_is_help=True, help="The deployment file.")
_COLOURS = {"loaded": "green", "failed": "red", "available": "dim"}


@plugins.command("list")
def list_plugins(
    config: ConfigOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="Everything, for a program.")] = False,
) -> None:
    """List the installed plugins: version, state, load time, what they offer, what went wrong."""
    settings = read_settings(config=config)
    deployment = read_deployment(settings)
    loaded = read_plugins(settings, deployment)
    try:
        described = describe_plugins(loaded.records, plan_instances(deployment, loaded, os.environ))
    finally:
        loaded.close()
    if as_json:
        typer.echo(json.dumps(described, ensure_ascii=False, indent=2))
        return
    table = Table("plugin", "version", "state", "load time", "offers", box=None, pad_edge=False)
    if deployment.on_workers:
        table.add_column("runs on workers")
    for plugin in described:
        offers = ", ".join(sorted({f"{spec['kind']} {spec['name']}" for spec in plugin["specs"]}))
        took = "" if plugin["load_time_ms"] is None else f"{plugin['load_time_ms']:.0f} ms"
        colour = _COLOURS.get(plugin["state"], "")
        table.add_row(
            Text(plugin["name"]),
            Text(f"{plugin['distribution']} {plugin['version']}"),
            Text(plugin["state"], style=colour),
            took,
            Text(offers or plugin["error"] or ""),
            *([Text(_on_workers(plugin))] if deployment.on_workers else ()),
        )
    console.print(table)
    console.print("'available' means installed but not enabled in plugins.toml", style="dim")


@config.command("check")
def check(config: ConfigOption = None) -> None:
    """Report every mistake in plugins.toml that can be told without starting the providers."""
    settings = read_settings(config=config)
    deployment = read_deployment(settings)
    require_right(deployment, settings)
    console.print(f"{settings.config}: ok", markup=False)
    if deployment.on_workers:
        told = ", ".join(f"{name} ({key})" for key, name in sorted(deployment.on_workers))
        console.print(f"on workers: {told}", markup=False, soft_wrap=True)


def _on_workers(plugin: dict[str, Any]) -> str:
    remote = [instance for instance in plugin["instances"] if instance["runs_on"] == "workers"]
    return ", ".join(sorted(f"{instance['kind']} {instance['name']}" for instance in remote))
