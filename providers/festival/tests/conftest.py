import logging
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from glottis.plugins import ProviderContext, SynthesizerCapabilities
from glottis_festival.config import FestivalConfig
from glottis_festival.synthesizer import FestivalSynthesizer

MakeFestival = Callable[..., FestivalSynthesizer]


@pytest.fixture
async def make_festival(tmp_path: Path) -> AsyncIterator[MakeFestival]:
    made: list[FestivalSynthesizer] = []

    def make(**options: Any) -> FestivalSynthesizer:
        log = logging.getLogger("glottis.provider.festival")
        context = ProviderContext("festival", tmp_path, SynthesizerCapabilities(), log)
        made.append(FestivalSynthesizer(context, FestivalConfig(**options)))
        return made[-1]

    yield make
    for festival in made:
        await festival.aclose()
