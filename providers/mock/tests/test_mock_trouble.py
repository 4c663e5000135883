import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from glottis.plugins import (
    DialogueContext,
    ErrorCategory,
    Match,
    ProviderError,
    RecognitionOptions,
    SynthesisOptions,
    silence,
)

CONTEXT = DialogueContext(project="demo")
CLIP = silence(1.0, rate_hz=16_000)

Make = Callable[..., Any]


async def _stream(recognizer: Any) -> None:
    async with recognizer.open(RecognitionOptions()) as stream:
        await stream.end()
        async for _ in stream:
            pass


async def _drain(items: Any) -> None:
    async for _ in items:
        pass


@pytest.fixture
def calls(make_synthesizer: Make, make_recognizer: Make, make_intent_handler: Make) -> Make:
    """List every call of the three providers with some options, as functions."""

    def made(**options: Any) -> list[Callable[[], Any]]:
        synthesizer, recognizer = make_synthesizer(**options), make_recognizer(**options)
        handler = make_intent_handler(**options)
        return [
            lambda: _drain(synthesizer.synthesize("one", SynthesisOptions())),
            lambda: recognizer.recognize(CLIP, RecognitionOptions()),
            lambda: _stream(recognizer),
            lambda: handler.match("one", CONTEXT),
            lambda: _drain(handler.respond(Match("echo", 0.5), "one", CONTEXT)),
        ]

    return made


@pytest.mark.parametrize("category", list(ErrorCategory))
async def test_every_call_fails_as_told(calls: Make, category: ErrorCategory) -> None:
    for call in calls(fail_with=category):
        with pytest.raises(ProviderError) as failure:
            await call()
        assert failure.value.category is category


async def test_a_provider_that_is_told_to_fail_starts_and_is_unhealthy(
    make_synthesizer: Make, make_recognizer: Make, make_intent_handler: Make
) -> None:
    for make in (make_synthesizer, make_recognizer, make_intent_handler):
        provider = make(fail_with="unavailable")
        await provider.warmup()
        with pytest.raises(ProviderError):
            await provider.health()


async def test_every_call_takes_at_least_its_delay(calls: Make) -> None:
    loop = asyncio.get_running_loop()
    for call in calls(delay_s=0.05):
        begun = loop.time()
        await call()
        assert loop.time() - begun >= 0.045
