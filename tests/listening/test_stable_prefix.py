"""What of a text that is still being heard stays as it is."""

import pytest
from glottis.core.listening.stable_prefix import StablePrefix
from glottis.plugins import Partial
from hypothesis import given
from hypothesis import strategies as st

SAID = st.lists(
    st.sampled_from(["I", "i", "would,", "would", "wood", "like.", "to", "—", "你", "好", " "]), max_size=9
)


def test_words_on_which_three_readings_agree_are_stable_but_for_the_last() -> None:
    prefix = StablePrefix()
    assert prefix.read("I would like") == Partial("I would like", "")
    assert prefix.read("I would like to tok") == Partial("I would like to tok", "")
    assert prefix.read("I would like to talk to") == Partial("I would like to talk to", "I would")
    assert prefix.read("I would like to talk to you") == Partial(
        "I would like to talk to you", "I would like to"
    )


def test_case_and_marks_do_not_count_and_stay_as_they_were_first() -> None:
    prefix = StablePrefix()
    prefix.read("please show me")
    prefix.read("please show me")
    prefix.read("Please, show me. The prices")
    prefix.read("Please, show me. The prices")
    assert prefix.read("please show me the prices") == Partial(
        "Please, show me the prices", "Please, show me the"
    )


@pytest.mark.parametrize(
    ("final", "fitted"),
    [
        ("I'd like to talk.", "I would like to talk."),
        ("I would really like to talk.", "I would like to talk."),
        ("would like to talk.", "I would like to talk."),
        ("", "I would like to"),
        ("Something else", "I would like to"),
    ],
)
def test_what_contradicts_the_prefix_gives_way(final: str, fitted: str) -> None:
    prefix = StablePrefix()
    prefix.read("I would like to tok")
    prefix.read("I would like to talk")
    prefix.read("I would like to talk to")
    assert prefix.fitted(final) == fitted


def test_what_is_read_for_good_is_stable_to_its_last_word() -> None:
    prefix = StablePrefix()
    text = "One, two. Three"
    assert prefix.read(text, certain="One, two.") == Partial(text, "One, two.")


def test_scripts_without_spaces_are_followed_by_the_character() -> None:
    prefix = StablePrefix()
    prefix.read("你好吗")
    prefix.read("你好吗")
    assert prefix.read("你好吗我").stable_prefix == "你好"


def test_a_recognizers_own_prefix_is_kept_and_never_shrinks() -> None:
    prefix = StablePrefix()
    assert prefix.take(Partial("one two", "one ")) == Partial("one two", "one")
    assert prefix.take(Partial("on to three", "")) == Partial("one to three", "one")
    assert prefix.take(Partial("one two three", "one two ")) == Partial("one two three", "one two")


@given(st.lists(SAID, max_size=6), SAID)
def test_whatever_is_read_the_prefix_only_grows(readings: list[list[str]], final: list[str]) -> None:
    prefix, before = StablePrefix(), ""
    for words in readings:
        partial = prefix.read(" ".join(words))
        assert partial.text.startswith(partial.stable_prefix)
        assert partial.stable_prefix.startswith(before)
        before = partial.stable_prefix
    assert prefix.fitted(" ".join(final)).startswith(before)
