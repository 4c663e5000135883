from collections.abc import AsyncIterator

from glottis_espeak.passages import LONGEST, clean, passages


async def cut(text: str | AsyncIterator[str]) -> list[str]:
    return [passage async for passage in passages(text)]


async def test_a_text_is_cut_at_its_sentences() -> None:
    assert await cut("Good day. How are you?  Fine!") == ["Good day.", "How are you?", "Fine!"]


async def test_what_has_no_sound_is_left_out() -> None:
    assert await cut("Yes. ... !!! 🙂 \n\n — No.") == ["Yes.", "— No."]


async def test_no_passage_is_longer_than_the_limit_and_nothing_is_lost() -> None:
    text = ", ".join(f"word{number}" for number in range(500))
    pieces = await cut(text)
    assert max(map(len, pieces)) <= LONGEST
    assert " ".join(pieces) == text


async def test_a_word_longer_than_the_limit_is_cut() -> None:
    assert [len(piece) for piece in await cut("a" * (LONGEST + 10))] == [LONGEST, 10]


def test_control_and_private_characters_are_dropped_and_joiners_kept() -> None:
    assert clean("a\x01b\u200bc\ue000d\u200ce") == "a b c d\u200ce"
