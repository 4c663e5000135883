"""The limit on WebSockets over several processes of a server."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from glottis.api.connection_places import ConnectionPlaces, make_board


def test_the_processes_of_a_server_share_one_limit(tmp_path: Path) -> None:
    board = make_board(tmp_path, slots=2)
    one, two = (ConnectionPlaces(3, board=board, slot=slot) for slot in range(2))
    assert [one.take(), two.take(), one.take(), two.take(), one.take()] == [True, True, True, False, False]
    one.give_back()
    assert two.take()


def test_the_limit_is_exact_under_concurrency(tmp_path: Path) -> None:
    board = make_board(tmp_path, slots=4)
    processes = [ConnectionPlaces(100, board=board, slot=slot) for slot in range(4)]

    def grab(places: ConnectionPlaces) -> int:
        return sum(places.take() for _ in range(200))

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(grab, processes)) == 100


def test_a_killed_process_loses_its_places_to_its_successor(tmp_path: Path) -> None:
    board = make_board(tmp_path, slots=2)
    killed, other = (ConnectionPlaces(2, board=board, slot=slot) for slot in range(2))
    assert killed.take()
    assert killed.take()
    assert not other.take()
    ConnectionPlaces(2, board=board, slot=0)
    assert other.take()
