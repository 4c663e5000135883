"""`glottis serve`: how it starts, how it ends, and what it says when it cannot."""

import asyncio
import json
import os
import signal
import socket
from contextlib import suppress
from pathlib import Path

import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.program import VOICE, Program, end_of, until

from .conftest import Door


async def test_it_tells_its_address_serves_and_ends_cleanly(program: Program) -> None:
    async with program.serving() as server:
        assert (await server.client.get("/readyz")).status_code == 200
        await server.start_session()
        mongod = program.mongod()
        assert await server.end() == 0
        await end_of(mongod)
        assert [line["event"] for line in server.log()] == ["serving", "draining", "stopped"]
    async with program.serving() as server:
        analytics = await server.client.get(f"{VOICE}/analytics/project/demo")
        assert analytics.json()["sessions_total"] == 1
        assert await server.end(signal.SIGINT) == 0


@pytest.mark.parametrize("workers", ["1", "2"])
async def test_ctrl_c_in_a_terminal_ends_it_cleanly(program: Program, workers: str) -> None:
    async with program.serving("--workers", workers) as server:
        left = program.processes()
        await server.start_session()
        assert await server.press_ctrl_c() == 0
        await end_of(*left)
        events = [line["event"] for line in server.log()]
        assert events.count("stopped") == int(workers)
        assert set(events) == {"serving", "draining", "stopped"}


@pytest.mark.parametrize("workers", ["1", "2"])
async def test_it_obeys_while_it_is_still_starting(
    program: Program, elsewhere: Path, door: Door, workers: str
) -> None:
    program.deploy(
        'enable = ["porter"]\n[routes]\nsynthesize = ["slow"]\n'
        f'[providers.slow]\nuse = "porter"\ndoor = "{door.path}"\nwarms_up = true\n'
    )
    starting = asyncio.create_task(
        program.run("serve", "--port", "0", "--workers", workers, PYTHONPATH=str(elsewhere))
    )
    await door.until_somebody_waits()
    commands = program.processes().items()
    (server,) = (pid for pid, line in commands if " serve " in line and "--worker-socket" not in line)
    os.kill(server, signal.SIGTERM)
    ended = await starting
    door.opened.set()
    assert ended.status == 0, ended.printed
    assert "listening" not in ended.printed


async def test_what_runs_is_finished_before_it_ends(program: Program, elsewhere: Path, door: Door) -> None:
    program.deploy(
        'enable = ["mock", "porter"]\n[routes]\nsynthesize = ["slow"]\nintents = ["mock"]\n'
        f'[providers.slow]\nuse = "porter"\ndoor = "{door.path}"\n[projects.demo]\n'
    )
    async with program.serving(PYTHONPATH=str(elsewhere)) as server:
        session = await server.start_session()
        url = server.address.replace("http", "ws", 1) + f"{VOICE}/ws/{session['session_id']}"
        async with connect(url) as websocket:
            await websocket.send(json.dumps({"type": "text_input", "text": "hello"}))
            await door.until_somebody_waits()
            speaking = asyncio.create_task(
                server.client.post(f"{VOICE}/synthesize", json={"text": "to the end"})
            )
            await door.until_somebody_waits()
            server.process.send_signal(signal.SIGTERM)
            await until(lambda: logged(server.log(), "draining"))
            door.opened.set()
            kinds, close = await rest_of(websocket)
        assert "response" in kinds
        assert close == 1012
        assert (await speaking).status_code == 202
        assert await server.end() == 0


async def logged(log: list[dict[str, str]], event: str) -> bool:
    return event in [line["event"] for line in log]


async def rest_of(websocket: ClientConnection) -> tuple[list[str], int | None]:
    """Receive until the server closes: the types of the messages, and the close code."""
    kinds = []
    with suppress(ConnectionClosed):
        async for message in websocket:
            kinds.append(json.loads(message)["type"])  # noqa: PERF401 - kept when it is closed
    return kinds, websocket.close_code


async def test_a_second_start_on_a_data_folder_says_who_is_there(program: Program) -> None:
    async with program.serving() as server:
        second = await program.run("serve", "--port", "0")
        assert (second.status, second.out) == (1, "")
        for hint in (str(program.data), f"process {server.pid}", "--data-dir", "GLOTTIS_MONGO_URL"):
            assert hint in second.err
        assert (await server.client.get("/readyz")).status_code == 200


async def test_a_port_that_is_taken_is_named_with_what_to_do(program: Program) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refused = await program.run("serve", "--port", str(port))
    assert (refused.status, refused.out) == (1, "")
    assert f"127.0.0.1:{port}: Address already in use" in refused.err
    assert "--port" in refused.err


async def test_without_users_it_listens_on_loopback_alone(program: Program) -> None:
    for options in ([], ["--workers", "2"]):
        refused = await program.run("serve", "--port", "0", "--host", "0.0.0.0", *options)  # noqa: S104 - meant
        assert (refused.status, refused.out) == (1, "")
        assert "glottis users add" in refused.err
        assert "127.0.0.1" in refused.err
    added = await program.run("users", "add", "alice", typed="correct horse\n")
    assert added.status == 0
    async with program.serving("--host", "0.0.0.0") as server:  # noqa: S104 - meant
        client = server.client
        client.base_url = server.address.replace("0.0.0.0", "127.0.0.1")  # noqa: S104 - meant
        assert (await client.get("/api/v1/plugins")).status_code == 401
        assert (await client.get("/api/v1/plugins", auth=("alice", "correct horse"))).status_code == 200


MISSHAPEN = """\
enable = ["mock"]
[providers.one]
use = "mock"
fail_with = "${NO_SUCH_NAME}"
[routes]
speak = ["one"]
[projects.demo]
greting = "Hello"
"""
MISTAKEN = """\
enable = ["mock", "mokc"]
[providers.one]
use = "mock"
delay_s = "long"
colour = "red"
[routes]
synthesize = ["one", "mokk"]
"""


@pytest.mark.parametrize(
    ("toml", "mistakes"),
    [
        (MISSHAPEN, {4: "NO_SUCH_NAME", 6: "accepted: intents,", 8: 'did you mean "greeting"?'}),
        (MISTAKEN, {1: 'did you mean "mock"?', 4: "number", 5: "delay_s", 7: 'did you mean "mock"?'}),
    ],
)
async def test_every_mistake_in_plugins_toml_is_told_at_once(
    program: Program, toml: str, mistakes: dict[int, str]
) -> None:
    program.deploy(toml)
    for command in (["config", "check"], ["serve", "--port", "0"]):
        refused = await program.run(*command)
        assert (refused.status, refused.out) == (1, "")
        told = refused.err.removeprefix("error: ").splitlines()
        assert len(told) == len(mistakes)
        for line, (number, what) in zip(told, mistakes.items(), strict=True):
            assert line.startswith(f"plugins.toml:{number}: ")
            assert what in line


async def test_a_plugins_toml_that_is_not_there_is_named(program: Program) -> None:
    refused = await program.run("serve", "--config", "nothing.toml")
    assert (refused.status, refused.out) == (1, "")
    assert "nothing.toml" in refused.err
    assert "Traceback" not in refused.err


async def test_every_wrong_setting_is_named_by_its_environment_variable(program: Program) -> None:
    wrong = {
        "GLOTTIS_PORT": "many",
        "GLOTTIS_LOG_LEVEL": "loud",
        "VOICE_MAX_CONCURRENT_SESSIONS": "0",
        "VOICE_SESSION_TIMEOUT": "soon",
        "WS_MAX_CONNECTIONS": "-1",
        "GLOTTIS_TRUSTED_PROXIES": "everybody",
    }
    refused = await program.run("serve", **wrong)
    assert (refused.status, refused.out) == (1, "")
    assert "Traceback" not in refused.err
    for name in wrong:
        assert name in refused.err
