"""The garbage collector while a server serves."""

import gc

from glottis.api.garbage import collected_rarely


class Knot:
    """Refers to itself: only the collector frees it."""

    def __init__(self) -> None:
        self.myself = self


def test_what_was_there_before_is_left_out_of_collections_until_the_end() -> None:
    before = gc.get_threshold()
    frozen = gc.get_freeze_count()
    with collected_rarely():
        assert gc.get_freeze_count() > frozen
        assert gc.get_threshold() > before
    assert gc.get_freeze_count() == 0
    assert gc.get_threshold() == before


def test_what_comes_later_is_still_collected() -> None:
    with collected_rarely():
        gc.collect()
        Knot()
        assert gc.collect() > 0
