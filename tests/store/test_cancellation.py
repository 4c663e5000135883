"""Who is cancelled while MongoDB works for them goes no further, whatever the driver makes of it."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import pytest
from glottis.core.store import Store

SESSION = "c" * 32
MOST_STEPS = 400

Ask = Callable[[Store], Awaitable[object]]

ASKED: dict[str, Ask] = {
    "a write": lambda store: store.conversations.claim(SESSION, node="one", now=datetime.now(UTC)),
    "a read": lambda store: store.interactions.history(SESSION, limit=10),
    "an insert": lambda store: store.events.publish("test.happened", SESSION, {}),
}


@pytest.mark.parametrize("ask", ASKED.values(), ids=ASKED)
async def test_a_cancellation_at_any_step_ends_the_task(store: Store, ask: Ask) -> None:
    """The driver tries again what it was cancelled in, as if its connection had failed."""
    await ask(store)
    for steps in range(MOST_STEPS):
        task = asyncio.ensure_future(ask(store))
        for _ in range(steps):
            await asyncio.sleep(0)
        if task.done():
            break
        task.cancel()
        await asyncio.wait({task})
        assert task.cancelled(), f"it went on after {steps} steps"
    await ask(store)
