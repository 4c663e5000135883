"""How the garbage collector works in a server: what was there before it served need not be searched again."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_YOUNG = 10_000
"""New objects, less those that have gone, between collections. Python's own 700 are a turn's or two, most of
whose objects are still in use then: they would be looked at in vain."""


@contextmanager
def collected_rarely() -> Iterator[None]:
    """Leave what there is out of collections, and collect what is new more rarely, while the context lasts.

    Modules, settings and models hold up everybody for 0.1 s whenever they are searched.
    """
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(_YOUNG, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
