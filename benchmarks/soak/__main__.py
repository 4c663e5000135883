"""Have clients vanish, flood, stall, interrupt and resume for minutes; see whether the server is as before.

python -m benchmarks.soak [--minutes 10] [--warm-up SECONDS] [--seed N]
"""

import argparse
import asyncio
import os
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
from glottis.config import Settings
from glottis.core.store import embedded_mongo
from pymongo import AsyncMongoClient

from benchmarks.http.servers import Server, glottis
from benchmarks.machine import placement
from benchmarks.noop.plugin import ROOT, install
from benchmarks.noop.speech import spoken
from benchmarks.soak.clients import Soak, crowd
from benchmarks.soak.vitals import Vitals, settled, vitals_of

_CONFIG = ROOT / "benchmarks" / "noop" / "noop.toml"
_SETTINGS = {
    "WS_PING_INTERVAL": "1.5",
    "GLOTTIS_WS_RESUME_S": "2",
    "GLOTTIS_WS_SEND_TIMEOUT_S": "2",
    "GLOTTIS_AUDIO_MEMORY_BYTES": "4000000",  # full before the warm-up is over
    "GLOTTIS_AUDIO_CACHE_BYTES": "100000000",
}
_SETTLES_S = 45.0
_NOTE_S = 10.0
_TOLD = 5
_MOST_KINDS = 12


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__.partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--warm-up", type=float, help="seconds before the first look (a tenth, 15 at least)")
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


async def soak(minutes: float, warm_up_s: float, seed: int, tell: Callable[[str], None]) -> list[str]:
    """Return what is wrong afterwards."""
    cpus = placement(1)
    os.sched_setaffinity(0, cpus.asking)
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="glottis-soak-")))
        mongo_url = await stack.enter_async_context(embedded_mongo(Settings(data_dir=folder)))
        log = folder / "server.log"
        server = await stack.enter_async_context(
            glottis(
                mongo_url,
                "soak",
                workers=1,
                cpus=cpus.serving,
                folder=folder,
                config=_CONFIG,
                log=log,
                settings=_SETTINGS | {"PYTHONPATH": install(folder / "site")},
            )
        )
        mongo = await stack.enter_async_context(AsyncMongoClient[dict[str, Any]](mongo_url))
        client = await stack.enter_async_context(httpx.AsyncClient(base_url=server.address, timeout=60))
        wrong = await _soaked(server, client, mongo, minutes * 60, warm_up_s, seed, tell)
        return wrong + _complaints(log)


async def _soaked(
    server: Server,
    client: httpx.AsyncClient,
    mongo: AsyncMongoClient[dict[str, Any]],
    seconds: float,
    warm_up_s: float,
    seed: int,
    tell: Callable[[str], None],
) -> list[str]:
    (pid,) = server.pids
    chance = random.Random(seed)  # noqa: S311  # not for secrets
    websocket = server.address.replace("http", "ws", 1)
    (words,) = await spoken(["What time is it?"])

    async def run(duration_s: float) -> Soak:
        soak = Soak(client, websocket, words, asyncio.Event(), chance)
        crowding = asyncio.create_task(crowd(soak))
        loop = asyncio.get_running_loop()
        deadline = loop.time() + duration_s
        while (left := deadline - loop.time()) > 0 and not crowding.done():
            await asyncio.wait({crowding}, timeout=min(left, _NOTE_S))
            tell(_line(f"{duration_s - left:5.0f} s", await vitals_of(pid, client, mongo)))
        soak.stop.set()
        await crowding
        return soak

    await run(warm_up_s)
    before = await settled(pid, client, mongo, within_s=_SETTLES_S)
    tell(_line("before ", before))
    objects = await _objects(client)
    soak = await run(seconds)
    after = await settled(pid, client, mongo, within_s=_SETTLES_S, before=before)
    tell(_line("after  ", after))
    tell(f"done: {dict(soak.done)}")
    more = await _objects(client) - objects
    tell(f"objects of which there are more: {dict(more.most_common(_MOST_KINDS))}")
    excess = after.excess(before)
    if after.tasks - before.tasks:
        stacks = (await client.get("/api/v1/probe/stacks")).raise_for_status().json()
        excess += [f"{name} waits in {where}" for name, where in stacks.items()]
    return excess + soak.wrong[:_TOLD]


async def _objects(client: httpx.AsyncClient) -> Counter[str]:
    return Counter((await client.get("/api/v1/probe/objects")).raise_for_status().json())


def _line(when: str, vitals: Vitals) -> str:
    return (
        f"{when}: {vitals.memory_mb:.0f} MB, {vitals.tasks.total()} tasks, {vitals.threads.total()} threads, "
        f"{vitals.handles} handles, {vitals.connections} connections to MongoDB"
    )


def _complaints(log: Path) -> list[str]:
    """Give what the server's log has of errors."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    return [f"log: {line}" for line in lines if "error" in line.lower() or "Traceback" in line][:_TOLD]


def main() -> int:
    """Return 1 if anything is left over, or went wrong."""
    given = _arguments()
    warm_up_s = max(15.0, 6.0 * given.minutes) if given.warm_up is None else given.warm_up
    wrong = asyncio.run(soak(given.minutes, warm_up_s, given.seed, lambda line: print(line, flush=True)))
    for sentence in wrong:
        print(f"WRONG: {sentence}")
    print("something is left over" if wrong else "everything is as it was")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
