"""A server at work still answers those who ask how it is."""

import asyncio
import time
from statistics import median

import httpx

from tests.program import VOICE

STORY = "This is a sentence of a story that takes its time, and goes on, and on. " * 2


async def test_its_health_is_told_quickly_while_eight_syntheses_run(caller: httpx.AsyncClient) -> None:
    """An order of magnitude, and no measurement: on a blocked event loop each answer would take seconds."""
    speaking = [
        asyncio.create_task(
            caller.post(f"{VOICE}/synthesize", json={"text": f"{number}. {STORY}", "language": "en-US"})
        )
        for number in range(8)
    ]
    took = []
    async with httpx.AsyncClient(base_url=str(caller.base_url), timeout=60) as other:
        await other.get("/healthz")
        while not all(task.done() for task in speaking):
            began = time.perf_counter()
            assert (await other.get("/healthz")).status_code == 200
            took.append(time.perf_counter() - began)
    spoken = [task.result() for task in speaking]
    assert {answer.status_code for answer in spoken} == {202}
    # On a machine with much else to do, a late one may be spoken by the fallback.
    assert "piper-joe" in {answer.json()["provider"] for answer in spoken}
    assert len(took) > 20
    assert median(took) < 0.25
