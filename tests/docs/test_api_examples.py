"""Every example of api.md is run against a server of the mock provider."""

from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.api.conftest import Serve, Server
from tests.docs.blocks import DOCS, ROOT, blocks_of, titled
from tests.docs.shell import Example, examples, run

pytestmark = pytest.mark.slow

API = DOCS / "api.md"
SHOWN_ADDRESS = "127.0.0.1:8080"


@pytest.fixture
async def server(serve: Serve) -> AsyncIterator[Server]:
    """The server that the page talks to."""
    async with serve(titled(API, "plugins.toml")) as running:
        yield running


async def run_against(server: Server, shown: list[Example], folder: Path) -> None:
    assert shown
    await run(shown, folder=folder, instead={SHOWN_ADDRESS: urlsplit(server.address).netloc})


async def test_the_examples_answer_as_they_say(server: Server, tmp_path: Path) -> None:
    await run_against(server, examples(API), tmp_path)


async def test_the_examples_with_a_password_answer_as_they_say(serve: Serve, tmp_path: Path) -> None:
    setting_out, with_users = examples(API)[0], examples(API, "with users")
    setting_out.commands = setting_out.commands[:1]
    assert setting_out.commands[0].line.startswith("VOICE=")
    async with serve(users={"alice": ("demo",)}) as server:
        await run_against(server, [setting_out, *with_users], tmp_path)


async def test_what_the_readme_asks_a_server_is_answered(server: Server, tmp_path: Path) -> None:
    asked = examples(ROOT / "README.md")
    for example in asked:
        example.commands = [command for command in example.commands if command.line.startswith("curl ")]
        for command in example.commands:
            command.line += " --fail --output /dev/null && echo done"
            command.printed = ["done"]
    assert sum(len(example.commands) for example in asked) == 1
    await run(asked, folder=tmp_path, instead={"localhost:8080": urlsplit(server.address).netloc})


def test_no_console_block_of_the_page_is_left_out() -> None:
    assert {block.title for block in blocks_of(API) if block.language == "console"} == {None, "with users"}
