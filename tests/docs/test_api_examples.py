"""Every example of api.md is run against a server of the mock provider."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from glottis.api.websocket.messages import TYPES, parse

from tests.api.conftest import VOICE, Serve, Server
from tests.docs.blocks import DOCS, ROOT, blocks_of, titled
from tests.docs.shell import Example, examples, run

pytestmark = pytest.mark.slow

API = DOCS / "api.md"
SHOWN_ADDRESS = "127.0.0.1:8080"
CLIENT, SERVER = (titled(API, title).splitlines() for title in ("client", "server"))


@pytest.fixture
async def server(serve: Serve) -> AsyncIterator[Server]:
    """The server that the page talks to."""
    async with serve(titled(API, "plugins.toml")) as running:
        yield running


async def run_against(server: Server, shown: list[Example], folder: Path) -> None:
    assert shown
    await run(shown, folder=folder, instead={SHOWN_ADDRESS: urlsplit(server.address).netloc})


async def test_the_examples_answer_as_they_say(server: Server, tmp_path: Path) -> None:
    (tmp_path / "talk.py").write_text(titled(API, "talk.py"), encoding="utf-8")
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


@pytest.mark.parametrize("line", CLIENT)
def test_every_message_of_a_client_is_accepted(line: str) -> None:
    assert parse(line).type == json.loads(line)["type"]


def test_every_type_of_message_of_a_client_is_shown() -> None:
    assert [json.loads(line)["type"] for line in CLIENT] == list(TYPES)


async def test_every_message_of_the_server_is_as_shown(server: Server) -> None:
    received = await conversation(server)
    shown = [json.loads(line) for line in SERVER]
    assert {message["type"] for message in shown} == {message["type"] for message in received}
    for message in shown:
        alike = [other for other in received if other["type"] == message["type"]]
        assert list(message) in [list(other) for other in alike], message
        if "status" in message:
            assert (message["status"], message["message"]) in [
                (other["status"], other["message"]) for other in alike
            ]


async def conversation(server: Server) -> list[dict[str, Any]]:
    """Send each message that the page shows, with real audio, and return all that comes back."""
    body = {"text": "Show me the prices", "language": "en-US"}
    spoken = (await server.client.post(f"{VOICE}/synthesize", json=body)).json()
    audio = (await server.client.get(spoken["audio_url"])).content
    session_id = (await server.start_session(language="en-US"))["session_id"]
    received: list[dict[str, Any]] = []
    async with server.websocket(session_id) as socket:

        async def until(key: str, value: str) -> None:
            while not received or received[-1].get(key) != value:
                received.append(json.loads(await socket.recv()))

        await until("status", "listening")
        for line in (*CLIENT[1:], '{"type": "dance"}'):
            await socket.send(line)
            kind = json.loads(line)["type"]
            awaited = {"text_input": "response", "ping": "pong", "dance": "error"}.get(kind, "status")
            await until("type", awaited)
            if kind in {"text_input", "navigation_command"}:
                received.append(json.loads(await socket.recv()))
        await socket.send(audio)
        await socket.send('{"type": "audio_chunk", "data": "", "is_final": true}')
        await until("type", "response")
    return received


async def test_a_message_that_is_much_too_large_closes_with_1009(serve: Serve) -> None:
    async with serve(ws_max_message_bytes=1024) as server:
        session_id = (await server.start_session())["session_id"]
        async with server.websocket(session_id) as socket:
            await socket.send(bytes(10_000))
            await socket.wait_closed()
            assert socket.close_code == 1009


def test_no_console_block_of_the_page_is_left_out() -> None:
    assert {block.title for block in blocks_of(API) if block.language == "console"} == {None, "with users"}
