"""Clients that vanish, flood, stall, interrupt and resume leave nothing behind: a short benchmarks/soak."""

import asyncio
import os
import sys
from asyncio.subprocess import PIPE, STDOUT

import pytest

from tests.program import OURS

from .conftest import ROOT


@pytest.mark.slow
async def test_a_server_is_as_it_was_when_its_worst_clients_have_gone() -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "benchmarks.soak", "--minutes", "0.2", "--warm-up", "5"),
        cwd=ROOT,
        env=environment,
        stdout=PIPE,
        stderr=STDOUT,
    )
    printed, _ = await process.communicate()
    lines = [line.strip() for line in printed.decode().splitlines()]
    assert any(line.startswith("after") for line in lines), printed.decode()
    # In so short a time the allocator has not come to rest: memory is for the long run to judge.
    wrong = [line for line in lines if line.startswith("WRONG: ") and not line.startswith("WRONG: memory")]
    assert wrong == [], printed.decode()
