import numpy as np
import pytest
from glottis_whisper.decoding import compression_ratio
from glottis_whisper.passages import LONGEST_S, RATE_HZ, Passage, all_passages
from glottis_whisper.recognizer import share_cores


def test_long_audio_is_cut_where_it_is_quiet() -> None:
    noise = np.random.default_rng(1).standard_normal(60 * RATE_HZ).astype(np.float32)
    for second in (20, 41):
        noise[second * RATE_HZ : (second + 1) * RATE_HZ] = 0

    passages = all_passages(noise)

    assert len(passages) == 3
    assert all(passage.duration_s <= LONGEST_S for passage in passages)
    assert [round(passage.marks[0][1]) for passage in passages[1:]] in (
        [20, 41],
        [21, 41],
        [20, 42],
        [21, 42],
    )
    assert np.array_equal(np.concatenate([passage.samples for passage in passages]), noise)


def test_no_audio_has_no_passages() -> None:
    assert all_passages(np.zeros(0, np.float32)) == []


@pytest.mark.parametrize(
    ("word", "original"),
    [((0.5, 0.9), (0.5, 0.9)), ((1.8, 2.6), (6.0, 6.6)), ((2.5, 3.0), (6.5, 7.0)), ((1.5, 2.1), (1.5, 2.1))],
)
def test_a_word_is_placed_in_the_piece_that_holds_its_middle(
    word: tuple[float, float], original: tuple[float, float]
) -> None:
    passage = Passage(np.zeros(4 * RATE_HZ, np.float32), ((0.0, 0.0), (2.0, 6.0)))

    assert passage.original(*word) == pytest.approx(original)


def test_a_loop_packs_well_and_speech_does_not() -> None:
    assert compression_ratio("and then we went home. " * 12) > 2.4
    assert compression_ratio("Can you tell me how to return a product that I bought last week?") < 1.5


@pytest.mark.parametrize(
    ("cores", "workers", "threads"), [(1, 1, 1), (2, 2, 1), (4, 2, 2), (8, 4, 2), (64, 4, 16)]
)
def test_the_cores_are_shared_between_workers(cores: int, workers: int, threads: int) -> None:
    assert share_cores(cores) == (workers, threads)
