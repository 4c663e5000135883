"""Replies spoken sentence by sentence, while the sentences are still being thought of."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import replace

import numpy as np
import pytest
from glottis.core.audio import level_dbfs
from glottis.core.errors import Unavailable, Unprocessable
from glottis.core.speech import Speaker, SpokenSentence
from glottis.plugins import AudioFrame, ErrorCategory, ProviderError, silence
from glottis.plugins.conformance import HANG, Outcome, ScriptedSynthesizer, tone

from .conftest import DOWN, ONE, REQUEST, TWO, OpenSpeaker

Said = SpokenSentence | AudioFrame


async def texts(*sentences: str) -> AsyncGenerator[str, None]:
    for sentence in sentences:
        yield sentence


def stream(speaker: Speaker, *sentences: str) -> AsyncGenerator[Said, None]:
    return speaker.stream(texts(*sentences), REQUEST)


async def say(speaker: Speaker, *sentences: str) -> list[tuple[SpokenSentence, AudioFrame]]:
    """Hear all of a reply: each sentence with its audio."""
    return joined([item async for item in stream(speaker, *sentences)])


def joined(items: list[Said]) -> list[tuple[SpokenSentence, AudioFrame]]:
    heard: list[tuple[SpokenSentence, list[AudioFrame]]] = []
    for item in items:
        if isinstance(item, SpokenSentence):
            heard.append((item, []))
        else:
            heard[-1][1].append(item)
    return [
        (said, AudioFrame(b"".join(frame.pcm for frame in frames), frames[0].rate_hz if frames else 16_000))
        for said, frames in heard
    ]


def quieter(frame: AudioFrame, factor: int) -> AudioFrame:
    samples = np.frombuffer(frame.pcm, "<i2") // factor
    return AudioFrame(samples.astype("<i2").tobytes(), frame.rate_hz)


async def test_every_sentence_is_announced_before_its_frames(speaker_of: OpenSpeaker) -> None:
    one = ScriptedSynthesizer(tone(0.3), tone(0.5))
    async with speaker_of(ONE, one.spec("one")) as speaker:
        heard = await say(speaker, "First.", "?!", " Second. ")
    assert [said for said, _ in heard] == [
        SpokenSentence("First.", "only", cached=False),
        SpokenSentence("Second.", "only", cached=False),
    ]
    assert [clip.duration_s for _, clip in heard] == [0.3, 0.5]
    assert [call.text for call in one.calls] == ["First.", "Second."]


async def test_frames_are_short_however_long_those_of_the_provider_are(speaker_of: OpenSpeaker) -> None:
    async with speaker_of(ONE, ScriptedSynthesizer(tone(2.05)).spec("one")) as speaker:
        frames = [item async for item in stream(speaker, "Long.") if isinstance(item, AudioFrame)]
    assert max(frame.duration_s for frame in frames) <= 0.1
    assert sum(frame.sample_count for frame in frames) == tone(2.05).sample_count


async def test_a_sentence_is_heard_before_the_next_is_thought_of(speaker_of: OpenSpeaker) -> None:
    thought = asyncio.Event()

    async def thinking() -> AsyncIterator[str]:
        yield "First."
        await thought.wait()
        yield "Second."

    async with (
        speaker_of(ONE, ScriptedSynthesizer(tone(0.2)).spec("one")) as speaker,
        aclosing(speaker.stream(thinking(), REQUEST)) as items,
    ):
        early = [await anext(items) for _ in range(3)]
        assert isinstance(early[0], SpokenSentence)
        thought.set()
        rest = [item async for item in items]
    assert [said.text for said in rest if isinstance(said, SpokenSentence)] == ["Second."]


async def test_audio_is_heard_before_the_provider_has_made_the_rest(speaker_of: OpenSpeaker) -> None:
    gate = asyncio.Event()
    one = ScriptedSynthesizer((tone(0.6), gate, tone(0.6)))
    async with (
        speaker_of(ONE, one.spec("one")) as speaker,
        aclosing(stream(speaker, "Long.")) as items,
    ):
        early = [await anext(items) for _ in range(5)]
        assert one.calls[0].outcome is Outcome.RUNNING
        gate.set()
        rest = [item async for item in items]
    assert joined(early + rest)[0][1].duration_s == pytest.approx(1.2)


async def test_a_listener_who_dawdles_does_not_keep_the_provider(speaker_of: OpenSpeaker) -> None:
    one = ScriptedSynthesizer((tone(1.0), tone(1.0)))
    async with (
        speaker_of(ONE, one.spec("one")) as speaker,
        aclosing(stream(speaker, "One.", "Two.", "Three.", "Four.")) as items,
    ):
        await anext(items)
        await one.log.wait_for(2)
        await one.calls[1].ended.wait()
        assert len(one.calls) == 2, "one sentence is made before its time, and no more"
        assert one.log.running == 0
        rest = [item async for item in items]
    assert len(joined([SpokenSentence("One.", "only", cached=False), *rest])) == 4


async def test_a_failure_before_any_audio_is_not_noticed(speaker_of: OpenSpeaker) -> None:
    one, two = ScriptedSynthesizer(DOWN), ScriptedSynthesizer()
    async with speaker_of(TWO, one.spec("one"), two.spec("two")) as speaker:
        heard = await say(speaker, "First.", "Second.")
    assert [said for said, _ in heard] == [
        SpokenSentence("First.", "second", cached=False),
        SpokenSentence("Second.", "second", cached=False),
    ]
    assert len(one.calls) == 1, "the second sentence stays with the voice of the first"


async def test_zero_audio_is_a_failure(speaker_of: OpenSpeaker) -> None:
    one, two = ScriptedSynthesizer(()), ScriptedSynthesizer()
    async with speaker_of(TWO, one.spec("one"), two.spec("two")) as speaker:
        heard = await say(speaker, "First.")
    assert [said for said, _ in heard] == [SpokenSentence("First.", "second", cached=False)]


async def test_a_failure_between_sentences_moves_to_the_next_provider_and_says_so(
    speaker_of: OpenSpeaker,
) -> None:
    one = ScriptedSynthesizer(tone(0.3), DOWN, tone(0.3))
    two = ScriptedSynthesizer(tone(0.4, rate_hz=24_000))
    async with speaker_of(TWO, one.spec("one"), two.spec("two")) as speaker:
        heard = await say(speaker, "One.", "Two.", "Three.")
    assert [said for said, _ in heard] == [
        SpokenSentence("One.", "first", cached=False),
        SpokenSentence("Two.", "second", cached=False, moved_from="first"),
        SpokenSentence("Three.", "second", cached=False),
    ]
    assert [clip.rate_hz for _, clip in heard] == [16_000, 24_000, 24_000]


async def test_a_sentence_that_breaks_off_is_said_again_by_the_next_provider(speaker_of: OpenSpeaker) -> None:
    gate = asyncio.Event()
    one, two = ScriptedSynthesizer((tone(0.8), gate, DOWN)), ScriptedSynthesizer(tone(0.3))
    async with (
        speaker_of(TWO, one.spec("one"), two.spec("two")) as speaker,
        aclosing(stream(speaker, "One.", "Two.")) as items,
    ):
        early = [await anext(items) for _ in range(3)]
        gate.set()
        heard = joined(early + [item async for item in items])
    assert [said for said, _ in heard] == [
        SpokenSentence("One.", "first", cached=False),
        SpokenSentence("One.", "second", cached=False, moved_from="first", is_repeated=True),
        SpokenSentence("Two.", "second", cached=False),
    ]
    assert [clip.duration_s for _, clip in heard][1:] == [0.3, 0.3]


async def test_what_nobody_has_heard_of_a_broken_sentence_is_dropped(speaker_of: OpenSpeaker) -> None:
    one, two = ScriptedSynthesizer(tone(0.6), (tone(0.8), DOWN)), ScriptedSynthesizer(tone(0.3))
    async with (
        speaker_of(TWO, one.spec("one"), two.spec("two")) as speaker,
        aclosing(stream(speaker, "One.", "Two.")) as items,
    ):
        early = [await anext(items)]
        await two.log.wait_for(1)
        heard = joined(early + [item async for item in items])
    assert [said for said, _ in heard][1:] == [
        SpokenSentence("Two.", "second", cached=False, moved_from="first")
    ]


async def test_a_provider_that_stalls_in_mid_sentence_is_left(speaker_of: OpenSpeaker) -> None:
    one, two = ScriptedSynthesizer((tone(0.8), HANG)), ScriptedSynthesizer(tone(0.3))
    toml = TWO.replace('use = "one"', 'use = "one"\nlimits = { first_result_s = 0.1 }')
    async with speaker_of(toml, one.spec("one"), two.spec("two")) as speaker:
        heard = await say(speaker, "One.")
    assert [(said.provider, said.is_repeated) for said, _ in heard] == [("first", False), ("second", True)]
    assert one.calls[0].outcome is Outcome.CANCELLED


async def test_the_last_provider_of_a_chain_is_asked_again(speaker_of: OpenSpeaker) -> None:
    one = ScriptedSynthesizer((tone(0.8), DOWN), tone(0.3))
    async with speaker_of(ONE, one.spec("one")) as speaker:
        heard = await say(speaker, "One.")
    assert heard[-1][0].moved_from is None
    assert heard[-1][1].duration_s == pytest.approx(0.3)


async def test_when_nobody_can_go_on_the_stream_ends_in_an_error(speaker_of: OpenSpeaker) -> None:
    one, two = ScriptedSynthesizer(tone(0.3), DOWN), ScriptedSynthesizer(DOWN)
    heard: list[Said] = []
    async with speaker_of(TWO, one.spec("one"), two.spec("two")) as speaker:
        items = stream(speaker, "One.", "Two.", "Three.")
        heard += [await anext(items) for _ in range(4)]
        with pytest.raises(Unavailable):
            await anext(items)
    assert [said.text for said, _ in joined(heard)] == ["One."]


async def test_a_voice_that_nobody_has_is_the_callers_mistake(speaker_of: OpenSpeaker) -> None:
    refusal = ProviderError(ErrorCategory.INVALID_REQUEST, "there is no voice Nemo")
    async with speaker_of(ONE, ScriptedSynthesizer(refusal).spec("one")) as speaker:
        with pytest.raises(Unprocessable, match="Nemo"):
            await say(speaker, "One.")


async def test_what_goes_wrong_with_the_sentences_is_told(speaker_of: OpenSpeaker) -> None:
    async def breaking() -> AsyncIterator[str]:
        yield "One."
        raise Unavailable("no more words")

    async with speaker_of(ONE, ScriptedSynthesizer().spec("one")) as speaker:
        with pytest.raises(Unavailable, match="no more words"):
            _ = [item async for item in speaker.stream(breaking(), REQUEST)]


@pytest.mark.parametrize("frames", [0, 1, 3])
async def test_closing_the_stream_frees_the_provider_at_once(speaker_of: OpenSpeaker, frames: int) -> None:
    one = ScriptedSynthesizer((tone(0.6), HANG))
    closed = asyncio.Event()

    async def thinking() -> AsyncGenerator[str, None]:
        try:
            yield "One."
            yield "Two."
        finally:
            closed.set()

    async with speaker_of(ONE, one.spec("one")) as speaker:
        items = speaker.stream(thinking(), REQUEST)
        for _ in range(1 + frames):
            await anext(items)
        await items.aclose()
        assert one.calls[0].outcome is Outcome.CANCELLED
        assert len(one.calls) == 1
        assert closed.is_set()


async def test_cancelling_the_listener_frees_the_provider(speaker_of: OpenSpeaker) -> None:
    one = ScriptedSynthesizer(HANG)
    async with speaker_of(ONE, one.spec("one")) as speaker:
        listening = asyncio.create_task(say(speaker, "One."))
        await one.log.wait_for(1)
        listening.cancel()
        await asyncio.wait({listening})
        assert one.calls[0].outcome is Outcome.CANCELLED


async def test_a_sentence_is_spoken_once_for_all_who_want_it_at_one_time(speaker_of: OpenSpeaker) -> None:
    gate = asyncio.Event()
    one = ScriptedSynthesizer((tone(0.6), gate, tone(0.4)))
    async with speaker_of(ONE, one.spec("one")) as speaker:
        listening = [stream(speaker, "Welcome.") for _ in range(20)]
        early = [[await anext(items)] for items in listening]
        await listening[0].aclose()
        gate.set()
        heard = [
            joined(begun + [item async for item in items])
            for begun, items in zip(early, listening, strict=True)
        ]
    assert len(one.calls) == 1
    assert [clip.duration_s for ((_, clip),) in heard] == [0.0] + [1.0] * 19


async def test_a_sentence_that_was_said_before_comes_from_the_cache(speaker_of: OpenSpeaker) -> None:
    one = ScriptedSynthesizer(tone(0.6))
    async with speaker_of(ONE, one.spec("one")) as speaker:
        ((_, first),) = await say(speaker, "Again.")
        ((said, again),) = await say(speaker, "Again.")
    assert said == SpokenSentence("Again.", "only", cached=True)
    assert again == first
    assert len(one.calls) == 1


async def test_a_sentence_is_cached_for_the_other_nodes(speaker_of: OpenSpeaker) -> None:
    one = ScriptedSynthesizer(tone(0.6))
    request = replace(REQUEST, text="Again.")
    async with speaker_of(ONE, one.spec("one")) as here:
        await say(here, "Again.")  # it is stored when nobody waits for it, before the node goes at the latest
    async with speaker_of(ONE, one.spec("one")) as there:
        spoken = await there.say(request)
        ((said, clip),) = await say(there, "Again.")
    assert (spoken.cached, said.cached) == (True, True)
    assert clip.duration_s == pytest.approx(spoken.duration_s)
    assert len(one.calls) == 1


async def test_a_sentence_of_another_scope_is_another_sentence(speaker_of: OpenSpeaker) -> None:
    one = ScriptedSynthesizer(tone(0.6))
    async with speaker_of(ONE, one.spec("one")) as speaker:
        await say(speaker, "Mine.")
        items = speaker.stream(texts("Mine."), replace(REQUEST, scope="project:other"))
        said = await anext(items)
        await items.aclose()
    assert said == SpokenSentence("Mine.", "only", cached=False)


async def test_what_was_interrupted_is_not_cached(speaker_of: OpenSpeaker) -> None:
    gate = asyncio.Event()
    one = ScriptedSynthesizer((tone(0.6), gate), tone(0.6))
    async with speaker_of(ONE, one.spec("one")) as speaker:
        items = stream(speaker, "Broken.")
        await anext(items)
        await items.aclose()
        ((said, clip),) = await say(speaker, "Broken.")
    assert not said.cached
    assert clip.duration_s == pytest.approx(0.6)


async def test_every_sentence_of_an_unknown_voice_is_as_loud_as_speech_should_be(
    speaker_of: OpenSpeaker,
) -> None:
    quiet, loud = quieter(tone(1.0), 16), tone(1.0)
    one, two = ScriptedSynthesizer(quiet, DOWN), ScriptedSynthesizer(loud)
    async with speaker_of(TWO, one.spec("one"), two.spec("two")) as speaker:
        heard = await say(speaker, "One.", "Two.")
    assert [said.provider for said, _ in heard] == ["first", "second"]
    assert [level_dbfs(clip) for _, clip in heard] == pytest.approx([-20, -20], abs=0.5)


async def test_one_gain_serves_a_whole_reply(speaker_of: OpenSpeaker) -> None:
    # A voice that whispers does so on purpose: the second sentence stays as much quieter as it was made.
    one = ScriptedSynthesizer(tone(1.0), quieter(tone(1.0), 4), (tone(0.5), quieter(tone(0.5), 4)))
    async with speaker_of(ONE, one.spec("one")) as speaker:
        heard = await say(speaker, "One.", "Two.", "Three.")
    levels = [level_dbfs(clip) for _, clip in heard]
    assert levels[0] - levels[1] == pytest.approx(12.04, abs=0.1)
    samples = np.abs(np.frombuffer(heard[2][1].pcm, "<i2").astype(float))
    assert samples[:8_000].mean() / samples[8_000:].mean() == pytest.approx(4, rel=0.01)


async def test_a_known_voice_is_heard_at_once_with_the_gain_that_it_had(speaker_of: OpenSpeaker) -> None:
    gate = asyncio.Event()
    one = ScriptedSynthesizer(quieter(tone(1.0), 4), (quieter(tone(0.1), 4), gate, tone(0.1)))
    async with speaker_of(ONE, one.spec("one")) as speaker:
        await speaker.say(replace(REQUEST, text="To be known."))
        ((_, known),) = await say(speaker, "To be known.")
        async with aclosing(stream(speaker, "Now.")) as items:
            await anext(items)
            early = await anext(items)
            gate.set()
    assert isinstance(early, AudioFrame)
    assert level_dbfs(early) == pytest.approx(level_dbfs(known), abs=0.3)


async def test_a_silent_beginning_does_not_make_a_voice_louder(speaker_of: OpenSpeaker) -> None:
    one = ScriptedSynthesizer((silence(1.2, rate_hz=16_000), tone(1.0)))
    async with speaker_of(ONE, one.spec("one")) as speaker:
        ((_, clip),) = await say(speaker, "Well.")
    assert level_dbfs(AudioFrame(clip.pcm[2 * 19_200 :], 16_000)) == pytest.approx(-20, abs=0.5)


async def test_short_frames_are_joined_without_a_jump(speaker_of: OpenSpeaker) -> None:
    time_s = np.arange(16_000) / 16_000
    # Peaks far above the ceiling, so that the limiter works across the seams of the frames.
    sound = np.sin(2 * np.pi * 200 * time_s) * (0.1 + 0.9 * (np.sin(2 * np.pi * 3 * time_s) > 0.95))
    pcm = (sound * 32_000).astype("<i2").tobytes()
    pieces = tuple(AudioFrame(pcm[start : start + 320], 16_000) for start in range(0, len(pcm), 320))
    one = ScriptedSynthesizer(AudioFrame(pcm, 16_000), pieces)
    async with speaker_of(ONE, one.spec("one")) as speaker:
        (_, whole), (_, seamed) = await say(speaker, "Whole.", "In pieces.")
    assert seamed == whole
    assert np.abs(np.frombuffer(seamed.pcm, "<i2")).max() <= 32_768 * 10 ** (-6 / 20) + 1
