"""`glottis serve --workers`: several processes that are one server."""

import asyncio
import os
import signal
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosedError

from tests.program import VOICE, Program, Serving, end_of, until

STARTS, LIMIT = 500, 100


def workers_of(program: Program, server: Serving) -> set[int]:
    """Find the workers: they are `glottis serve` too, and get the socket from it."""
    return {
        pid
        for pid, command in program.processes().items()
        if "--worker-socket" in command and pid != server.pid
    }


async def start_one_after_another(client: httpx.AsyncClient, times: int) -> list[int]:
    body = {"project": "demo"}
    return [(await client.post(f"{VOICE}/session/start", json=body)).status_code for _ in range(times)]


async def test_two_processes_are_one_server(program: Program) -> None:
    async with program.serving("--workers", "2", VOICE_MAX_CONCURRENT_SESSIONS=str(LIMIT)) as server:
        assert len(workers_of(program, server)) == 2
        # Connections of their own, so that both processes are asked.
        async with httpx.AsyncClient(
            base_url=server.address, timeout=60, limits=httpx.Limits(max_keepalive_connections=0)
        ) as client:
            callers = (start_one_after_another(client, STARTS // 50) for _ in range(50))
            statuses = Counter(status for some in await asyncio.gather(*callers) for status in some)
            assert statuses == {201: LIMIT, 503: STARTS - LIMIT}
            for _ in range(10):
                metrics = (await client.get("/metrics")).text
                assert f"glottis_sessions_started_total {LIMIT:.1f}" in metrics
                assert f"glottis_sessions_refused_total {STARTS - LIMIT:.1f}" in metrics
        assert await server.end() == 0
        assert program.processes() == {}


@contextmanager
def held_up(pid: int) -> Iterator[None]:
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


async def start_elsewhere(server: Serving) -> int:
    """Start a session on a new connection, which any process may accept."""
    async with httpx.AsyncClient(base_url=server.address, timeout=60) as client:
        return (await client.post(f"{VOICE}/session/start", json={"project": "demo"})).status_code


async def test_each_of_two_processes_serves_while_the_other_is_held_up(program: Program) -> None:
    async with program.serving("--workers", "2") as server:
        for worker in workers_of(program, server):
            with held_up(worker):
                assert await start_elsewhere(server) == 201


async def test_ending_a_session_in_one_process_closes_its_websocket_in_the_other(program: Program) -> None:
    async with program.serving("--workers", "2") as server:
        one, other = workers_of(program, server)
        with held_up(one):
            session_id = (await server.start_session())["session_id"]
            socket = await connect(f"{server.address.replace('http', 'ws', 1)}{VOICE}/ws/{session_id}")
        async with socket:
            await socket.recv()
            with held_up(other):
                async with httpx.AsyncClient(base_url=server.address, timeout=60) as client:
                    ended = await client.delete(f"{VOICE}/session/{session_id}")
                assert ended.status_code == 204
            with pytest.raises(ConnectionClosedError):
                async with asyncio.timeout(30):
                    await socket.recv()
            assert socket.close_code == 4410


async def test_a_worker_that_is_killed_is_replaced(program: Program) -> None:
    async with program.serving("--workers", "2") as server:
        before = workers_of(program, server)
        killed = min(before)
        os.kill(killed, signal.SIGKILL)

        async def is_replaced() -> bool:
            return len(workers_of(program, server) - {killed}) == 2

        await until(is_replaced)
        (replacement,) = workers_of(program, server) - before
        (survivor,) = before - {killed}

        async def serves() -> bool:
            return replacement in [line["pid"] for line in server.log() if line["event"] == "serving"]

        await until(serves)
        with held_up(survivor):
            assert await start_elsewhere(server) == 201
        assert await server.end() == 0
        assert program.processes() == {}


async def test_no_worker_outlives_a_server_that_is_killed(program: Program) -> None:
    async with program.serving("--workers", "2") as server:
        left = program.processes()
        await server.end(signal.SIGKILL)
        await end_of(*left)
    async with program.serving("--workers", "2") as server:
        assert (await server.client.get("/readyz")).status_code == 200


async def test_workers_that_cannot_start_say_why_and_end_the_server(program: Program) -> None:
    program.deploy('enable = ["mock"]\n[providers.one]\nuse = "mock"\ndelay_s = "long"\n')
    refused = await program.run("serve", "--port", "0", "--workers", "2")
    assert (refused.status, refused.out) == (1, "")
    assert "plugins.toml:4" in refused.err
    assert "Traceback" not in refused.err
