import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
from glottis.plugins import ErrorCategory, ProviderError, SynthesisOptions, Synthesizer, TrainedVoice
from glottis_local_voice.features import analyse
from glottis_local_voice.waveform import to_samples

from .conftest import BaseVoice, made, offered, voice_file, whole

MINE = SynthesisOptions(voice="mine", language="en-US")
TEXT = "The boat leaves at noon. Please give her my regards."


@pytest.fixture
async def speaking(synthesizer: Synthesizer, tmp_path: Path) -> Synthesizer:
    await synthesizer.install(TrainedVoice("mine", voice_file(tmp_path / "voice.npz")))
    return synthesizer


async def test_each_sentence_is_a_frame_in_the_other_voice(speaking: Synthesizer, base: BaseVoice) -> None:
    frames = [frame async for frame in speaking.synthesize(TEXT, MINE)]
    plain = await whole(base.provider, "The boat leaves at noon.", SynthesisOptions(language="en-US"))

    assert len(frames) == 2
    pitches = [
        np.median(f0_hz[f0_hz > 0])
        for f0_hz in (
            analyse(to_samples(each, rate_hz=16_000), rate_hz=16_000).f0_hz for each in (frames[0], plain)
        )
    ]
    assert pitches[0] / pitches[1] == pytest.approx(2**0.5, rel=0.08)
    assert frames[0].duration_s / plain.duration_s == pytest.approx(1.2, rel=0.1)


async def test_the_base_voice_is_asked_in_its_own_language_and_at_its_own_pace(
    speaking: Synthesizer, base: BaseVoice
) -> None:
    await whole(speaking, "Yes.", SynthesisOptions(voice="mine", language="ru-RU", speed=1.5))

    ((instance, text, options),) = base.asked
    assert (instance, text) == ("espeak", "Yes.")
    assert (options.voice, options.language, options.speed) == ("default", "en-US", 1.0)


async def test_it_speaks_faster_than_it_is_heard_and_blocks_nobody(speaking: Synthesizer) -> None:
    await whole(speaking, "Yes.", MINE)
    worst_s, done = 0.0, asyncio.Event()

    async def watch() -> None:
        nonlocal worst_s
        while not done.is_set():
            before = time.perf_counter()
            await asyncio.sleep(0)
            worst_s = max(worst_s, time.perf_counter() - before)

    watching = asyncio.create_task(watch())
    started = time.perf_counter()
    audio = await whole(speaking, TEXT, MINE)
    seconds = time.perf_counter() - started
    done.set()
    await watching

    assert seconds < audio.duration_s
    assert worst_s < 0.5


async def test_the_first_sentence_is_heard_before_the_last_is_written(speaking: Synthesizer) -> None:
    heard = asyncio.Event()

    async def text() -> AsyncIterator[str]:
        yield "The boat leaves at noon. And "
        await heard.wait()
        yield "it comes back at night."

    frames = []
    async for frame in speaking.synthesize(text(), MINE):
        frames.append(frame)
        heard.set()
    assert len(frames) == 2


async def test_a_long_sentence_is_spoken_in_pieces(speaking: Synthesizer, base: BaseVoice) -> None:
    clause = "and then we went on to the next town, which was larger than the one before, "
    stream = speaking.synthesize(clause * 8, MINE)
    await anext(stream)
    await stream.aclose()

    ((_, text, _),) = base.asked
    assert 60 < len(text) <= 200
    assert text.endswith(",")


async def test_a_removed_voice_is_unknown_and_the_refusal_names_no_other(
    speaking: Synthesizer, tmp_path: Path
) -> None:
    await speaking.install(TrainedVoice("other", tmp_path / "voice.npz"))
    await speaking.remove("mine")
    await speaking.remove("never-there")

    with pytest.raises(ProviderError) as caught:
        await whole(speaking, "Yes.", MINE)

    assert caught.value.category is ErrorCategory.INVALID_REQUEST
    assert caught.value.public_message == 'no voice is called "mine"'


async def test_without_a_base_voice_only_trained_voices_speak(speaking: Synthesizer) -> None:
    with pytest.raises(ProviderError) as caught:
        await whole(speaking, "Yes.", SynthesisOptions(language="en-US"))

    assert caught.value.category is ErrorCategory.UNSUPPORTED


async def test_the_default_voice_is_the_base_voice_as_it_is(base: BaseVoice, tmp_path: Path) -> None:
    spec = offered("local-voice", "glottis_register_synthesizers")
    provider: Synthesizer = made(spec, tmp_path, base, base="espeak")
    options = SynthesisOptions(language="en-US")

    spoken, plain = await whole(provider, "Yes.", options), await whole(base.provider, "Yes.", options)
    assert spoken.duration_s == pytest.approx(plain.duration_s, rel=0.02)
    await provider.aclose()


async def test_a_file_that_is_no_voice_is_refused(synthesizer: Synthesizer, tmp_path: Path) -> None:
    (tmp_path / "voice.npz").write_bytes(b"nothing of the kind")

    for voice in (TrainedVoice("mine", tmp_path / "voice.npz"), TrainedVoice("mine")):
        with pytest.raises(ProviderError) as caught:
            await synthesizer.install(voice)
        assert caught.value.category is ErrorCategory.INVALID_REQUEST
