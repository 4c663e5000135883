from glottis_piper.pieces import pieces
from hypothesis import given
from hypothesis import strategies as st


def test_a_short_sentence_stays_whole() -> None:
    assert pieces("Hello, world.", longest=40) == ["Hello, world."]


def test_a_long_sentence_is_cut_after_a_clause() -> None:
    assert pieces("We went to the market, the park and the river bank.", longest=40) == [
        "We went to the market,",
        "the park and the river bank.",
    ]


def test_without_clauses_it_is_cut_between_words() -> None:
    assert pieces("one two three four five six seven eight nine ten", longest=40) == [
        "one two three four five six seven eight",
        "nine ten",
    ]


def test_control_characters_become_spaces() -> None:
    assert pieces("a\x00b", longest=40) == ["a b"]


@given(st.text(max_size=400), st.integers(min_value=40, max_value=120))
def test_no_piece_is_too_long_and_no_letter_is_lost(text: str, longest: int) -> None:
    found = pieces(text, longest=longest)

    assert all(0 < len(piece) <= longest for piece in found)
    kept = "".join(character for character in "".join(found) if not character.isspace())
    assert kept == "".join(c for c in text if not c.isspace() and (ord(c) > 31) and not 127 <= ord(c) < 160)
