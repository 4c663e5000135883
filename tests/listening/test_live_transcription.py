"""An utterance that is read while it is being said, by recognizers that take whole clips."""

import asyncio
from pathlib import Path

import pytest
from glottis.core.listening.batch_reading import CUT_AT_PAUSE_S, CUT_S
from glottis.plugins import (
    Alternative,
    AudioFrame,
    ErrorCategory,
    Partial,
    ProviderError,
    RecognitionOptions,
    RecognizerCapabilities,
    Transcript,
    Word,
)
from glottis.plugins.conformance import HANG, Outcome, ScriptedRecognizer, tone

from .scripted_hearing import ENGLISH, chain_of, listening

pytestmark = pytest.mark.virtual_time

BUSY = ProviderError(ErrorCategory.RATE_LIMITED, "busy")


def one_second() -> AudioFrame:
    return tone(1.0)


def lengths(recognizer: ScriptedRecognizer) -> list[float]:
    return [round(call.frames[0].duration_s, 2) for call in recognizer.calls]


def drafts(recognizer: ScriptedRecognizer) -> list[bool]:
    return [call.options.draft for call in recognizer.calls]


async def test_what_is_said_is_told_while_it_is_said(tmp_path: Path) -> None:
    one = ScriptedRecognizer(
        "I would", "I would like tea", "I would like tea, please", "I would like tea, please."
    )
    async with chain_of(tmp_path, one) as chain, listening(chain) as ear:
        await ear.say(2.5)
        heard = await ear.live.finish()
    assert ear.partials == [
        Partial("I would", ""),
        Partial("I would like tea", ""),
        Partial("I would like tea, please", "I"),
    ]
    assert (heard.transcript.text, heard.provider) == ("I would like tea, please.", "ear0")
    assert drafts(one) == [True, True, True, False]
    assert lengths(one) == [0.7, 1.4, 2.1, 2.5]


async def test_whoever_wants_no_partials_costs_one_call(tmp_path: Path) -> None:
    one = ScriptedRecognizer("tea")
    async with chain_of(tmp_path, one) as chain, listening(chain, wants_partials=False) as ear:
        await ear.say(5.0)
        assert (await ear.live.finish()).transcript.text == "tea"
    assert (ear.partials, lengths(one)) == ([], [5.0])


async def test_a_pause_is_read_at_once_and_is_the_final_when_nothing_follows(tmp_path: Path) -> None:
    one = ScriptedRecognizer("tea", HANG)
    async with chain_of(tmp_path, one) as chain, listening(chain, wants_partials=False) as ear:
        await ear.say(0.6)
        ear.live.pause()
        await ear.say(0.4, loudly=False)
        assert [heard.transcript.text for heard in ear.settled] == ["tea"]
        assert (await ear.live.finish(nothing_since_pause=True)).transcript.text == "tea"
    assert (drafts(one), lengths(one)) == ([False], [0.6])


async def test_a_pause_whose_reading_is_still_under_way_is_waited_for(tmp_path: Path) -> None:
    gate = asyncio.Event()
    one = ScriptedRecognizer((gate, "tea"), HANG)
    async with chain_of(tmp_path, one) as chain, listening(chain, wants_partials=False) as ear:
        await ear.say(0.6)
        ear.live.pause()
        await ear.say(0.2, loudly=False)
        finishing = asyncio.create_task(ear.live.finish(nothing_since_pause=True))
        await asyncio.sleep(0.1)
        gate.set()
        assert (await finishing).transcript.text == "tea"
    assert ear.settled == [], "nobody speculates on what is final"


async def test_whoever_goes_on_after_a_pause_is_read_whole(tmp_path: Path) -> None:
    one = ScriptedRecognizer("tea", "tea with milk")
    async with chain_of(tmp_path, one) as chain, listening(chain, wants_partials=False) as ear:
        await ear.say(0.6)
        ear.live.pause()
        await ear.say(0.6)
        assert (await ear.live.finish()).transcript.text == "tea with milk"
    assert lengths(one) == [0.6, 1.2]


async def test_a_later_pause_ends_the_reading_of_the_one_before(tmp_path: Path) -> None:
    one = ScriptedRecognizer(HANG, "tea with milk")
    async with chain_of(tmp_path, one) as chain, listening(chain, wants_partials=False) as ear:
        for _ in range(2):
            await ear.say(0.6)
            ear.live.pause()
        await ear.say(0.4, loudly=False)
        assert (await ear.live.finish(nothing_since_pause=True)).transcript.text == "tea with milk"
    assert [call.outcome for call in one.calls] == [Outcome.CANCELLED, Outcome.FINISHED]
    assert [heard.transcript.text for heard in ear.settled] == ["tea with milk"]


async def test_a_pause_in_a_long_utterance_is_read_once_and_never_again(tmp_path: Path) -> None:
    word = Word("x", 0.5, 1.0, 0.9)
    first = Transcript("One.", 0.8, "en", (word,), (Alternative("Won.", 0.4),))
    last = Transcript("Two!", 0.6, "en", (word,), (Alternative("Too!", 0.3),))
    one = ScriptedRecognizer(first, last)
    options = RecognitionOptions(language="en-US", word_times=True, alternatives=1)
    async with (
        chain_of(tmp_path, one) as chain,
        listening(chain, wants_partials=False, options=options) as ear,
    ):
        await ear.say(CUT_AT_PAUSE_S)
        ear.live.pause()
        await ear.say(2.0)
        heard = (await ear.live.finish()).transcript
    assert lengths(one) == [CUT_AT_PAUSE_S, 2.0]
    assert heard.text == "One. Two!"
    assert heard.confidence == pytest.approx(0.7)
    assert [found.start_s for found in heard.words] == [0.5, CUT_AT_PAUSE_S + 0.5]
    assert heard.alternatives == (Alternative("One. Too!", 0.3),)


async def test_a_long_utterance_without_a_pause_is_cut_where_it_is_quietest(tmp_path: Path) -> None:
    one = ScriptedRecognizer("One", "two")
    async with chain_of(tmp_path, one) as chain, listening(chain, wants_partials=False) as ear:
        await ear.say(10.0)
        await ear.say(0.4, loudly=False)
        await ear.say(CUT_S - 10.0)
        heard = await ear.live.finish()
    assert heard.transcript.text == "One two"
    cut_s, rest_s = lengths(one)
    assert cut_s == pytest.approx(10.2, abs=0.12)
    assert cut_s + rest_s == pytest.approx(CUT_S + 0.4)


async def test_drafts_never_pile_up_and_slow_ones_come_more_seldom(tmp_path: Path) -> None:
    one = ScriptedRecognizer("slow")
    async with chain_of(tmp_path, one) as chain, listening(chain) as ear:
        gates = [asyncio.Event() for _ in range(3)]
        one.script.replace([*((gate, "slow") for gate in gates), "slow"])
        await ear.say(2.7)
        gates[0].set()  # it took two seconds
        await ear.say(1.9)
        assert lengths(one) == [0.7, pytest.approx(2.7, abs=0.1)], "the next after two seconds of new audio"
        gates[1].set()
        gates[2].set()
        await ear.live.finish()
    assert one.log.most_at_once == 1


async def test_a_recognizer_that_others_keep_busy_makes_no_drafts(tmp_path: Path) -> None:
    one = ScriptedRecognizer((gate := asyncio.Event(), "other"), "mine")
    limits = "retries = 0, max_concurrency = 1"
    async with chain_of(tmp_path, one, limits=limits) as chain, listening(chain) as ear:
        other = asyncio.create_task(chain[0].call(lambda provider: provider.recognize(one_second(), ENGLISH)))
        await ear.say(3.0)
        assert len(one.calls) == 1
        finishing = asyncio.create_task(ear.live.finish())
        await asyncio.sleep(0.5)
        gate.set()
        assert (await finishing).transcript.text == "mine"
        await other
    assert ear.partials == []


async def test_a_draft_that_is_refused_for_being_busy_is_left_out(tmp_path: Path) -> None:
    one, two = ScriptedRecognizer(BUSY, "tea"), ScriptedRecognizer()
    async with chain_of(tmp_path, one, two) as chain, listening(chain) as ear:
        await ear.say(1.0)
        assert (await ear.live.finish()).provider == "ear0"
    assert not two.calls


async def test_a_stable_prefix_binds_the_final(tmp_path: Path) -> None:
    one = ScriptedRecognizer("I scream for", "I scream for", "I scream for you", "Ice cream for you.")
    async with chain_of(tmp_path, one) as chain, listening(chain) as ear:
        await ear.say(2.2)
        assert ear.prefixes == ["", "I scream"]
        assert (await ear.live.finish()).transcript.text == "I scream for you."


async def test_silence_asks_nobody(tmp_path: Path) -> None:
    one = ScriptedRecognizer("invention")
    async with chain_of(tmp_path, one) as chain, listening(chain) as ear:
        await ear.say(3.0, loudly=False)
        ear.live.pause()
        heard = await ear.live.finish()
    assert (heard.transcript.text, one.calls, ear.partials) == ("", [], [])


async def test_an_utterance_without_audio_is_nothing_said(tmp_path: Path) -> None:
    one = ScriptedRecognizer("invention")
    async with chain_of(tmp_path, one) as chain, listening(chain) as ear:
        assert (await ear.live.finish()).transcript == Transcript("", 0.0, "en-US")


async def test_a_minute_that_comes_at_once_is_read_in_pieces(tmp_path: Path) -> None:
    one = ScriptedRecognizer("a", "b", "c", "d", "e", "f", "g")
    async with chain_of(tmp_path, one) as chain, listening(chain, wants_partials=False) as ear:
        ear.live.push(one_second().pcm * 60)
        await asyncio.sleep(0)
        text = (await ear.live.finish()).transcript.text
    assert sum(lengths(one)) == pytest.approx(60.0, abs=0.1)
    assert max(lengths(one)) <= CUT_S
    assert sorted(text.split()) == list("abcdefg"[: len(one.calls)])


async def test_a_rate_that_is_not_ours_is_reached(tmp_path: Path) -> None:
    one = ScriptedRecognizer("tea", capabilities=RecognizerCapabilities(rate_hz=8_000))
    async with chain_of(tmp_path, one) as chain, listening(chain) as ear:
        await ear.say(1.0)
        await ear.live.finish()
    assert {call.frames[0].rate_hz for call in one.calls} == {8_000}
    assert lengths(one) == [0.7, 1.0]


async def test_closing_cancels_what_is_under_way(tmp_path: Path) -> None:
    one = ScriptedRecognizer(HANG)
    async with chain_of(tmp_path, one) as chain:
        async with listening(chain) as ear:
            await ear.say(1.0)
            ear.live.pause()
            await ear.say(0.1)
        assert [call.outcome for call in one.calls] == [Outcome.CANCELLED, Outcome.CANCELLED]
        assert chain[0].has_room


async def test_cancelling_finish_frees_the_recognizer(tmp_path: Path) -> None:
    one = ScriptedRecognizer(HANG)
    async with chain_of(tmp_path, one) as chain, listening(chain, wants_partials=False) as ear:
        await ear.say(0.5)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1.0):
                await ear.live.finish()
        assert [call.outcome for call in one.calls] == [Outcome.CANCELLED]
