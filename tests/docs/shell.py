"""Run the console blocks of a page as a reader would type them, and compare what they print."""

import asyncio
import json
import os
import re
import sys
from asyncio.subprocess import DEVNULL, PIPE, STDOUT
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from tests.docs.blocks import Block, blocks_of
from tests.program import OURS

WITHIN_S = 110.0


@dataclass(slots=True)
class Command:
    """A line after `$`, and the lines that stand below it: what it prints, `...` standing for anything."""

    block: Block
    line: str
    printed: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Example:
    """A console block, and the block right after it that shows what came of it."""

    commands: list[Command]
    shown: Block | None


def examples(page: Path, title: str | None = None) -> list[Example]:
    """List the console blocks of a title on a page."""
    found = list(blocks_of(page))
    listed = []
    for block, following in zip(found, [*found[1:], None], strict=True):
        if block.language == "console" and block.title == title:
            is_answer = following is not None and following.after and following.language in {"text", "json"}
            listed.append(Example(_commands(block), following if is_answer else None))
    return listed


def _commands(block: Block) -> list[Command]:
    commands: list[Command] = []
    for line in block.text.splitlines():
        if line.startswith("$ "):
            commands.append(Command(block, line.removeprefix("$ ")))
        else:
            commands[-1].printed.append(line)
    return commands


async def run(
    shown: Sequence[Example],
    *,
    folder: Path,
    instead: Mapping[str, str] = MappingProxyType({}),
    environment: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Run examples in one shell, in order, and check what each prints.

    `instead` maps what the page says, such as an address, to what is there in the test; `environment` is
    added to the shell's.
    """
    lines = [command.line for example in shown for command in example.commands]
    script = "".join(f"{{ {line}\n}} 2>&1\nprintf '\\0'\n" for line in lines)
    outputs = (await _bash(_replaced(script, instead), folder, environment)).split("\0")
    assert len(outputs) == len(lines) + 1, outputs
    back = {there: page for page, there in instead.items()}
    printed = iter([_replaced(output, back) for output in outputs])
    for example in shown:
        _check(example, [next(printed) for _ in example.commands])


async def _bash(script: str, folder: Path, environment: Mapping[str, str]) -> str:
    ours = Path(sys.executable).parent
    process = await asyncio.create_subprocess_exec(
        *("bash", "-c", script),
        cwd=folder,
        env={
            **{name: value for name, value in os.environ.items() if not name.startswith(OURS)},
            "PATH": f"{ours}{os.pathsep}{os.environ['PATH']}",
            "COLUMNS": "200",
            **environment,
        },
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=STDOUT,
    )
    try:
        async with asyncio.timeout(WITHIN_S):
            out, _ = await process.communicate()
    except BaseException:
        process.kill()
        await process.wait()
        raise
    return out.decode()


def _replaced(text: str, instead: Mapping[str, str]) -> str:
    for old, new in instead.items():
        text = text.replace(old, new)
    return text


def _check(example: Example, outputs: Sequence[str]) -> None:
    for command, output in zip(example.commands, outputs, strict=True):
        if command.printed:
            assert_printed(output, "\n".join(command.printed), command.block)
    if example.shown is not None and example.shown.language == "text":
        assert_printed("".join(outputs), example.shown.text, example.shown)
    elif example.shown is not None:
        assert_alike(json.loads(outputs[-1]), json.loads(example.shown.text), str(example.shown))


def assert_printed(output: str, shown: str, block: Block) -> None:
    """Compare line by line, whatever the spaces; `...` is anything."""
    pattern = re.escape(_plain(shown)).replace(re.escape("..."), ".*?")
    assert re.fullmatch(pattern, _plain(output), re.DOTALL), f"{block} shows\n{shown}\nand is\n{output}"


def _plain(text: str) -> str:
    return "\n".join(" ".join(line.split()) for line in text.strip().splitlines())


def assert_alike(real: Any, shown: Any, where: str, *, exactly: bool = True) -> None:
    """Compare JSON: the same keys and types, and the same words; numbers and ids may differ."""
    if isinstance(shown, dict) and isinstance(real, dict):
        assert real.keys() == shown.keys(), where
        for key in shown:
            assert_alike(real[key], shown[key], f"{where}: {key}", exactly=exactly)
    elif isinstance(shown, list) and isinstance(real, list):
        assert bool(real) == bool(shown), where
        is_whole = len(real) == len(shown)
        for number, item in enumerate(real):
            other = shown[number] if is_whole else shown[0]
            assert_alike(item, other, f"{where}[{number}]", exactly=exactly and is_whole)
    elif isinstance(shown, str) and isinstance(real, str):
        is_volatile = any(character.isdigit() for character in shown)
        assert is_volatile or not exactly or real == shown, where
    elif isinstance(shown, int | float) and not isinstance(shown, bool):
        assert isinstance(real, int | float), where
    else:
        assert real == shown, where
