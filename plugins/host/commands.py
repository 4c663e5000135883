"""Commands that plugins add to `glottis`."""

from typing import TYPE_CHECKING

import pluggy
from glottis.plugins.host.isolation import PluginFault
from glottis.plugins.host.registration import call_plain_hook

if TYPE_CHECKING:
    import typer


def add_commands(hook: pluggy.HookImpl, group: "typer.Typer") -> None:
    """Let a plugin add commands and groups of commands; all of them, or none if it fails.

    Raises:
        PluginFault: a name is taken.
    """
    import typer

    own = typer.Typer()
    call_plain_hook(hook, "glottis_register_commands", {"group": own})
    taken = _names(own) & _names(group)
    if taken:
        raise PluginFault(f"the command {', '.join(sorted(taken))} exists already")
    group.registered_commands += own.registered_commands
    group.registered_groups += own.registered_groups


def _names(group: "typer.Typer") -> set[str]:
    from typer.main import get_group

    # Building the whole group finds a command whose parameters cannot be understood, too.
    return set(get_group(group).commands)
