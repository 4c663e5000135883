"""How a synthesizer reaches another: by the engine, and never in a circle."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from glottis.config import ConfigError, Settings, parse_deployment
from glottis.core.platform import Engine, open_engine
from glottis.plugins import (
    AudioFrame,
    ErrorCategory,
    Kind,
    ProviderError,
    ProviderSpec,
    SynthesisOptions,
    Synthesizer,
    SynthesizerSpec,
    TrainingBackend,
    TrainingBackendSpec,
)
from glottis.plugins.conformance import ScriptedSynthesizer, loaded_with, tone
from pydantic import BaseModel, ConfigDict


class Config(BaseModel):
    model_config = ConfigDict(extra="forbid")

    base: str | None = None
    reach: str | None = None


class Through(Synthesizer):
    """Speaks through its base."""

    async def synthesize(
        self, text: str | AsyncIterator[str], options: SynthesisOptions
    ) -> AsyncGenerator[AudioFrame, None]:
        target = self.config.reach or self.config.base
        async with aclosing(self.context.peers.speak(target, str(text), options)) as frames:
            async for frame in frames:
                yield frame


class Trains(TrainingBackend):
    async def validate(self, sample: Any) -> Any:
        raise NotImplementedError

    async def train(self, dataset: Any, job: Any) -> AsyncGenerator[Any, None]:
        raise NotImplementedError
        yield


BASE = ScriptedSynthesizer(tone(0.2)).spec("base")
THROUGH = SynthesizerSpec(name="through", create=Through, config=Config, peers=("base",))
TRAINS = TrainingBackendSpec(name="through", create=Trains, config=Config, peers=("base",))
CIRCLE = '[providers.a]\nuse = "through"\nbase = "b"\n[providers.b]\nuse = "through"\n'
TWO = '[providers.a]\nuse = "through"\nbase = "base"\n'


@asynccontextmanager
async def engine(tmp_path: Path, toml: str, *specs: ProviderSpec) -> AsyncIterator[Engine]:
    deployment = parse_deployment(f'enable = ["test"]\n{toml}', file="plugins.toml", environment={})
    settings = Settings(data_dir=tmp_path)
    async with open_engine(settings, deployment, environment={}, loaded=loaded_with(*specs)) as opened:
        yield opened


async def said(opened: Engine, name: str) -> list[AudioFrame]:
    guard = opened.routing.instance(Kind.SYNTHESIZER, name)
    assert guard is not None

    async def speak(provider: Synthesizer) -> list[AudioFrame]:
        return [frame async for frame in provider.synthesize("hello", SynthesisOptions())]

    spoken: list[AudioFrame] = await guard.call(speak)
    return spoken


async def test_an_instance_that_only_an_option_names_is_made_and_reached(tmp_path: Path) -> None:
    async with engine(tmp_path, f'{TWO}[routes]\nsynthesize = ["a"]', BASE, THROUGH) as opened:
        assert await said(opened, "a") == [tone(0.2)]
        assert [guard.name for guard in opened.routing.routed(Kind.SYNTHESIZER, "")] == ["a"]


async def test_the_synthesizer_of_a_training_backend_is_made(tmp_path: Path) -> None:
    async with engine(tmp_path, f'{TWO}[routes]\ntrain = "a"', BASE, THROUGH, TRAINS) as opened:
        assert await said(opened, "a") == [tone(0.2)]


@pytest.mark.parametrize(
    ("reach", "category"),
    [("a", ErrorCategory.UNSUPPORTED), ("b", ErrorCategory.UNSUPPORTED), ("c", ErrorCategory.UNAVAILABLE)],
)
async def test_nobody_reaches_itself_or_another_that_has_peers(
    tmp_path: Path, reach: str, category: ErrorCategory
) -> None:
    toml = f'{TWO}reach = "{reach}"\n[providers.b]\nuse = "through"\n[routes]\nsynthesize = ["a", "b"]'
    async with engine(tmp_path, toml, BASE, THROUGH) as opened:
        with pytest.raises(ProviderError) as raised:
            await said(opened, "a")
        assert raised.value.category is category


async def test_who_asks_for_no_peers_has_none(tmp_path: Path) -> None:
    alone = SynthesizerSpec(name="through", create=Through, config=Config)
    async with engine(tmp_path, f'{TWO}[routes]\nsynthesize = ["a", "base"]', BASE, alone) as opened:
        with pytest.raises(ProviderError) as raised:
            await said(opened, "a")
        assert raised.value.category is ErrorCategory.UNSUPPORTED


@pytest.mark.parametrize(
    ("toml", "problem"),
    [
        (
            '[providers.a]\nuse = "through"\nbase = "a"\n[routes]\nsynthesize = ["a"]',
            'plugins.toml:4: providers.a.base: "a" cannot speak through itself',
        ),
        (
            f'{CIRCLE}[routes]\nsynthesize = ["a"]',
            'plugins.toml:4: providers.a.base: "b" speaks through another synthesizer itself; name that one',
        ),
        (
            '[providers.a]\nuse = "through"\nbase = "bass"\n[routes]\nsynthesize = ["a"]',
            'plugins.toml:4: providers.a.base: there is no provider "bass"; did you mean "base"?',
        ),
    ],
)
async def test_a_wrong_peer_is_a_mistake_in_the_deployment(tmp_path: Path, toml: str, problem: str) -> None:
    with pytest.raises(ConfigError) as raised:
        async with engine(tmp_path, toml, BASE, THROUGH):
            pass
    assert str(raised.value).startswith(problem)


async def test_a_backend_whose_voices_nothing_speaks_is_a_mistake_in_the_deployment(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match='"through" trains voices that nothing speaks'):
        async with engine(tmp_path, '[routes]\ntrain = "through"', BASE, TRAINS):
            pass
