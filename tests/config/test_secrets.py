import pytest
from glottis.config import expand, references
from hypothesis import given
from hypothesis import strategies as st

NAMES = st.from_regex(r"[A-Z_][A-Z0-9_]{0,5}", fullmatch=True)
PLAIN = st.text(alphabet="ab {}$é", max_size=5).filter(lambda text: "${" not in text and text[-1:] != "$")


def test_references_are_found_with_their_paths() -> None:
    tree = {"a": {"key": "${ONE}", "list": ["x", "${TWO}/${THREE}"]}, "n": 3, "plain": "$ONE {TWO}"}
    assert list(references(tree)) == [
        (("a", "key"), "ONE"),
        (("a", "list"), "TWO"),
        (("a", "list"), "THREE"),
    ]


def test_values_are_put_in_and_everything_else_stays_as_it_is() -> None:
    tree = {"key": "Bearer ${KEY}", "list": ["${KEY}", 1], "number": 2.5, "flag": True}
    assert expand(tree, {"KEY": "s3cret"}) == {
        "key": "Bearer s3cret",
        "list": ["s3cret", 1],
        "number": 2.5,
        "flag": True,
    }


def test_a_value_that_looks_like_a_reference_is_not_expanded_again() -> None:
    assert expand("${A}", {"A": "${B}", "B": "no"}) == "${B}"


def test_a_name_that_is_not_set_is_an_error() -> None:
    with pytest.raises(KeyError, match="KEY"):
        expand({"a": ["${KEY}"]}, {})


@given(st.lists(st.tuples(PLAIN, NAMES), max_size=5), st.text(max_size=8))
def test_expanding_needs_exactly_the_names_that_are_found(parts: list[tuple[str, str]], value: str) -> None:
    text = "".join(f"{plain}${{{name}}}" for plain, name in parts)
    names = [name for _, name in references(text)]
    assert names == [name for _, name in parts]
    assert expand(text, dict.fromkeys(names, value)) == "".join(plain + value for plain, _ in parts)
