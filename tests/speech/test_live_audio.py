"""Audio that can be fetched while it is still being made."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace

import pytest
from glottis.core.audio import decode, level_dbfs
from glottis.core.errors import NotFound, Unavailable, Unprocessable
from glottis.core.speech import AudioBrokenOff, LiveAudio, Speaker
from glottis.core.store import AudioRecord
from glottis.plugins import VoiceInfo
from glottis.plugins.conformance import HANG, Outcome, ScriptedSynthesizer, tone

from .conftest import DOWN, ONE, REQUEST, TWO, OpenSpeaker

HELLO = replace(REQUEST, text="Hello there.")


async def growing(speaker: Speaker, audio_id: str) -> LiveAudio:
    found = await speaker.fetch(audio_id)
    assert isinstance(found, LiveAudio)
    return found


async def stored(speaker: Speaker, audio_id: str) -> AudioRecord:
    found = await speaker.fetch(audio_id)
    assert isinstance(found, AudioRecord)
    return found


@pytest.mark.parametrize("audio_format", ["wav", "mp3", "opus"])
async def test_what_is_being_spoken_can_be_fetched_from_its_first_audio_on(
    speaker_of: OpenSpeaker, audio_format: str
) -> None:
    gate = asyncio.Event()
    one = ScriptedSynthesizer((tone(1.0), gate, tone(1.0)))
    async with speaker_of(ONE, one.spec("one")) as speaker:
        speech = await speaker.begin(replace(HELLO, format=audio_format))
        assert (speech.provider, speech.cached) == ("only", False)
        audio = await growing(speaker, speech.id)
        async with aclosing(audio.read()) as pieces:
            early = await anext(pieces)
            gate.set()
            whole = early + b"".join([piece async for piece in pieces])
        spoken = await speech.finished()
        record = await stored(speaker, speech.id)
    assert (spoken.id, spoken.content_type) == (speech.id, audio.content_type)
    assert spoken.duration_s == pytest.approx(2.0, abs=0.01)
    for data in (whole, record.data):
        clip = decode(data, max_s=10)
        assert clip.duration_s == pytest.approx(2.0, abs=0.15)
        assert level_dbfs(clip) == pytest.approx(-20, abs=1)


async def test_every_reader_hears_all_of_it_at_a_pace_of_its_own(speaker_of: OpenSpeaker) -> None:
    gate = asyncio.Event()
    one = ScriptedSynthesizer((*([tone(0.3)] * 5), gate, *([tone(0.02)] * 50), *([tone(0.9)] * 5)))
    async with speaker_of(ONE, one.spec("one")) as speaker:
        audio = await growing(speaker, (await speaker.begin(HELLO)).id)
        leaving, slow, *others = (audio.read() for _ in range(8))
        await anext(leaving)
        early = await anext(slow)
        reading = [asyncio.create_task(_all(pieces)) for pieces in others]
        gate.set()
        await leaving.aclose()
        heard = await asyncio.gather(*reading)
        heard.append(early + b"".join([piece async for piece in slow]))
    assert len(set(heard)) == 1
    assert decode(heard[0], max_s=60).duration_s == pytest.approx(7.0)


async def _all(pieces: AsyncIterator[bytes]) -> bytes:
    return b"".join([piece async for piece in pieces])


async def test_audio_that_is_there_begins_and_ends_at_once(speaker_of: OpenSpeaker) -> None:
    async with speaker_of(ONE, ScriptedSynthesizer(tone(0.5)).spec("one")) as speaker:
        spoken = await speaker.say(HELLO)
        speech = await speaker.begin(HELLO)
        assert (speech.id, speech.cached) == (spoken.id, True)
        assert await speech.finished() == replace(spoken, cached=True)


async def test_whoever_begins_what_is_being_said_joins_it(speaker_of: OpenSpeaker) -> None:
    gate = asyncio.Event()
    one = ScriptedSynthesizer((tone(0.5), gate, tone(0.5)))
    async with speaker_of(ONE, one.spec("one")) as speaker:
        first = await speaker.begin(HELLO)
        saying = asyncio.create_task(speaker.say(HELLO))
        second = await speaker.begin(HELLO)
        gate.set()
        spoken = [await first.finished(), await second.finished(), await saying]
    assert [one.cached for one in spoken] == [False, True, True]
    assert len({one.id for one in spoken}) == 1
    assert len(one.calls) == 1


async def test_another_node_waits_until_the_audio_is_whole(speaker_of: OpenSpeaker) -> None:
    gate = asyncio.Event()
    one = ScriptedSynthesizer((tone(0.5), gate, tone(0.5)))
    async with speaker_of(ONE, one.spec("one")) as here, speaker_of(ONE, one.spec("one")) as there:
        speech = await here.begin(HELLO)
        fetching = asyncio.create_task(stored(there, speech.id))
        gate.set()
        await speech.finished()
        assert (await fetching).data == (await stored(here, speech.id)).data
    assert len(one.calls) == 1


async def test_a_fallback_is_fetched_by_the_id_that_was_told(speaker_of: OpenSpeaker) -> None:
    gate = asyncio.Event()
    one, two = ScriptedSynthesizer(DOWN), ScriptedSynthesizer((tone(0.5), gate, tone(0.5)))
    specs = (one.spec("one"), two.spec("two"))
    async with speaker_of(TWO, *specs) as here, speaker_of(TWO, *specs) as there:
        speech = await here.begin(HELLO)
        assert speech.provider == "second"
        audio = await growing(here, speech.id)
        fetching = asyncio.create_task(stored(there, speech.id))
        gate.set()
        assert (await speech.finished()).id == speech.id
        assert (await fetching).provider == "second"
        assert decode(await audio.whole(), max_s=10).duration_s == pytest.approx(1.0)


async def test_a_synthesis_that_breaks_off_is_heard_to_break_off_and_said_anew(
    speaker_of: OpenSpeaker,
) -> None:
    gate = asyncio.Event()
    one, two = ScriptedSynthesizer((tone(0.8), gate, DOWN)), ScriptedSynthesizer(tone(0.5))
    async with speaker_of(TWO, one.spec("one"), two.spec("two")) as speaker:
        speech = await speaker.begin(HELLO)
        audio = await growing(speaker, speech.id)
        gate.set()
        with pytest.raises(AudioBrokenOff):
            await audio.whole()
        spoken = await speech.finished()
        assert spoken.provider == "second"
        assert spoken.duration_s == pytest.approx(0.5)
        assert (await stored(speaker, spoken.id)).provider == "second"
        with pytest.raises(NotFound):
            await speaker.fetch(speech.id)


async def test_a_failure_before_any_audio_is_told_to_whoever_begins(speaker_of: OpenSpeaker) -> None:
    async with speaker_of(ONE, ScriptedSynthesizer(()).spec("one")) as speaker:
        with pytest.raises(Unavailable):
            await speaker.begin(HELLO)
    async with speaker_of(
        ONE, ScriptedSynthesizer(voices=[VoiceInfo("x", "X", ("en",))]).spec("one")
    ) as speaker:
        for wrong in (
            replace(HELLO, voice="Nemo"),
            replace(HELLO, format="flac"),
            replace(HELLO, text="?!"),
        ):
            with pytest.raises(Unprocessable):
                await speaker.begin(wrong)


async def test_a_server_that_stops_leaves_no_reader_waiting(speaker_of: OpenSpeaker) -> None:
    one = ScriptedSynthesizer((tone(0.8), HANG))
    async with speaker_of(ONE, one.spec("one")) as speaker:
        audio = await growing(speaker, (await speaker.begin(HELLO)).id)
        reply = speaker.open_reply(HELLO)
        reading = asyncio.gather(audio.whole(), reply.live.whole(), return_exceptions=True)
        await speaker.aclose()
        assert [type(result) for result in await reading] == [AudioBrokenOff] * 2
    assert one.calls[0].outcome is Outcome.CANCELLED


@pytest.mark.parametrize("audio_format", ["wav", "mp3", "opus"])
async def test_a_reply_is_fetched_while_its_frames_come_and_kept_when_it_is_finished(
    speaker_of: OpenSpeaker, audio_format: str
) -> None:
    async with speaker_of(ONE, ScriptedSynthesizer().spec("one")) as speaker:
        reply = speaker.open_reply(replace(REQUEST, format=audio_format))
        audio = await growing(speaker, reply.id)
        assert (audio.scope, audio.content_type) == (REQUEST.scope, reply.content_type)
        reply.write(tone(0.5))
        async with aclosing(audio.read()) as pieces:
            early = await anext(pieces)
            reply.write(tone(0.5, rate_hz=24_000))
            spoken = await reply.finish(provider="only")
            live = early + b"".join([piece async for piece in pieces])
        assert spoken is not None
        assert (spoken.id, spoken.provider) == (reply.id, "only")
        assert spoken.duration_s == pytest.approx(1.0)
        record = await stored(speaker, reply.id)
        await reply.abandon()
        assert await stored(speaker, reply.id) == record, "what is finished stays"
    for data in (live, record.data):
        assert decode(data, max_s=10).duration_s == pytest.approx(1.0, abs=0.15)
    assert (live == record.data) == (audio_format != "wav"), "the header of a stored WAV tells its length"


async def test_a_reply_that_is_abandoned_is_gone(speaker_of: OpenSpeaker) -> None:
    async with speaker_of(ONE, ScriptedSynthesizer().spec("one")) as speaker:
        reply = speaker.open_reply(REQUEST)
        reply.write(tone(0.5))
        audio = await growing(speaker, reply.id)
        await reply.abandon()
        with pytest.raises(AudioBrokenOff):
            await audio.whole()
        with pytest.raises(NotFound):
            await speaker.fetch(reply.id)
        assert await reply.finish(provider="only") is None


async def test_a_reply_without_audio_is_not_kept(speaker_of: OpenSpeaker) -> None:
    async with speaker_of(ONE, ScriptedSynthesizer().spec("one")) as speaker:
        reply = speaker.open_reply(REQUEST)
        assert await reply.finish(provider="only") is None
        with pytest.raises(NotFound):
            await speaker.fetch(reply.id)


async def test_a_reply_reaches_the_other_nodes_when_it_is_finished(speaker_of: OpenSpeaker) -> None:
    async with (
        speaker_of(ONE, ScriptedSynthesizer().spec("one")) as here,
        speaker_of(ONE, ScriptedSynthesizer().spec("one")) as there,
    ):
        reply = here.open_reply(REQUEST)
        reply.write(tone(0.5))
        await reply.finish(provider="only")
        assert (await stored(there, reply.id)).data == (await stored(here, reply.id)).data
