"""The state machine alone: probabilities in, what has become certain out."""

import pytest
from glottis.config import Listening
from glottis.core.listening import WINDOW_MS, Endpointer, Speech
from hypothesis import given
from hypothesis import strategies as st

VOICE, FADING, SILENCE = 0.9, 0.4, 0.05
SECOND = 32  # windows, nearly: 1024 ms
LISTENING = Listening(minimum_speech_ms=128, pause_ms=224, silence_ms=608, longest_turn_s=20)


def told(endpointer: Endpointer, *probabilities: float) -> list[tuple[Speech, int]]:
    """Advance through all of them; list what was told with the number of the window, from 1."""
    events = []
    for number, probability in enumerate(probabilities, start=1):
        event = endpointer.advance(probability)
        if event:
            events.append((event, number))
    return events


def test_an_utterance_starts_pauses_and_ends() -> None:
    events = told(Endpointer(LISTENING), *[SILENCE] * 10, *[VOICE] * 20, *[SILENCE] * SECOND)
    assert events == [(Speech.STARTED, 14), (Speech.PAUSED, 37), (Speech.ENDED, 49)]


def test_a_speaker_who_goes_on_after_a_pause_is_in_the_same_utterance() -> None:
    endpointer = Endpointer(LISTENING)
    events = told(endpointer, *[VOICE] * 10, *[SILENCE] * 10, *[VOICE] * 10, *[SILENCE] * 10)
    assert [event for event, _ in events] == [Speech.STARTED, Speech.PAUSED, Speech.RESUMED, Speech.PAUSED]
    assert endpointer.voiced_ms == 20 * WINDOW_MS
    assert endpointer.is_speaking
    assert endpointer.is_paused


def test_one_window_of_voice_in_a_pause_does_not_put_the_end_off() -> None:
    pause = [*[SILENCE] * 10, VOICE, *[SILENCE] * 10]
    assert told(Endpointer(LISTENING), *[VOICE] * 10, *pause) == [
        (Speech.STARTED, 4),
        (Speech.PAUSED, 17),
        (Speech.ENDED, 29),
    ]


def test_voice_that_fades_is_voice_until_it_is_gone() -> None:
    events = told(Endpointer(LISTENING), *[VOICE] * 5, *[FADING] * 2 * SECOND, *[SILENCE] * SECOND)
    assert [event for event, _ in events] == [Speech.STARTED, Speech.PAUSED, Speech.ENDED]
    assert events[1][1] == 5 + 2 * SECOND + 7


def test_what_is_shorter_than_the_least_speech_starts_nothing() -> None:
    clicks = [*[VOICE] * 3, *[SILENCE] * 5] * 50
    endpointer = Endpointer(LISTENING)
    assert told(endpointer, *clicks) == []
    assert endpointer.voiced_ms == 0


def test_a_stop_inside_a_word_does_not_begin_it_anew() -> None:
    endpointer = Endpointer(LISTENING)
    assert told(endpointer, *[SILENCE] * 20, VOICE, VOICE, SILENCE, SILENCE, VOICE, VOICE) == [
        (Speech.STARTED, 26)
    ]
    assert endpointer.started_windows_ago > 6


def test_a_turn_ends_when_it_lasts_too_long_and_nothing_of_the_next_is_lost() -> None:
    endpointer = Endpointer(Listening(longest_turn_s=1.024))
    events = told(endpointer, *[VOICE] * (SECOND + 4))
    assert events == [(Speech.STARTED, 4), (Speech.ENDED, SECOND), (Speech.STARTED, SECOND + 4)]
    assert endpointer.started_windows_ago == 4


def test_the_voice_of_an_utterance_is_known_when_it_ends_and_forgotten_then() -> None:
    endpointer = Endpointer(LISTENING)
    told(endpointer, *[VOICE] * 10, *[SILENCE] * 19)
    assert not endpointer.is_speaking
    assert endpointer.voiced_ms == 10 * WINDOW_MS
    endpointer.advance(SILENCE)
    assert endpointer.voiced_ms == 0


def test_a_reset_forgets_the_utterance() -> None:
    endpointer = Endpointer(LISTENING)
    told(endpointer, *[VOICE] * 10)
    endpointer.reset()
    assert not endpointer.is_speaking
    assert told(endpointer, *[SILENCE] * 2 * SECOND) == []


def test_a_longer_silence_ends_a_turn_later() -> None:
    patient = Endpointer(LISTENING.overridden_by(Listening(silence_ms=2_000)))
    assert told(patient, *[VOICE] * 10, *[SILENCE] * 3 * SECOND)[-1] == (Speech.ENDED, 10 + 63)


@pytest.mark.parametrize("silence_ms", [224, 608])
def test_a_pause_as_long_as_the_silence_is_told_as_the_end(silence_ms: float) -> None:
    listening = Listening(silence_ms=silence_ms, pause_ms=silence_ms)
    events = told(Endpointer(listening), *[VOICE] * 10, *[SILENCE] * SECOND)
    assert [event for event, _ in events] == [Speech.STARTED, Speech.ENDED]


AFTER = {
    None: {Speech.STARTED},
    Speech.STARTED: {Speech.PAUSED, Speech.ENDED},
    Speech.PAUSED: {Speech.RESUMED, Speech.ENDED},
    Speech.RESUMED: {Speech.PAUSED, Speech.ENDED},
    Speech.ENDED: {Speech.STARTED},
}
runs = st.lists(st.tuples(st.sampled_from([VOICE, FADING, SILENCE]), st.integers(1, 40)), max_size=30)


@given(runs)
def test_whatever_comes_the_order_of_events_is_kept(heard: list[tuple[float, int]]) -> None:
    endpointer, before, since_end = Endpointer(LISTENING), None, 0
    for probability, count in heard:
        for _ in range(count):
            since_end += 1
            event = endpointer.advance(probability)
            if event is None:
                continue
            assert event in AFTER[before]
            assert endpointer.is_speaking == (event is not Speech.ENDED)
            assert endpointer.is_paused == (event is Speech.PAUSED)
            if event is Speech.STARTED:
                assert 4 <= endpointer.started_windows_ago <= min(since_end, endpointer.most_windows_ago)
            if event is Speech.ENDED:
                since_end = 0
            before = event


@given(runs)
def test_every_utterance_comes_to_its_end(heard: list[tuple[float, int]]) -> None:
    endpointer = Endpointer(LISTENING)
    told(endpointer, *(probability for probability, count in heard for _ in range(count)))
    was_speaking = endpointer.is_speaking
    after = [event for event, _ in told(endpointer, *[SILENCE] * SECOND)]
    assert (Speech.ENDED in after) == was_speaking
    assert not endpointer.is_speaking
