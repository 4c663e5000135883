"""A chain of providers, of which some fail."""

import asyncio
import contextlib
import gc
import weakref

import pytest
from glottis.core.errors import Unavailable, Unprocessable
from glottis.core.platform import Engine
from glottis.core.routing import Guard, first_answer
from glottis.core.speech import Spoken, speak
from glottis.plugins import (
    BreakerChanged,
    ErrorCategory,
    Event,
    Kind,
    ProviderError,
    SynthesisOptions,
    Synthesizer,
    SynthesizerCapabilities,
    VoiceInfo,
)
from glottis.plugins.conformance import HANG, ScriptedSynthesizer, tone

from .conftest import OpenEngine

TWO = """
[providers.first]
use = "one"
limits = { retries = 0, breaker_failures = 2, breaker_probe_s = 0.01 }
[providers.second]
use = "two"
limits = { retries = 1, timeout_s = 0.5, first_result_s = 0.05 }
[routes]
synthesize = ["first", "second"]
"""
DOWN = ProviderError(ErrorCategory.UNAVAILABLE, "gone")


async def say(engine: Engine, *, voice: str = "default", provider: str | None = None) -> Spoken:
    chain = engine.routing.chain(Kind.SYNTHESIZER, language="en-US", project="", provider=provider)
    return await speak(chain, "hello", SynthesisOptions(voice=voice, language="en-US"))


async def test_a_provider_that_fails_is_followed_by_the_next(engine_of: OpenEngine) -> None:
    one, two = ScriptedSynthesizer(DOWN), ScriptedSynthesizer()
    async with engine_of(TWO, one.spec("one"), two.spec("two")) as engine:
        assert (await say(engine)).provider == "second"
    assert len(one.calls) == 1, "a provider with a fallback is not tried again"


async def test_a_provider_that_sends_no_audio_is_followed_by_the_next(engine_of: OpenEngine) -> None:
    one, two = ScriptedSynthesizer(()), ScriptedSynthesizer()
    async with engine_of(TWO, one.spec("one"), two.spec("two")) as engine:
        assert (await say(engine)).provider == "second"


async def test_audio_of_a_provider_that_breaks_off_is_not_mixed_with_the_next(engine_of: OpenEngine) -> None:
    one, two = ScriptedSynthesizer((tone(0.3), DOWN)), ScriptedSynthesizer(tone(0.2))
    async with engine_of(TWO, one.spec("one"), two.spec("two")) as engine:
        spoken = await say(engine)
    assert spoken.clip == tone(0.2)


async def test_what_is_not_a_provider_error_counts_as_one(engine_of: OpenEngine) -> None:
    one, two = ScriptedSynthesizer(ZeroDivisionError("secret")), ScriptedSynthesizer()
    async with engine_of(TWO, one.spec("one"), two.spec("two")) as engine:
        assert (await say(engine)).provider == "second"
        assert b'category="internal"' in engine.metrics.render()


async def test_a_provider_whose_first_audio_does_not_come_is_cut_off(engine_of: OpenEngine) -> None:
    one, two = ScriptedSynthesizer(DOWN), ScriptedSynthesizer(HANG)
    async with engine_of(TWO, one.spec("one"), two.spec("two")) as engine:
        with pytest.raises(Unavailable):
            await say(engine)
    assert [call.ended.is_set() for call in two.calls] == [True, True], "the last of a chain is tried again"


async def test_a_request_that_every_provider_refuses_is_the_callers_mistake(engine_of: OpenEngine) -> None:
    refusal = ProviderError(ErrorCategory.INVALID_REQUEST, "there is no voice Nemo")
    one, two = ScriptedSynthesizer(refusal), ScriptedSynthesizer(refusal)
    async with engine_of(TWO, one.spec("one"), two.spec("two")) as engine:
        with pytest.raises(Unprocessable, match="no voice Nemo"):
            await say(engine, voice="Nemo")
        assert b'glottis_breaker_open{instance="first",kind="synthesizer"} 0.0' in engine.metrics.render()


async def test_the_fallback_of_a_broken_provider_speaks_with_a_voice_of_its_own(
    engine_of: OpenEngine,
) -> None:
    one = ScriptedSynthesizer(DOWN)
    two = ScriptedSynthesizer(voices=[VoiceInfo("own", "Own", ("en",))])
    async with engine_of(TWO, one.spec("one"), two.spec("two")) as engine:
        assert (await say(engine, voice="theirs")).provider == "second"
    assert two.calls[-1].options.voice == "default"


async def test_an_open_breaker_spares_the_provider_and_health_closes_it(engine_of: OpenEngine) -> None:
    one, two = ScriptedSynthesizer(DOWN, DOWN, tone()), ScriptedSynthesizer()
    well = asyncio.Event()
    one.probing = (well,)
    closed = asyncio.Event()

    def hear(event: Event) -> None:
        if isinstance(event, BreakerChanged) and event.state == "closed":
            closed.set()

    specs = (one.spec("one"), two.spec("two"))
    async with engine_of(TWO, *specs, glottis_on_event=hear) as engine:
        for _ in range(4):
            assert (await say(engine)).provider == "second"
        assert len(one.calls) == 2, "the breaker opened after two failures"
        well.set()
        await closed.wait()
        assert (await say(engine)).provider == "first"
    assert one.probes >= 1, "no caller's request was spent on finding out"


async def test_a_full_provider_hands_on_to_the_next(engine_of: OpenEngine) -> None:
    gate = asyncio.Event()
    one = ScriptedSynthesizer((gate, tone()))
    two = ScriptedSynthesizer()
    toml = TWO.replace("retries = 0", "retries = 0, max_concurrency = 1, max_waiting = 0")
    async with engine_of(toml, one.spec("one"), two.spec("two")) as engine:
        slow = asyncio.create_task(say(engine))
        await one.log.wait_for(1)
        assert (await say(engine)).provider == "second"
        gate.set()
        assert (await slow).provider == "first"


async def test_a_caller_may_ask_for_a_provider_of_the_route(engine_of: OpenEngine) -> None:
    one, two = ScriptedSynthesizer(), ScriptedSynthesizer()
    async with engine_of(TWO, one.spec("one"), two.spec("two")) as engine:
        assert (await say(engine, provider="second")).provider == "second"
        with pytest.raises(Unprocessable, match=r"provider: third .* accepted: first, second"):
            await say(engine, provider="third")


async def test_a_provider_that_does_not_speak_a_language_is_left_out(engine_of: OpenEngine) -> None:
    russian = SynthesizerCapabilities(languages=frozenset({"ru"}))
    one, two = ScriptedSynthesizer(capabilities=russian), ScriptedSynthesizer()
    async with engine_of(TWO, one.spec("one"), two.spec("two")) as engine:
        assert (await say(engine)).provider == "second"
        names = [guard.name for guard in engine.routing.chain(Kind.SYNTHESIZER, language="ru-RU", project="")]
    assert names == ["first", "second"]


async def test_cancelling_a_caller_frees_the_provider(engine_of: OpenEngine) -> None:
    one, two = ScriptedSynthesizer(HANG), ScriptedSynthesizer()
    async with engine_of(TWO, one.spec("one"), two.spec("two")) as engine:
        speaking = asyncio.create_task(say(engine))
        await one.log.wait_for(1)
        speaking.cancel()
        await asyncio.wait({speaking})
        assert one.calls[0].ended.is_set()
        assert not two.calls


async def test_nothing_of_a_failed_attempt_stays_in_memory(engine_of: OpenEngine) -> None:
    class Audio: ...

    left: list[weakref.ref[Audio]] = []

    async def break_off(guard: Guard[Synthesizer]) -> None:
        audio = Audio()
        left.append(weakref.ref(audio))
        raise ProviderError(ErrorCategory.INVALID_REQUEST, f"{guard.name} does not come to an end")

    one, two = ScriptedSynthesizer(), ScriptedSynthesizer()
    async with engine_of(TWO, one.spec("one"), two.spec("two")) as engine:
        chain = engine.routing.chain(Kind.SYNTHESIZER, language="en-US", project="")
        gc.disable()
        try:
            with contextlib.suppress(Unprocessable):
                await first_answer(chain, break_off, what="synthesize")
            assert [audio() for audio in left] == [None, None]
        finally:
            gc.enable()
