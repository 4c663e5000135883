"""A warm Piper, and ways to make others."""

import logging
from collections.abc import AsyncIterator, Callable
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from glottis.plugins import ProviderContext, Synthesizer, SynthesizerSpec


def piper_spec() -> SynthesizerSpec:
    (entry,) = entry_points(group="glottis.plugins", name="piper")
    offered: list[SynthesizerSpec] = []
    entry.load().glottis_register_synthesizers(offered.append)
    return offered[0]


def make_piper(data_dir: Path, **options: Any) -> Synthesizer:
    spec = piper_spec()
    context = ProviderContext("piper-test", data_dir, spec.capabilities, logging.getLogger("piper-test"))
    provider = spec.create(context, spec.config.model_validate(options))
    assert isinstance(provider, Synthesizer)
    return provider


@pytest.fixture
def make(tmp_path: Path) -> Callable[..., Synthesizer]:
    return lambda **options: make_piper(tmp_path, **options)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def piper(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Synthesizer]:
    provider = make_piper(tmp_path_factory.mktemp("piper"))
    await provider.warmup()
    yield provider
    await provider.aclose()
