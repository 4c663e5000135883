"""Whole conversations in virtual time."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from tests.virtual_time import by_marker as pytest_asyncio_loop_factories

from .talk import Talk, talking

__all__ = ["OpenTalk", "pytest_asyncio_loop_factories", "talk_of"]

OpenTalk = Callable[..., AbstractAsyncContextManager[Talk]]


@pytest.fixture
async def talk_of(tmp_path: Path) -> AsyncIterator[OpenTalk]:
    """Open a conversation: `talk_of(handler=..., synthesizer=..., recognizer=..., **manners)`.

    Once it is closed, no provider may still be at work for it.
    """
    opened: list[Talk] = []

    def opens(**how: object) -> AbstractAsyncContextManager[Talk]:
        return talking(tmp_path, opened, **how)  # type: ignore[arg-type]  # typed there

    yield opens
    for talk in opened:
        assert not talk.still_at_work(), "a provider still works for a conversation that is over"
