"""Ending tasks."""

import asyncio
from typing import Any

_HEEDED_WITHIN_S = 2.0
"""Longer than a guard waits for a provider that does not let go."""


async def ended(*tasks: "asyncio.Task[Any]") -> None:
    """Cancel tasks and wait for their end: again, where a library has lost the cancellation."""
    left = set(tasks)
    while left:
        for task in left:
            task.cancel()
        _, left = await asyncio.wait(left, timeout=_HEEDED_WITHIN_S)
