"""Recognizers that fail while somebody speaks."""

import asyncio
from pathlib import Path
from typing import Any, cast

import pytest
from glottis.core.errors import Unavailable, Unprocessable
from glottis.plugins import ErrorCategory, Partial, ProviderError, RecognizerCapabilities
from glottis.plugins.conformance import HANG, Outcome, ScriptedRecognizer

from .scripted_hearing import STREAMING, chain_of, listening

pytestmark = pytest.mark.virtual_time

DOWN = ProviderError(ErrorCategory.UNAVAILABLE, "gone")
BUSY = ProviderError(ErrorCategory.RATE_LIMITED, "busy")


def heard_s(recognizer: ScriptedRecognizer) -> float:
    """Add up the audio of the last call."""
    return round(sum(frame.duration_s for frame in recognizer.calls[-1].frames), 2)


async def test_the_next_takes_over_from_one_that_dies_on_its_first_partial(tmp_path: Path) -> None:
    one, two = ScriptedRecognizer(DOWN), ScriptedRecognizer("I would", "I would like", "I would like tea.")
    async with chain_of(tmp_path, one, two) as chain, listening(chain) as ear:
        await ear.say(2.0)
        heard = await ear.live.finish()
    assert (heard.transcript.text, heard.provider) == ("I would like tea.", "ear1")
    assert (len(one.calls), heard_s(two)) == (1, 2.0)
    assert ear.partials[0].text == "I would"


async def test_the_next_takes_over_from_one_that_dies_on_the_final(tmp_path: Path) -> None:
    one, two = ScriptedRecognizer("I would", "I would like", DOWN), ScriptedRecognizer("I wood like tea.")
    async with chain_of(tmp_path, one, two) as chain, listening(chain) as ear:
        await ear.say(2.0)
        heard = await ear.live.finish()
    assert (heard.provider, heard_s(two)) == ("ear1", 2.0)
    assert heard.transcript.text.startswith(ear.prefixes[-1])


async def test_the_next_reads_the_pause_at_which_one_dies(tmp_path: Path) -> None:
    one, two = ScriptedRecognizer(DOWN), ScriptedRecognizer("tea")
    async with chain_of(tmp_path, one, two) as chain, listening(chain, wants_partials=False) as ear:
        await ear.say(0.6)
        ear.live.pause()
        await ear.say(0.4, loudly=False)
        assert [(heard.transcript.text, heard.provider) for heard in ear.settled] == [("tea", "ear1")]
        assert (await ear.live.finish(nothing_since_pause=True)).provider == "ear1"
    assert len(two.calls) == 1


async def test_one_that_hangs_is_left_for_the_next(tmp_path: Path) -> None:
    one, two = ScriptedRecognizer(HANG), ScriptedRecognizer("tea")
    async with chain_of(tmp_path, one, two) as chain, listening(chain) as ear:
        await ear.say(1.0)
        heard = await ear.live.finish()
    assert heard.provider == "ear1"
    assert [call.outcome for call in one.calls] == [Outcome.CANCELLED, Outcome.CANCELLED]


async def test_one_that_is_busy_is_left_for_the_next(tmp_path: Path) -> None:
    one, two = ScriptedRecognizer(BUSY), ScriptedRecognizer("tea")
    async with chain_of(tmp_path, one, two) as chain, listening(chain) as ear:
        await ear.say(1.0)
        assert (await ear.live.finish()).provider == "ear1"


@pytest.mark.parametrize("seconds", [0.5, 2.0])
async def test_when_every_one_fails_the_caller_is_told(tmp_path: Path, seconds: float) -> None:
    one, two = ScriptedRecognizer(DOWN), ScriptedRecognizer(DOWN)
    async with chain_of(tmp_path, one, two) as chain, listening(chain) as ear:
        await ear.say(seconds)
        with pytest.raises(Unavailable):
            await ear.live.finish()


async def test_a_request_that_every_one_refuses_is_the_callers_mistake(tmp_path: Path) -> None:
    one = ScriptedRecognizer(ProviderError(ErrorCategory.UNSUPPORTED, "no Klingon"))
    async with chain_of(tmp_path, one) as chain, listening(chain) as ear:
        await ear.say(1.0)
        with pytest.raises(Unprocessable, match="no Klingon"):
            await ear.live.finish()


async def test_those_that_all_failed_on_the_way_are_asked_once_more_at_the_end(tmp_path: Path) -> None:
    one = ScriptedRecognizer(DOWN, "tea")
    async with chain_of(tmp_path, one) as chain, listening(chain) as ear:
        await ear.say(2.0)
        heard = await ear.live.finish()
    assert (heard.transcript.text, heard_s(one)) == ("tea", 2.0)


async def test_a_stream_is_heard_while_it_comes(tmp_path: Path) -> None:
    one = ScriptedRecognizer((Partial("I"), Partial("I would", "I "), "I would."), capabilities=STREAMING)
    async with chain_of(tmp_path, one) as chain, listening(chain) as ear:
        await ear.say(0.5)
        assert ear.partials == [Partial("I"), Partial("I would", "I")]
        ear.live.pause()
        await ear.say(0.1, loudly=False)
        assert [heard.transcript.text for heard in ear.settled] == ["I would"]
        assert (await ear.live.finish()).transcript.text == "I would."
    assert (one.calls[0].outcome, heard_s(one)) == (Outcome.FINISHED, 0.6)


async def test_a_stream_comes_at_the_rate_that_is_wanted(tmp_path: Path) -> None:
    wanted = RecognizerCapabilities(streaming=True, partials=True, rate_hz=8_000)
    one = ScriptedRecognizer("tea", capabilities=wanted)
    async with chain_of(tmp_path, one) as chain, listening(chain) as ear:
        await ear.say(1.0)
        await ear.live.finish()
    assert {frame.rate_hz for frame in one.calls[0].frames} == {8_000}
    assert heard_s(one) == 1.0


async def test_a_stream_that_wavers_keeps_its_word(tmp_path: Path) -> None:
    play = (Partial("I would m", "I would "), Partial("ice", ""), "Ice wood melt.")
    one = ScriptedRecognizer(play, capabilities=STREAMING)
    async with chain_of(tmp_path, one) as chain, listening(chain) as ear:
        await ear.say(0.5)
        heard = await ear.live.finish()
    assert ear.prefixes == ["I would", "I would"]
    assert heard.transcript.text == "I would melt."


@pytest.mark.parametrize(
    "play",
    [(DOWN,), (Partial("I"), DOWN), (Partial("I", cast("str", 7)), "I"), (Partial("I"), HANG)],
    ids=["at the end", "on the way", "against its contract", "never"],
)
async def test_all_that_was_said_goes_to_the_next_when_a_stream_breaks(
    tmp_path: Path, play: tuple[Any, ...]
) -> None:
    one = ScriptedRecognizer(play, capabilities=STREAMING)
    two = ScriptedRecognizer((Partial("I would"), "I would."), capabilities=STREAMING)
    async with chain_of(tmp_path, one, two) as chain, listening(chain) as ear:
        loop = asyncio.get_running_loop()
        await ear.say(1.0)
        started = loop.time()
        heard = await ear.live.finish()
        assert loop.time() - started <= 5.1, "more than the limit of a call"
    assert (heard.transcript.text, heard.provider) == ("I would.", "ear1")
    assert heard_s(two) == 1.0


async def test_a_stream_that_has_no_place_is_left_for_the_next(tmp_path: Path) -> None:
    one, two = ScriptedRecognizer(HANG, capabilities=STREAMING), ScriptedRecognizer("tea")
    limits = "retries = 0, max_concurrency = 1"
    async with chain_of(tmp_path, one, two, limits=limits) as chain:
        async with listening(chain) as other, listening(chain) as ear:
            await other.say(0.5)
            await ear.say(0.5)
            assert (await ear.live.finish()).provider == "ear1"
        assert [call.outcome for call in one.calls] == [Outcome.CANCELLED]
        assert chain[0].has_room
