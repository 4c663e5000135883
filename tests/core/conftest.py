"""An engine over scripted providers, without a database."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest
from glottis.config import Settings, parse_deployment
from glottis.core.platform import Engine, open_engine
from glottis.plugins import ProviderSpec
from glottis.plugins.conformance import loaded_with

OpenEngine = Callable[..., AbstractAsyncContextManager[Engine]]


@pytest.fixture
def engine_of(tmp_path: Path) -> OpenEngine:
    """Open an engine: `engine_of(toml, *specs, **hooks)`; one plugin offers these."""

    @asynccontextmanager
    async def opened(toml: str, *specs: ProviderSpec, **hooks: Callable[..., None]) -> AsyncIterator[Engine]:
        deployment = parse_deployment(f'enable = ["test"]\n{toml}', file="plugins.toml", environment={})
        settings = Settings(data_dir=tmp_path)
        async with open_engine(
            settings, deployment, environment={}, loaded=loaded_with(*specs, **hooks)
        ) as engine:
            yield engine

    return opened
