"""A server that trains, by either engine."""

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import pytest
from glottis.config import Settings, parse_deployment
from glottis.core.worker import open_worker
from glottis.plugins.host import load_plugins
from pydantic import SecretStr

from .conftest import MOCK, Serve, Server


@pytest.fixture(name="serve", params=["embedded", "nats"])
def serve_by_either_engine(
    request: pytest.FixtureRequest, serve: Serve, store_settings: Callable[..., Settings]
) -> Serve:
    """Run a server that trains in its own process, or one with a worker beside it."""
    if request.param == "embedded":
        return serve
    broker = {
        "nats_url": SecretStr(request.getfixturevalue("nats_url")),
        "nats_prefix": request.getfixturevalue("nats_prefix"),
    }

    @asynccontextmanager
    async def serving(toml: str = MOCK, **options: Any) -> AsyncIterator[Server]:
        chosen = {key: value for key, value in options.items() if key in Settings.model_fields} | broker
        deployment = parse_deployment(toml, file="plugins.toml", environment={})
        loaded = load_plugins(deployment.enable, load_timeout_s=30.0)
        slots = chosen.pop("training_slots", 1)
        async with AsyncExitStack() as stack:
            if slots and deployment.routes.train:
                working = open_worker(
                    store_settings(**chosen),
                    deployment,
                    kinds=["train"],
                    slots=slots,
                    environment={},
                    loaded=loaded,
                )
                await stack.enter_async_context(working)
            yield await stack.enter_async_context(serve(toml, **options, **broker))

    return serving
