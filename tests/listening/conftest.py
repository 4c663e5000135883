"""Tests of listening run in virtual time where they are marked so."""

from tests.virtual_time import by_marker as pytest_asyncio_loop_factories

__all__ = ["pytest_asyncio_loop_factories"]
