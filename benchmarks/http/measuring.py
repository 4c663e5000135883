"""Measure in rounds, each other one in reverse, so that a bad minute hits every route and every server."""

import asyncio
import json
import os
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from glottis.config import Settings
from glottis.core.store import embedded_mongo

from benchmarks.http.figures import Key, Samples
from benchmarks.http.scenarios import FLOOR_REQUESTS, INSERT, SCENARIOS, requests_for
from benchmarks.http.seeding import clear, fill
from benchmarks.http.servers import Server, floor, glottis, run_module
from benchmarks.http.wrk import Request, Sample, drive
from benchmarks.machine import QUIET_CORES, ForeignLoad, Placement, placement

_LOOK_S = 0.3


@dataclass(frozen=True, slots=True)
class Plan:
    """How much to measure. `patience_s` is how long a sample waits for a quiet moment."""

    workers: tuple[int, ...]
    concurrency: tuple[int, ...]
    stored: tuple[int, ...]
    rounds: int
    seconds: int
    patience_s: float


Tell = Callable[[str], None]
Run = Callable[[], Awaitable[Sample]]


@dataclass(frozen=True, slots=True)
class _Phase:
    """What all samples with one number of workers share."""

    plan: Plan
    workers: int
    cpus: Placement
    mongo_url: str
    folder: Path


async def measure(plan: Plan, *, tell: Tell) -> Samples:
    """Start the servers for each number of workers in turn, and measure them."""
    samples: Samples = {}
    for workers in plan.workers:
        cpus = placement(workers)
        tell(f"{workers} worker(s): {cpus}")
        # What starts from here on, MongoDB and the clients, stays on these CPUs; servers are moved to theirs.
        os.sched_setaffinity(0, cpus.asking)
        async with AsyncExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="glottis-bench-")))
            mongo_url = await stack.enter_async_context(embedded_mongo(Settings(data_dir=folder)))
            phase = _Phase(plan, workers, cpus, mongo_url, folder)
            runs = await _runs(phase, stack, tell)
            for number in range(plan.rounds):
                tell(f"round {number + 1} of {plan.rounds}, {len(runs)} samples of {plan.seconds} s")
                order = list(runs.items())
                for key, run in order if number % 2 == 0 else reversed(order):
                    await _wait_for_quiet(plan.patience_s)
                    samples.setdefault(key, []).append(await run())
    return samples


async def _runs(phase: _Phase, stack: AsyncExitStack, tell: Tell) -> dict[Key, Run]:
    """Start the servers and give what takes one sample of each figure."""
    serving, workers = phase.cpus.serving, phase.workers
    bare = await stack.enter_async_context(floor(phase.mongo_url, workers=workers, cpus=serving))
    servers = {}
    for stored in phase.plan.stored:
        name = f"stored_{stored}"
        tell(f"storing {stored:,} sessions")
        await fill(phase.mongo_url, name, sessions=stored)
        server = await stack.enter_async_context(
            glottis(phase.mongo_url, name, workers=workers, cpus=serving, folder=phase.folder)
        )
        servers[stored] = (name, server, await requests_for(server.address))
    runs: dict[Key, Run] = {}
    for concurrency in phase.plan.concurrency:
        for name, request in FLOOR_REQUESTS.items():
            runs[Key(name, workers, concurrency)] = _driven(phase, bare, request, concurrency)
        runs[Key(INSERT, workers, concurrency)] = _inserted(phase, concurrency)
        for scenario in SCENARIOS:
            for stored, (database, server, requests) in servers.items():
                runs[Key(scenario.name, workers, concurrency, stored)] = _driven(
                    phase,
                    server,
                    requests[scenario.name],
                    concurrency,
                    cleared=database if scenario.writes else None,
                )
    return runs


def _driven(
    phase: _Phase, server: Server, request: Request, concurrency: int, *, cleared: str | None = None
) -> Run:
    async def run() -> Sample:
        sample = await drive(
            server,
            request,
            concurrency=concurrency,
            seconds=phase.plan.seconds,
            cpus=phase.cpus.asking,
            folder=phase.folder,
        )
        if cleared is not None:
            await clear(phase.mongo_url, cleared)
        return sample

    return run


def _inserted(phase: _Phase, concurrency: int) -> Run:
    async def run() -> Sample:
        arguments = [phase.mongo_url, str(concurrency), str(phase.plan.seconds)]
        load = ForeignLoad()
        output = await run_module(["benchmarks.http.inserting", *arguments], cpus=phase.cpus.serving)
        foreign = load.cores()
        return Sample(**json.loads(output), failed=0, foreign_cores=foreign)

    return run


async def _wait_for_quiet(patience_s: float) -> None:
    deadline = asyncio.get_running_loop().time() + patience_s
    while asyncio.get_running_loop().time() < deadline:
        load = ForeignLoad()
        await asyncio.sleep(_LOOK_S)
        if load.cores() < QUIET_CORES:
            return


def count(plan: Plan) -> int:
    """Count the samples of a plan, to tell how long it takes."""
    routes = len(FLOOR_REQUESTS) + 1 + len(SCENARIOS) * len(plan.stored)
    return routes * len(plan.concurrency) * len(plan.workers) * plan.rounds
