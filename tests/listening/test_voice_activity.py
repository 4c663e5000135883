"""Silero for many speakers at once, in pieces of any size."""

import asyncio
import threading

import numpy as np
import pytest
from glottis.core.listening import WINDOW_BYTES, Silero

from tests.listening.conftest import Sound


@pytest.fixture(scope="module")
def sounds() -> list[bytes]:
    """A second each of buzzes that differ in pitch: alike enough to voice for probabilities to differ."""
    time_s = np.arange(16_000) / 16_000
    buzzes = [
        sum(np.sin(2 * np.pi * harmonic * pitch_hz * time_s) / harmonic for harmonic in range(1, 20))
        * np.abs(np.sin(2 * np.pi * 2 * time_s))
        for pitch_hz in range(90, 230, 20)
    ]
    return [(6_000 * buzz).astype("<i2").tobytes() for buzz in buzzes]


async def test_speakers_who_are_heard_at_once_do_not_mix(silero: Silero, sounds: list[bytes]) -> None:
    alone = [await silero.open().probabilities(sound) for sound in sounds]
    together = await asyncio.gather(*(silero.open().probabilities(sound) for sound in sounds))
    assert len({tuple(each) for each in alone}) == len(sounds)
    for one, other in zip(alone, together, strict=True):
        assert other == pytest.approx(one, abs=1e-3)


async def test_pieces_of_any_size_give_what_the_whole_gives(silero: Silero, sounds: list[bytes]) -> None:
    whole = await silero.open().probabilities(sounds[0])
    for size in (1, 639, 640, 5_000):
        stream, sound = silero.open(), sounds[0][: 5_000 if size == 1 else None]
        pieces = [
            probability
            for at in range(0, len(sound), size)
            for probability in await stream.probabilities(sound[at : at + size])
        ]
        assert len(pieces) == len(sound) // WINDOW_BYTES
        assert pieces == pytest.approx(whole[: len(pieces)], abs=1e-3)


async def test_a_reset_leaves_nothing_of_what_was_heard(silero: Silero, sounds: list[bytes]) -> None:
    stream = silero.open()
    fresh = await stream.probabilities(sounds[1])
    await stream.probabilities(sounds[2][:777])
    stream.reset()
    assert await stream.probabilities(sounds[1]) == pytest.approx(fresh, abs=1e-3)


async def test_a_call_that_is_cancelled_leaves_the_stream_as_new(silero: Silero, sounds: list[bytes]) -> None:
    fresh = await silero.open().probabilities(sounds[0])
    stream, other = silero.open(), silero.open()
    cancelled = asyncio.create_task(stream.probabilities(sounds[3] * 20))
    beside = asyncio.create_task(other.probabilities(sounds[0]))
    await asyncio.sleep(0)
    cancelled.cancel()
    with pytest.raises(asyncio.CancelledError):
        await cancelled
    assert await stream.probabilities(sounds[0]) == pytest.approx(fresh, abs=1e-3)
    assert await beside == pytest.approx(fresh, abs=1e-3)


async def test_a_long_recording_does_not_hold_up_a_speaker(silero: Silero, sounds: list[bytes]) -> None:
    upload = asyncio.create_task(silero.open().probabilities(sounds[0] * 60))
    speaker = silero.open()
    for _ in range(5):
        assert len(await speaker.probabilities(sounds[1][:WINDOW_BYTES])) == 1
    assert not upload.done()
    assert len(await upload) == 60 * 16_000 // 512


async def test_more_speakers_than_go_into_one_batch_are_all_heard(
    silero: Silero, sounds: list[bytes]
) -> None:
    many = await asyncio.gather(*(silero.open().probabilities(sounds[0][:4_096]) for _ in range(200)))
    assert {len(each) for each in many} == {4}


async def test_no_audio_is_no_window(silero: Silero) -> None:
    stream = silero.open()
    assert await stream.probabilities(b"") == []
    assert await stream.probabilities(bytes(WINDOW_BYTES - 1)) == []
    assert len(await stream.probabilities(bytes(1))) == 1


async def test_leaving_it_cancels_who_waits_and_ends_the_thread(sounds: list[bytes]) -> None:
    before = set(threading.enumerate())
    async with Silero() as silero:
        waiting = [asyncio.create_task(silero.open().probabilities(sound * 60)) for sound in sounds]
        await asyncio.sleep(0)
    results = await asyncio.gather(*waiting, return_exceptions=True)
    assert all(isinstance(result, asyncio.CancelledError) for result in results)
    names = {thread.name for thread in set(threading.enumerate()) - before}
    assert not [name for name in names if name.startswith("voice-activity")]


async def test_a_voice_in_noise_is_told_from_the_noise_alone(
    silero: Silero, sounds: list[bytes], noise: Sound
) -> None:
    quiet = await silero.open().probabilities(noise(1, level_dbfs=-40))
    buzzing = await silero.open().probabilities(sounds[2])
    assert max(quiet) < 0.2 < max(buzzing)
