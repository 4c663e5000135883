"""A whole server that is sent what no client should send, and whose log must stay free of tracebacks."""

import gc
import logging
from collections.abc import AsyncIterator, Iterator

import pytest

from tests.api.conftest import Serve, Server, serve

MOST_SESSIONS = 10_000


class _Kept(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


@pytest.fixture(autouse=True)
def _no_traceback_in_the_log() -> Iterator[None]:
    """See to it that nothing crashes, not even in a task that nobody waits for."""
    kept, root = _Kept(), logging.getLogger()
    root.addHandler(kept)
    yield
    gc.collect()  # a task that failed unnoticed says so when it is collected
    root.removeHandler(kept)
    bad = [record for record in kept.records if record.exc_info or record.levelno >= logging.ERROR]
    assert not bad, [logging.Formatter().format(record) for record in bad]


@pytest.fixture
async def server(serve: Serve) -> AsyncIterator[Server]:
    """A server of the mock providers; conversations that were cut off do not stay for long."""
    async with serve(max_concurrent_sessions=MOST_SESSIONS, ws_resume_s=0.5) as running:
        yield running


__all__ = ["Serve", "Server", "serve"]
