"""Insert with Beanie and nothing around it, and tell how fast that goes, as JSON.

python -m benchmarks.http.inserting MONGO_URL CONCURRENCY SECONDS
"""

import asyncio
import json
import statistics
import sys
import time

import uvloop

from benchmarks.http.floor import beanie, new_session


async def _insert(url: str, concurrency: int, seconds: float) -> None:
    times: list[float] = []

    async def insert_until(end: float) -> None:
        while (started := time.perf_counter()) < end:
            await new_session().insert()
            times.append(time.perf_counter() - started)

    async with beanie(url):
        await asyncio.gather(*(new_session().insert() for _ in range(2 * concurrency)))
        started, used_s = time.perf_counter(), time.process_time()
        await asyncio.gather(*(insert_until(started + seconds) for _ in range(concurrency)))
        took_s, used_s = time.perf_counter() - started, time.process_time() - used_s
    centiles = statistics.quantiles(times, n=100)
    told = {
        "per_s": len(times) / took_s,
        "p50_ms": 1e3 * centiles[49],
        "p99_ms": 1e3 * centiles[98],
        "server_us": 1e6 * used_s / len(times),
    }
    print(json.dumps(told))


if __name__ == "__main__":
    uvloop.run(_insert(sys.argv[1], int(sys.argv[2]), float(sys.argv[3])))
