"""A speaker over scripted providers and the real MongoDB of the tests."""

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest
from glottis.config import Settings, parse_deployment
from glottis.core.platform import open_platform
from glottis.core.speech import Speaker, SpeechRequest
from glottis.plugins import ErrorCategory, ProviderError, ProviderSpec
from glottis.plugins.conformance import loaded_with

OpenSpeaker = Callable[..., AbstractAsyncContextManager[Speaker]]

ONE = """
[providers.only]
use = "one"
limits = { retries = 1 }
[routes]
synthesize = ["only"]
"""
TWO = """
[providers.first]
use = "one"
[providers.second]
use = "two"
limits = { retries = 0 }
[routes]
synthesize = ["first", "second"]
"""
DOWN = ProviderError(ErrorCategory.UNAVAILABLE, "gone")
REQUEST = SpeechRequest(text="", scope="project:demo", project="demo", language="en-US", format="wav")


@pytest.fixture
def speaker_of(store_settings: Callable[..., Settings]) -> OpenSpeaker:
    """Open a speaker: `speaker_of(toml, *specs)`; one plugin offers these."""

    @asynccontextmanager
    async def opened(toml: str, *specs: ProviderSpec) -> AsyncIterator[Speaker]:
        deployment = parse_deployment(f'enable = ["test"]\n{toml}', file="plugins.toml", environment={})
        async with open_platform(
            store_settings(), deployment, environment={}, loaded=loaded_with(*specs)
        ) as platform:
            yield platform.speaker

    return opened
