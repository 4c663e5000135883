"""The limit on WebSockets over several processes of a server."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from glottis.api.connection_places import ConnectionPlaces, make_board

Process = Callable[[int], ConnectionPlaces]


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Process]:
    """Open the places of a server process with a limit of 100, by its slot."""
    board = make_board(tmp_path, slots=4)
    with ExitStack() as stack:
        yield lambda slot: stack.enter_context(closing(ConnectionPlaces(100, board=board, slot=slot)))


def grab(places: ConnectionPlaces) -> int:
    return sum(places.take() for _ in range(200))


def test_the_processes_of_a_server_share_one_limit(process: Process) -> None:
    one, two = process(0), process(1)
    assert two.take()
    assert (grab(one), grab(two)) == (99, 0)
    one.give_back()
    assert grab(two) == 1


def test_the_limit_is_exact_under_concurrency(process: Process) -> None:
    processes = [process(slot) for slot in range(4)]
    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(grab, processes)) == 100


def test_a_killed_process_loses_its_places_to_its_successor(process: Process) -> None:
    killed, other = process(0), process(1)
    assert grab(killed) == 100
    assert grab(other) == 0
    process(0)
    assert grab(other) == 100
