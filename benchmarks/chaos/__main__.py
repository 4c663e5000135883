"""Train voices while a process that trains is killed every second; see whether anything is lost or doubled.

python -m benchmarks.chaos [--engine nats|embedded] [--jobs 50] [--workers 3] [--every 1.0]
    [--everything] [--seed N]
"""

import argparse
import asyncio
import sys
import tempfile
import time
import tomllib
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any

import httpx
from glottis.config import Settings
from glottis.core.audio import encode_clip
from glottis.core.store import embedded_mongo
from glottis.plugins import AudioFrame
from pymongo import AsyncMongoClient
from pymongo.errors import PyMongoError
from rich.console import Console

from benchmarks.chaos.figures import Database, Figures, figures_of, print_figures
from benchmarks.chaos.places import Chaos, Nats, Place, kill_mongod, until_all_are_ready
from benchmarks.http.servers import VOICE, glottis
from benchmarks.machine import placement
from benchmarks.noop.speech import RATE_HZ, spoken

_CONFIG = Path(__file__).with_name("chaos.toml")
_DATABASE = "chaos"
_LEASE_S = 1
_LOOK_S = 0.1
_TEXTS = (
    "The quick brown fox jumps over the lazy dog.",
    "She sells sea shells by the sea shore.",
    "Peter Piper picked a peck of pickled peppers.",
)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.chaos", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("--engine", choices=["nats", "embedded"], default="nats")
    parser.add_argument("--jobs", type=int, default=50)
    parser.add_argument("--workers", type=int, default=3, help="processes that train")
    parser.add_argument("--every", type=float, default=1.0, help="seconds between two kills")
    parser.add_argument("--within", type=float, default=600.0, help="seconds after which a job is lost")
    parser.add_argument(
        "--everything",
        action="store_true",
        help="kill MongoDB and NATS, too: one of them at every tenth time",
    )
    parser.add_argument("--seed", type=int, default=1)
    return parser.parse_args()


async def chaos(given: argparse.Namespace) -> Figures:
    """Queue the jobs, rage until they are over, and count."""
    silence = bytes(RATE_HZ)  # half a second: without it nobody can tell how noisy a recording is
    recordings = [
        encode_clip(AudioFrame(silence + pcm + silence, RATE_HZ), "wav") for pcm in await spoken(_TEXTS)
    ]
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="glottis-chaos-")))
        mongo_url = await stack.enter_async_context(embedded_mongo(Settings(data_dir=folder)))
        shared = {
            "GLOTTIS_MONGO_URL": mongo_url,
            "GLOTTIS_MONGO_DATABASE": _DATABASE,
            "GLOTTIS_JOB_LEASE_S": str(_LEASE_S),
        }
        mongo = await stack.enter_async_context(AsyncMongoClient[dict[str, Any]](mongo_url))
        others: list[Callable[[], Awaitable[None]]] = [partial(kill_mongod, mongo)]
        command, idle = ["serve", "--port", "0"], {"GLOTTIS_TRAINING_SLOTS": "0"}
        if given.engine == "nats":
            broker = Nats(folder)
            await stack.enter_async_context(broker.running())
            shared["GLOTTIS_NATS_URL"] = broker.url
            others.append(broker.restart)
            command, idle = ["worker", "--kinds", "train"], {}
        client = await stack.enter_async_context(_asking(mongo_url, folder, shared | idle))
        projects = [f"project-{number}" for number in range(given.jobs)]
        for project in projects:
            await _upload(client, project, recordings)
        places = [Place(folder / f"place-{number}", command, shared) for number in range(given.workers)]
        for place in places:
            await stack.enter_async_context(place.running())
        await until_all_are_ready(places)
        raging = Chaos(
            places, every_s=given.every, seed=given.seed, others=others if given.everything else ()
        )
        started = time.monotonic()
        async with raging.raging():
            jobs = [await _begin(client, project) for project in projects]
            await _until_over(mongo[_DATABASE], started + given.within)
        wall_s = time.monotonic() - started
        steps = int(tomllib.loads(_CONFIG.read_text())["providers"]["mock"]["training_steps"])
        return await figures_of(mongo[_DATABASE], jobs, places, steps=steps, raging=raging, wall_s=wall_s)


@asynccontextmanager
async def _asking(mongo_url: str, folder: Path, settings: dict[str, str]) -> AsyncIterator[httpx.AsyncClient]:
    """Run a server that nobody kills, and that trains nothing."""
    cpus = placement(1 << 10).serving
    asked = glottis(
        mongo_url, _DATABASE, workers=1, cpus=cpus, folder=folder, config=_CONFIG, settings=settings
    )
    async with asked as server, httpx.AsyncClient(base_url=server.address, timeout=60) as client:
        yield client


async def _upload(client: httpx.AsyncClient, project: str, recordings: Sequence[bytes]) -> None:
    files = [("files", (f"{number}.wav", data, "audio/wav")) for number, data in enumerate(recordings)]
    uploaded = await client.post(f"{VOICE}/samples", data={"project": project}, files=files)
    samples = uploaded.raise_for_status().json()["samples"]
    if problems := [problem for sample in samples for problem in sample["problems"]]:
        raise SystemExit(f"the recordings cannot be trained with: {problems[0]}")


async def _begin(client: httpx.AsyncClient, project: str) -> str:
    """Start a training; while the database is away, ask again."""
    while True:
        answer = await client.post(f"{VOICE}/train", data={"project": project})
        if answer.status_code != HTTPStatus.SERVICE_UNAVAILABLE:
            return str(answer.raise_for_status().json()["job"]["id"])
        await asyncio.sleep(_LOOK_S)


async def _until_over(database: Database, deadline: float) -> None:
    """Ask the database alone: nothing that is to be measured has to tell."""
    jobs = database["training_jobs"]
    while time.monotonic() < deadline:
        with suppress(PyMongoError):
            if await jobs.find_one({"active": True}) is None:
                return
        await asyncio.sleep(_LOOK_S)


def main() -> int:
    """Return 1 if anything is lost or doubled."""
    given = _arguments()
    figures = asyncio.run(chaos(given))
    console = Console(highlight=False)
    print_figures(figures, engine=given.engine, console=console)
    wrong = figures.wrong()
    for sentence in wrong:
        console.print(f"WRONG: {sentence}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
