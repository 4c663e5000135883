"""The console blocks about the command line do what they show."""

import re
import shlex
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from glottis.api.cli.main import build
from typer.main import get_command

from tests.docs.blocks import DOCS, ROOT, Block, blocks, titled
from tests.docs.shell import examples, run
from tests.program import Program

SHOWN_ADDRESS = {"127.0.0.1:8080": "127.0.0.1:0"}
CONFIGURATION, OPERATIONS = DOCS / "configuration.md", DOCS / "operations.md"
RUN_BY = {None, "with users", "while a server runs"}
BY_HAND = "by hand"


@pytest.fixture
async def program(tmp_path: Path) -> AsyncIterator[Program]:
    """A folder with the mock provider; at the end nothing of it runs."""
    made = Program(tmp_path / "here")
    yield made
    assert made.processes() == {}


@pytest.mark.slow
async def test_mistakes_are_told_as_the_configuration_shows(program: Program) -> None:
    for name in ("mistakes.toml", "shape.toml"):
        (program.folder / name).write_text(titled(CONFIGURATION, name), encoding="utf-8")
    await run(examples(CONFIGURATION), folder=program.folder)


@pytest.mark.slow
async def test_the_commands_of_an_operator_do_what_they_show(program: Program) -> None:
    environment = {"GLOTTIS_PORT": "0", "GLOTTIS_DATA_DIR": str(program.data)}
    await run(examples(OPERATIONS), folder=program.folder, instead=SHOWN_ADDRESS, environment=environment)


@pytest.mark.slow
async def test_a_second_server_is_refused_as_shown(program: Program) -> None:
    environment = {"GLOTTIS_DATA_DIR": str(program.data)}
    async with program.serving():
        await run(examples(OPERATIONS, "while a server runs"), folder=program.folder, environment=environment)


def test_every_console_block_is_run_or_says_that_it_is_not() -> None:
    known = RUN_BY | {BY_HAND}
    assert {block.title for block in blocks("console")} <= known


def commands_in(block: Block) -> list[list[str]]:
    """Find each call of `glottis` in a block, as words from the name of the command on."""
    calls = []
    for line in block.text.splitlines():
        if line.startswith("$ ") and re.search(r"\bglottis ", line):
            for part in re.split(r"\||&&", line.removeprefix("$ ")):
                words = shlex.split(part, comments=True)
                places = [number for number, word in enumerate(words) if Path(word).name == "glottis"]
                # `docker compose run glottis users ...` names the service, which is the command.
                calls += [words[places[0] + 1 :]] if places else []
    return calls


@pytest.mark.parametrize("block", blocks("console"), ids=str)
def test_every_command_and_option_in_a_block_exists(block: Block) -> None:
    for words in commands_in(block):
        command: Any = get_command(build())
        rest = list(words)
        while hasattr(command, "commands"):
            name = rest.pop(0)
            assert name in command.commands, words
            command = command.commands[name]
        options = {option for parameter in command.params for option in parameter.opts}
        given = {word.partition("=")[0] for word in rest if word.startswith("-")}
        assert given <= options, words


@pytest.mark.parametrize("block", blocks("console"), ids=str)
def test_every_target_of_make_in_a_block_exists(block: Block) -> None:
    targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    for line in block.text.splitlines():
        if line.startswith("$ make "):
            assert line.split()[2] in targets, line
