"""What a server holds: memory, file handles, threads, tasks, connections to MongoDB."""

import asyncio
import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from pymongo import AsyncMongoClient

_PAGE = os.sysconf("SC_PAGE_SIZE")
_LOOK_S = 0.5
_SPARE_SHARE, _SPARE_MB = 0.15, 30.0
"""How much more memory is no leak: what is freed is not all given back."""
_SPARE_HANDLES = 3
_SPARE_CONNECTIONS = 5
"""The driver keeps as many as it needed at once; a few more are chance."""


@dataclass(frozen=True, slots=True)
class Vitals:
    """`tasks` and `threads` are counted by name; `handles` are open files and sockets."""

    memory_mb: float
    handles: int
    threads: Counter[str]
    tasks: Counter[str]
    connections: int

    def excess(self, before: "Vitals") -> list[str]:
        """Tell what is there that was not there before."""
        found = []
        allowed_mb = before.memory_mb + max(_SPARE_MB, _SPARE_SHARE * before.memory_mb)
        if self.memory_mb > allowed_mb:
            found.append(f"memory: {self.memory_mb:.0f} MB, was {before.memory_mb:.0f}")
        if self.handles > before.handles + _SPARE_HANDLES + max(0, self.connections - before.connections):
            found.append(f"file handles: {self.handles}, were {before.handles}")
        if self.connections > before.connections + _SPARE_CONNECTIONS:
            found.append(f"connections to MongoDB: {self.connections}, were {before.connections}")
        for what, mine, theirs in (
            ("tasks", self.tasks, before.tasks),
            ("threads", _lasting(self.threads), _lasting(before.threads)),
        ):
            if more := mine - theirs:
                found.append(f"{what}: {dict(more)} more than before")
        return found


def _lasting(threads: Counter[str]) -> Counter[str]:
    """Leave out the workers of thread pools: these come as they are needed, up to a limit, and stay."""
    return Counter({name: n for name, n in threads.items() if not name.rpartition("_")[2].isdecimal()})


def _memory_mb(pid: int) -> float:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE / 1e6


async def vitals_of(pid: int, client: httpx.AsyncClient, mongo: AsyncMongoClient[dict[str, Any]]) -> Vitals:
    probe = (await client.get("/api/v1/probe")).raise_for_status().json()
    status = await mongo.admin.command("serverStatus")
    return Vitals(
        memory_mb=_memory_mb(pid),
        handles=len(os.listdir(f"/proc/{pid}/fd")),  # noqa: PTH208  # a count, not paths
        threads=Counter(probe["threads"]),
        tasks=Counter(probe["tasks"]),
        connections=int(status["connections"]["current"]),
    )


async def settled(
    pid: int,
    client: httpx.AsyncClient,
    mongo: AsyncMongoClient[dict[str, Any]],
    *,
    within_s: float,
    before: Vitals | None = None,
) -> Vitals:
    """Wait until nothing is left over from `before`, or until nothing changes; give what there is then."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + within_s
    seen = await vitals_of(pid, client, mongo)
    while loop.time() < deadline:
        await asyncio.sleep(_LOOK_S)
        last, seen = seen, await vitals_of(pid, client, mongo)
        if before is not None and not seen.excess(before):
            break
        if before is None and seen.tasks == last.tasks and seen.handles == last.handles and _is_calm(seen):
            break
    return seen


def _is_calm(vitals: Vitals) -> bool:
    """Tell whether no connection of a client, and no conversation, is left."""
    return not any("Conversation" in name or "Channel" in name or "Hearing" in name for name in vitals.tasks)
