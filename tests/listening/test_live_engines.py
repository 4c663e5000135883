"""Live transcription with recognizers that really listen: Whisper, and the mock's stream."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import pairwise
from pathlib import Path

import pytest
from glottis.config import Settings, parse_deployment
from glottis.core.platform import Engine, open_engine
from glottis.core.speech import speak
from glottis.plugins import AudioFrame, Kind, Partial, SynthesisOptions
from glottis.plugins.conformance.hearing import word_error_rate

from .scripted_hearing import ENGLISH, Ear, listening

TOML = """
enable = ["whisper", "mock"]
[providers.whisper]
use = "whisper"
[providers.mock]
use = "mock"
[routes]
recognize = ["{recognizer}"]
synthesize = ["mock"]
"""
LINE = "I would like to order two tickets for the museum on Sunday morning."


@asynccontextmanager
async def engine_with(recognizer: str, folder: Path) -> AsyncIterator[Engine]:
    deployment = parse_deployment(TOML.format(recognizer=recognizer), file="plugins.toml", environment={})
    async with open_engine(Settings(data_dir=folder), deployment, environment={}) as engine:
        yield engine


async def stream(ear: Ear, pcm: bytes) -> None:
    """Say it at the speed at which it was spoken."""
    loop = asyncio.get_running_loop()
    started, step = loop.time(), 640
    for at in range(0, len(pcm), step):
        ear.live.push(pcm[at : at + step])
        await asyncio.sleep(started + (at + step) / 32_000 - loop.time())


def plain(text: str) -> str:
    return "".join(character for character in text.casefold() if character.isalnum() or character == " ")


def check_prefixes(partials: list[Partial], final: str) -> None:
    assert all(partial.text.startswith(partial.stable_prefix) for partial in partials)
    prefixes = [partial.stable_prefix for partial in partials]
    assert all(later.startswith(earlier) for earlier, later in pairwise(prefixes))
    assert final.startswith(prefixes[-1])


@pytest.mark.slow
async def test_whisper_keeps_up_and_its_final_is_that_of_the_whole(
    tmp_path: Path, say: Callable[[str], bytes]
) -> None:
    pcm = say(LINE)
    async with engine_with("whisper", tmp_path) as engine:
        chain = engine.routing.chain(Kind.RECOGNIZER, language="en-US", project="")
        whole = await chain[0].call(lambda whisper: whisper.recognize(AudioFrame(pcm, 16_000), ENGLISH))
        async with listening(chain) as ear:
            await stream(ear, pcm + bytes(6_400))
            ear.live.pause()
            told = len(ear.partials)
            await stream(ear, bytes(32_000))
            heard = await ear.live.finish(nothing_since_pause=True)
        async with listening(chain) as hasty:
            hasty.live.push(pcm)
            late = await hasty.live.finish()
    assert told >= 2, "partials come while somebody speaks"
    check_prefixes(ear.partials, heard.transcript.text)
    assert word_error_rate(plain(whole.text), plain(heard.transcript.text)) <= 0.1
    assert late.transcript.text == whole.text


async def test_the_mock_tells_words_as_they_are_spoken(tmp_path: Path) -> None:
    async with engine_with("mock", tmp_path) as engine:
        voices = engine.routing.chain(Kind.SYNTHESIZER, language="en-US", project="")
        spoken = await speak(voices, "one two three four five", SynthesisOptions(language="en-US"))
        chain = engine.routing.chain(Kind.RECOGNIZER, language="en-US", project="")
        async with listening(chain) as ear:
            for at in range(0, len(spoken.clip.pcm), 640):
                ear.live.push(spoken.clip.pcm[at : at + 640])
                await asyncio.sleep(0)
            heard = await ear.live.finish()
    assert heard.transcript.text == "one two three four five"
    check_prefixes(ear.partials, heard.transcript.text)
    assert len({prefix for prefix in ear.prefixes if prefix}) >= 3
