"""Processes are killed under load: nothing acknowledged is lost, and nobody has to repair anything."""

import asyncio
import contextlib
import os
import signal
from pathlib import Path

import httpx

from tests.program import VOICE, Program, Serving, end_of, until

DETAIL = "the database does not answer; try again in a moment"
PASSWORD = "correct horse"
CALLERS = 8
MANY = {"VOICE_MAX_CONCURRENT_SESSIONS": "1000000"}


class Caller:
    """Opens sessions and talks in them, and remembers what the server acknowledged."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client
        self.acknowledged: dict[str, list[str]] = {}
        self.refused = 0

    async def call(self, enough: asyncio.Event) -> None:
        while not enough.is_set():
            session = await self._post("session/start", 201, {"project": "demo"})
            if session is None:
                continue
            said = self.acknowledged.setdefault(session["session_id"], [])
            for text in ("one", "two"):
                body = {"project": "demo", "session_id": session["session_id"], "text": text}
                if await self._post("dialog/respond", 202, body) is not None:
                    said.append(text)

    async def _post(self, path: str, success: int, body: dict[str, str]) -> dict[str, str] | None:
        response = await self._client.post(f"{VOICE}/{path}", json=body)
        if response.status_code == success:
            answer: dict[str, str] = response.json()
            return answer
        assert (response.status_code, response.json()) == (503, {"detail": DETAIL})
        assert int(response.headers["Retry-After"]) >= 1
        self.refused += 1
        return None


async def history_of(client: httpx.AsyncClient, session_id: str) -> list[str]:
    """What a user said in a session."""
    answer = await client.get(f"{VOICE}/session/{session_id}/history")
    assert answer.status_code == 200, answer.text
    items = answer.json()["items"]
    for asked, answered in zip(items[::2], items[1::2], strict=True):
        assert (asked["type"], answered["type"]) == ("user", "assistant")
    return [item["content"]["text"] for item in items[::2]]


async def test_killing_mongod_under_load_loses_nothing_that_was_acknowledged(program: Program) -> None:
    await program.run("users", "add", "alice", typed=PASSWORD)
    async with program.serving(**MANY) as server:
        client = server.client
        client.auth = httpx.BasicAuth("alice", PASSWORD)
        callers = [Caller(client) for _ in range(CALLERS)]
        enough = asyncio.Event()

        async def is_ready() -> bool:
            return (await client.get("/readyz")).status_code == 200

        async def have_more_been_answered(than: int) -> bool:
            return answered(callers) > than

        async with asyncio.TaskGroup() as tasks:
            for caller in callers:
                tasks.create_task(caller.call(enough))
            for _ in range(2):
                before = answered(callers)
                await until(lambda before=before: have_more_been_answered(before + CALLERS))  # type: ignore[misc]
                await kill_mongod_until_somebody_notices(program, callers)
                assert (await client.get("/healthz")).status_code == 200
                await until(is_ready)
            before = answered(callers)
            await until(lambda: have_more_been_answered(before + CALLERS))
            enough.set()
        assert server.process.returncode is None
        for caller in callers:
            for session_id, said in caller.acknowledged.items():
                assert (await client.get(f"{VOICE}/session/{session_id}")).status_code == 200
                kept = await history_of(client, session_id)
                # What was not acknowledged may have been kept all the same.
                assert [text for text in kept if text in said] == said
        assert await server.end() == 0


async def kill_mongod_until_somebody_notices(program: Program, callers: list[Caller]) -> None:
    """Kill it as often as it comes back: once is over before anybody has to be refused."""
    before = refused(callers)

    async def kill_it() -> bool:
        for mongod in program.mongods():
            os.kill(mongod, signal.SIGKILL)
            await end_of(mongod)
        return refused(callers) > before

    await until(kill_it)


def refused(callers: list[Caller]) -> int:
    return sum(caller.refused for caller in callers)


def answered(callers: list[Caller]) -> int:
    return sum(len(caller.acknowledged) for caller in callers)


def states_of(pid: int) -> set[str]:
    """Read the states of a process's threads, as the kernel writes them; one that ends meanwhile has none."""
    states = set()
    for stat in Path(f"/proc/{pid}/task").glob("*/stat"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            states.add(stat.read_text("ascii").rpartition(") ")[2][0])
    return states


async def has_stopped(pid: int) -> bool:
    """Tell whether every thread of a process stands still."""
    return await asyncio.to_thread(states_of, pid) == {"T"}


async def test_while_the_database_is_away_every_route_says_so_and_none_crashes(program: Program) -> None:
    async with program.serving() as server:
        client = server.client
        session = await server.start_session()
        path = f"{VOICE}/session/{session['session_id']}"
        spoken = await client.post(f"{VOICE}/synthesize", json={"text": "before"})
        mongod = program.mongod()
        os.kill(mongod, signal.SIGSTOP)
        await until(lambda: has_stopped(mongod))  # the signal takes a moment to reach every thread
        try:
            said = {"project": "demo", "session_id": session["session_id"], "text": "hello"}
            answers = await asyncio.gather(
                client.post(f"{VOICE}/session/start", json={"project": "demo"}),
                client.get(path),
                client.get(f"{path}/history"),
                client.delete(path),
                client.post(f"{VOICE}/dialog/respond", json=said),
                client.post(f"{VOICE}/synthesize", json={"text": "new"}),
                client.get(f"{VOICE}/audio/{'0' * 32}"),
                client.get(f"{VOICE}/analytics/project/demo"),
                client.get("/readyz"),
            )
            for answer in answers:
                assert (answer.status_code, answer.json()) == (503, {"detail": DETAIL}), answer.url
            for is_fine in (
                client.get("/healthz"),
                client.post(f"{VOICE}/recognize", json={"text_hint": "hello"}),
                client.post(f"{VOICE}/dialog/intent", json={"text": "hello", "project": "demo"}),
                client.get(spoken.json()["audio_url"]),
                client.get("/metrics"),
            ):
                answer = await is_fine
                assert answer.status_code == 200, answer.url
        finally:
            os.kill(mongod, signal.SIGCONT)

        async def is_ready() -> bool:
            return (await client.get("/readyz")).status_code == 200

        await until(is_ready)
        assert (await client.get(f"{path}/history")).status_code == 200


async def test_a_server_that_is_killed_leaves_nothing_behind_and_starts_again(program: Program) -> None:
    async with program.serving() as server:
        session = await server.start_session()
        left = program.processes()
        assert len(left) == 2
        await server.end(signal.SIGKILL)
        await end_of(*left)
    async with program.serving() as server:
        path = f"{VOICE}/session/{session['session_id']}"
        assert (await server.client.get(path)).status_code == 200
        await talk(server)


async def talk(server: Serving) -> None:
    session = await server.start_session()
    said = {"project": "demo", "session_id": session["session_id"], "text": "hello"}
    assert (await server.client.post(f"{VOICE}/dialog/respond", json=said)).status_code == 202
