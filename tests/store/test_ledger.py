"""The arithmetic of places, without a database."""

from typing import Any

import pytest
from glottis.core.store.ledger import Ledger, Place, expiry_of
from hypothesis import given
from hypothesis import strategies as st


def update_of(ledger: Ledger) -> dict[str, Any]:
    return ledger.update(writer="w", number=1, now_ms=1)[1]


def test_a_place_counts_for_its_project_and_for_the_server() -> None:
    ledger = Ledger.empty()
    ledger.take(Place(2_000, "demo"))
    ledger.take(Place(3_000, "other"))
    assert (ledger.live(), ledger.live("demo"), ledger.live("none")) == (2, 1, 0)


def test_a_place_is_free_at_the_instant_of_its_expiry() -> None:
    ledger = Ledger.empty()
    ledger.take(Place(2_000, "demo"))
    ledger.expire(1_999)
    assert ledger.live() == 1
    ledger.expire(2_000)
    assert (ledger.live(), ledger.live("demo")) == (0, 0)


def test_a_place_is_given_back_once() -> None:
    ledger = Ledger.empty()
    ledger.take(Place(2_000, "demo"))
    ledger.give_back(Place(2_000, "demo"))
    ledger.give_back(Place(2_000, "demo"))
    assert ledger.live() == 0


def test_a_place_that_has_expired_is_not_given_back() -> None:
    ledger = Ledger({"revision": 3, "places": {"2000": {"pdemo": 1}}, "writers": {}})
    ledger.expire(2_000)
    ledger.give_back(Place(2_000, "demo"))
    assert ledger.live() == 0
    assert update_of(ledger)["$unset"] == {"places.2000": ""}
    assert "$inc" not in update_of(ledger)


def test_a_ledger_that_did_not_change_is_not_written() -> None:
    ledger = Ledger.empty()
    ledger.take(Place(2_000, "demo"))
    ledger.give_back(Place(2_000, "demo"))
    assert not ledger.is_changed


def test_a_writer_not_heard_of_for_a_day_is_forgotten() -> None:
    ledger = Ledger({"revision": 0, "places": {}, "writers": {"old": [7, 0], "new": [8, 80_000_000]}})
    ledger.take(Place(2_000, "demo"))
    _, update = ledger.update(writer="w", number=1, now_ms=86_400_001)
    assert update["$unset"] == {"writers.old": ""}


@pytest.mark.parametrize("project", ["a.b", "$a", "", "цены", "a/b c", "%2E"])
def test_any_name_of_a_project_makes_one_field_of_a_document(project: str) -> None:
    ledger = Ledger.empty()
    ledger.take(Place(2_000, project))
    (path,) = update_of(ledger)["$inc"]
    assert path.count(".") == 2
    assert "$" not in path
    assert not path.endswith(".")


@given(started_ms=st.integers(0, 2**42), timeout_s=st.integers(1, 86_400))
def test_a_session_lives_its_time_and_at_most_a_thousandth_more(started_ms: int, timeout_s: int) -> None:
    expiry_ms = expiry_of(started_ms, timeout_s)
    assert timeout_s * 1_000 <= expiry_ms - started_ms <= timeout_s * 1_001


@given(
    places=st.lists(st.tuples(st.integers(1, 50), st.sampled_from("abc"), st.booleans())),
    now_ms=st.integers(0, 60),
)
def test_the_counts_are_those_of_the_places(places: list[tuple[int, str, bool]], now_ms: int) -> None:
    ledger = Ledger.empty()
    taken: list[Place] = []
    for expiry_ms, project, is_taken in places:
        place = Place(expiry_ms, project)
        if is_taken:
            ledger.take(place)
            taken.append(place)
        else:
            ledger.give_back(place)
            if place in taken:
                taken.remove(place)
    ledger.expire(now_ms)
    live = [place for place in taken if place.expiry_ms > now_ms]
    assert ledger.live() == len(live)
    for project in "abc":
        assert ledger.live(project) == sum(place.project == project for place in live)
