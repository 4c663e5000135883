from collections.abc import AsyncIterator

import pytest
from glottis_festival.passages import LONGEST, cut, whole_sentences


async def sentences_of(text: str | AsyncIterator[str]) -> list[str]:
    return [sentence async for sentence in whole_sentences(text)]


@pytest.mark.parametrize(
    "text",
    [
        ["Мы на ул. Ленина, д. 5.", "Ждём вас!"],
        ["Живём в г. Москва.", "Хорошо."],
        ["Это было в 2024 г.", "Потом всё изменилось."],
        ["Ask Dr. Smith.", "He knows."],
        ["Цена 5 руб.", "Берите."],
    ],
)
async def test_a_sentence_does_not_end_in_an_abbreviation(text: list[str]) -> None:
    assert await sentences_of(" ".join(text)) == text


async def test_a_stream_that_ends_in_an_abbreviation_is_spoken() -> None:
    async def pieces() -> AsyncIterator[str]:
        yield "Да. Это на "
        yield "ул."

    assert await sentences_of(pieces()) == ["Да.", "Это на ул."]


async def test_white_space_is_one_space_and_endless_words_are_cut() -> None:
    assert await sentences_of("раз\u00a0\t  два") == ["раз два"]
    assert max(len(word) for word in (await sentences_of("x" * 5000))[0].split()) == 200


def test_a_long_sentence_is_cut_at_a_comma() -> None:
    clause = "слово " * 20 + "слово,"
    pieces = cut(" ".join([clause] * 6))
    assert len(pieces) == 3
    assert all(piece.endswith(",") and len(piece) <= LONGEST for piece in pieces)
    assert " ".join(pieces) == " ".join([clause] * 6)


def test_a_text_without_any_space_is_cut_anywhere() -> None:
    assert [len(piece) for piece in cut("x" * 700)] == [300, 300, 100]
