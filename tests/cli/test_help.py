"""What the command line tells of itself."""

import re
from importlib.metadata import version

import pytest
from glottis.api.cli.main import build
from typer.testing import CliRunner

from tests.program import Program

COMMANDS = ("serve", "say", "hear", "ask", "plugins", "users", "config", "doctor", "demo", "talk", "train")
GROUPS = {"plugins": ("list",), "users": ("add", "list", "remove"), "config": ("check",)}


async def test_the_version_is_that_of_the_distribution(program: Program) -> None:
    told = await program.run("--version")
    assert (told.status, told.out, told.err) == (0, f"{version('glottis')}\n", "")


async def test_a_misspelt_command_is_named(program: Program) -> None:
    refused = await program.run("srve")
    assert (refused.status, refused.out) == (2, "")
    assert "srve" in refused.err
    assert "Traceback" not in refused.err


@pytest.mark.parametrize(("arguments", "status"), [(["--help"], 0), ([], 2)])
def test_the_help_names_every_command_with_what_it_does(arguments: list[str], status: int) -> None:
    helped = CliRunner().invoke(build(), arguments)
    assert helped.exit_code == status
    for command in COMMANDS:
        assert re.search(rf"\b{command}\b +\w+", helped.output), command


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str) -> None:
    helped = CliRunner().invoke(build(), [command, "--help"])
    assert helped.exit_code == 0
    assert "worker-socket" not in helped.output
    for inner in GROUPS.get(command, ()):
        assert re.search(rf"\b{inner}\b +\w+", helped.output), inner


@pytest.mark.parametrize("arguments", [["users", "ad"], ["serve", "--prot", "1"], ["say"]])
def test_what_no_command_takes_is_refused(arguments: list[str]) -> None:
    refused = CliRunner().invoke(build(), arguments)
    assert refused.exit_code == 2
    assert "Usage:" in refused.output
