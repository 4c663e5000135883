import numpy as np
from glottis_local_voice.alignment import align
from glottis_local_voice.conversion import Pair, distortion_db, learn
from glottis_local_voice.features import ORDER, Features
from glottis_local_voice.passages import LONGEST_S, passages
from glottis_local_voice.waveform import Floats
from hypothesis import given, settings
from hypothesis import strategies as st


def frames(count: int, seed: int) -> Floats:
    steps = np.random.default_rng(seed).normal(size=(count, ORDER))
    return np.asarray(np.cumsum(steps, axis=0), dtype=np.float64)


def speech(cepstra: Floats, f0_hz: float) -> Features:
    return Features(np.full(len(cepstra), f0_hz), cepstra, np.zeros((len(cepstra), 1)))


@given(st.integers(1, 60), st.integers(1, 60), st.integers(0, 5))
@settings(max_examples=40, deadline=None)
def test_a_path_goes_from_corner_to_corner_by_single_steps(rows: int, columns: int, seed: int) -> None:
    first, second, distance = align(frames(rows, seed), frames(columns, seed + 1))

    assert (first[0], second[0], first[-1], second[-1]) == (0, 0, rows - 1, columns - 1)
    steps = set(zip(np.diff(first).tolist(), np.diff(second).tolist(), strict=True))
    assert steps <= {(0, 1), (1, 0), (1, 1)}
    assert distance >= 0


def test_the_path_is_the_cheapest_there_is() -> None:
    first, second = frames(12, 1), frames(9, 2)
    costs = np.linalg.norm(first[:, None] - second[None], axis=2)
    totals = np.full((13, 10), np.inf)
    totals[0, 0] = 0
    for row in range(12):
        for column in range(9):
            before = min(totals[row, column], totals[row, column + 1], totals[row + 1, column])
            totals[row + 1, column + 1] = costs[row, column] + before

    rows, columns, distance = align(first, second)

    assert np.isclose(costs[rows, columns].sum(), totals[12, 9])
    assert np.isclose(distance * len(rows), totals[12, 9])


def test_a_stretched_recording_aligns_with_itself() -> None:
    original = frames(100, 3)
    places = np.repeat(np.arange(100), 2)

    rows, columns, distance = align(original, original[places])

    assert distance < 1e-5
    assert (rows == places[columns]).all()


def test_a_linear_change_of_voice_is_learnt_with_its_pitch_and_pace() -> None:
    pairs = []
    for seed in range(4):
        source = frames(60, seed)
        source = (source - source.mean(axis=0)) / source.std(axis=0)
        target = np.repeat(source[:, ::-1] * 0.5 + 1, 2, axis=0)
        pairs.append(Pair(speech(source, 100.0), speech(target, 200.0)))

    *_, found = learn(pairs)

    made = found.convert(pairs[0].source)
    assert found.stretch == 2
    assert np.allclose(made.f0_hz, 200)
    assert distortion_db(made, pairs[0].target) < 0.3 * distortion_db(pairs[0].source, pairs[0].target)


def test_long_recordings_are_cut_in_their_pauses() -> None:
    rate_hz = 8_000
    rng = np.random.default_rng(0)
    spoken, pause = rng.normal(size=4 * rate_hz) * 0.1, np.zeros(rate_hz // 2)
    found = passages(np.concatenate([spoken, pause] * 6), rate_hz=rate_hz)

    assert sum(map(len, found)) >= 6 * len(spoken)
    assert all(len(each) <= LONGEST_S * rate_hz for each in found)
    assert all(np.abs(each[:800]).max() > 0.05 for each in found)


def test_silence_holds_no_passage() -> None:
    assert passages(np.zeros(0), rate_hz=8_000) == []
