"""Real speech, real silence and what is neither: through Silero and the endpointer together."""

import numpy as np
import pytest
from glottis.config import Listening
from glottis.core.listening import WINDOW_MS, Endpointer, Silero, Speech

from tests.listening.conftest import PASSAGES, RATE_HZ, Say, Sound

Event = tuple[Speech, int, int]


def silent(duration_s: float) -> bytes:
    return bytes(2 * round(duration_s * RATE_HZ))


async def heard(silero: Silero, pcm: bytes) -> list[Event]:
    """List what was told, with the time in ms, and how far back in ms an utterance began."""
    endpointer, stream = Endpointer(Listening()), silero.open()
    events = []
    for number, probability in enumerate(await stream.probabilities(pcm), start=1):
        event = endpointer.advance(probability)
        if event:
            events.append((event, number * WINDOW_MS, endpointer.started_windows_ago * WINDOW_MS))
    return events


def audible_ms(pcm: bytes) -> tuple[float, float]:
    """Tell when a recording's sound begins and ends."""
    loud = np.flatnonzero(np.abs(np.frombuffer(pcm, "<i2").astype(np.int32)) > 300)
    return 1000 * float(loud[0]) / RATE_HZ, 1000 * float(loud[-1]) / RATE_HZ


@pytest.mark.slow
@pytest.mark.parametrize("text", [*PASSAGES["en"], *PASSAGES["ru"]])
async def test_speech_is_one_utterance_whose_onset_is_kept_and_whose_end_is_found(
    text: str, say: Say, silero: Silero
) -> None:
    pcm = silent(0.5) + say(text) + silent(1.5)
    begins_ms, ends_ms = audible_ms(pcm)
    events = await heard(silero, pcm)
    assert [event for event, *_ in events if event in {Speech.STARTED, Speech.ENDED}] == [
        Speech.STARTED,
        Speech.ENDED,
    ]
    _, started_ms, back_ms = events[0]
    assert started_ms - back_ms <= begins_ms
    assert started_ms <= begins_ms + 350
    assert ends_ms + 400 <= events[-1][1] <= ends_ms + 900


@pytest.mark.slow
@pytest.mark.parametrize("level_dbfs", [-45, -35])
async def test_speech_is_heard_in_the_noise_of_a_room(
    level_dbfs: float, say: Say, noise: Sound, silero: Silero
) -> None:
    spoken = np.frombuffer(silent(0.5) + say(PASSAGES["en"][3]) + silent(1.5), "<i2").astype(np.int32)
    room = np.frombuffer(noise(spoken.size / RATE_HZ, level_dbfs=level_dbfs, slope=1), "<i2")
    mixed = (spoken + room[: spoken.size]).clip(-32_768, 32_767).astype("<i2").tobytes()
    assert [event for event, *_ in await heard(silero, mixed)] == [
        Speech.STARTED,
        Speech.PAUSED,
        Speech.ENDED,
    ]


@pytest.mark.slow
async def test_a_speaker_who_pauses_in_mid_sentence_keeps_the_turn(say: Say, silero: Silero) -> None:
    pcm = say(PASSAGES["en"][4]) + silent(0.25) + say(PASSAGES["en"][3]) + silent(1)
    events = [event for event, *_ in await heard(silero, pcm)]
    assert events == [Speech.STARTED, Speech.PAUSED, Speech.RESUMED, Speech.PAUSED, Speech.ENDED]


@pytest.mark.parametrize("slope", [0, 1, 2])
@pytest.mark.parametrize("level_dbfs", [-60, -40, -20])
async def test_noise_starts_nothing(level_dbfs: float, slope: float, noise: Sound, silero: Silero) -> None:
    assert await heard(silero, noise(5, level_dbfs=level_dbfs, slope=slope)) == []


async def test_coughs_start_nothing(cough: Sound, silero: Silero) -> None:
    fit = b"".join(cough(seed=seed, duration_s=0.2 + 0.02 * seed) for seed in range(12))
    assert await heard(silero, fit) == []


async def test_clicks_hum_and_silence_start_nothing(silero: Silero) -> None:
    time_s = np.arange(3 * RATE_HZ) / RATE_HZ
    hum = (6_000 * np.sin(2 * np.pi * 50 * time_s)).astype("<i2")
    clicks = np.zeros(3 * RATE_HZ, "<i2")
    clicks[::4_000] = 30_000
    for sound in (hum.tobytes(), clicks.tobytes(), silent(3)):
        assert await heard(silero, sound) == []
