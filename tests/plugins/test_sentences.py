from collections.abc import AsyncIterator

import pytest
from glottis.plugins import is_speakable, sentences, split_sentences
from hypothesis import given
from hypothesis import strategies as st

PIECES = st.lists(st.text(alphabet='aб .!?…"»)\n', max_size=6), max_size=8)


async def stream(pieces: list[str]) -> AsyncIterator[str]:
    for piece in pieces:
        yield piece


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Здравствуйте! Чем помочь?", ["Здравствуйте!", "Чем помочь?"]),
        ('He said "no." Then he left.', ['He said "no."', "Then he left."]),
        ("Wait… what?! Yes", ["Wait…", "what?!", "Yes"]),
        ("3.5 percent of example.org", ["3.5 percent of example.org"]),
        ("one\n\ntwo", ["one", "two"]),
        (" \n ", []),
    ],
)
def test_a_text_is_cut_at_the_ends_of_its_sentences(text: str, expected: list[str]) -> None:
    assert split_sentences(text) == expected


@given(PIECES)
async def test_a_stream_gives_the_sentences_of_the_whole_text(pieces: list[str]) -> None:
    whole = "".join(pieces)
    assert [sentence async for sentence in sentences(stream(pieces))] == split_sentences(whole)
    assert [sentence async for sentence in sentences(whole)] == split_sentences(whole)


@given(PIECES)
def test_nothing_that_is_spoken_is_lost(pieces: list[str]) -> None:
    whole = "".join(pieces)
    assert "".join("".join(split_sentences(whole)).split()) == "".join(whole.split())


async def test_a_sentence_is_given_before_the_next_one_is_there() -> None:
    asked: list[str] = []

    async def pieces() -> AsyncIterator[str]:
        for piece in ("One. ", "Two. ", "Three"):
            asked.append(piece)
            yield piece

    given_first = await anext(sentences(pieces()))
    assert (given_first, asked) == ("One.", ["One. "])


@pytest.mark.parametrize("text", ["ok", "7", "… а?"])
def test_a_text_with_a_letter_or_a_digit_is_speakable(text: str) -> None:
    assert is_speakable(text)


@pytest.mark.parametrize("text", ["…!", "", " \n"])
def test_a_text_without_any_is_not(text: str) -> None:
    assert not is_speakable(text)
