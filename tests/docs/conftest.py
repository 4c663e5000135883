from pathlib import Path

import pytest

from tests.api.conftest import serve
from tests.docs.blocks import DOCS

__all__ = ["serve"]


@pytest.fixture(scope="session")
def docs() -> Path:
    return DOCS
