"""A node is killed in mid-conversation, and its client finds another one."""

import asyncio
import json
import signal
from typing import Any

from websockets.asyncio.client import ClientConnection, connect

from tests.program import VOICE, Program, Serving


def socket_of(server: Serving, session_id: str) -> connect:
    return connect(f"{server.address.replace('http', 'ws', 1)}{VOICE}/ws/{session_id}")


async def until(socket: ClientConnection, kind: str) -> list[dict[str, Any]]:
    messages: list[dict[str, Any]] = [json.loads(await socket.recv())]
    while messages[-1]["type"] != kind:
        messages.append(json.loads(await socket.recv()))
    return messages


async def say(socket: ClientConnection, text: str) -> None:
    await socket.send(json.dumps({"type": "text_input", "text": text}))


async def test_the_answers_that_a_killed_node_had_given_are_given_again_by_another(
    program: Program, mongo_url: str, mongo_database: str
) -> None:
    shared = {"GLOTTIS_MONGO_URL": mongo_url, "GLOTTIS_MONGO_DATABASE": mongo_database}
    async with program.serving(**shared) as one, program.serving(**shared) as two:
        session_id = (await one.start_session(language="en-US"))["session_id"]
        async with socket_of(one, session_id) as socket:
            await say(socket, "one")
            await until(socket, "response")
            await say(socket, "two")
            first = await until(socket, "response")
            seen = first[0]["seq"]
        await one.end(signal.SIGKILL)
        async with asyncio.timeout(30), socket_of(two, session_id) as socket:
            await socket.send(json.dumps({"type": "start", "resume_from": seen}))
            missed = await until(socket, "resumed")
            await say(socket, "three")
            after = await until(socket, "response")
    assert [message["text"] for message in missed if message["type"] == "response"] == ["two"]
    assert after[-1]["text"] == "three"
    assert min(message["seq"] for message in missed + after) > seen
