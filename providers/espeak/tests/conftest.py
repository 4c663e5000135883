import logging
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from glottis.plugins import ProviderContext, SynthesizerCapabilities
from glottis_espeak.config import EspeakConfig
from glottis_espeak.synthesizer import EspeakSynthesizer

MakeEspeak = Callable[..., EspeakSynthesizer]


@pytest.fixture
async def make_espeak(tmp_path: Path) -> AsyncIterator[MakeEspeak]:
    made: list[EspeakSynthesizer] = []

    def make(**options: Any) -> EspeakSynthesizer:
        log = logging.getLogger("glottis.provider.espeak")
        context = ProviderContext("espeak", tmp_path, SynthesizerCapabilities(), log)
        made.append(EspeakSynthesizer(context, EspeakConfig(**options)))
        return made[-1]

    yield make
    for espeak in made:
        await espeak.aclose()


@pytest.fixture
def espeak(make_espeak: MakeEspeak) -> EspeakSynthesizer:
    return make_espeak()
