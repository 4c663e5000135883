import json
from collections.abc import Callable
from urllib.parse import quote, quote_plus

import pytest
from glottis.plugins.host.redaction import Redaction
from hypothesis import given
from hypothesis import strategies as st

SECRETS = st.text(min_size=4, max_size=20).filter(lambda text: len(text.strip()) >= 4 and "*" not in text)


@given(SECRETS, st.text(alphabet="xyz (:", max_size=5), st.text(alphabet="xyz (:", max_size=5))
def test_a_secret_does_not_survive_however_it_is_quoted(secret: str, before: str, after: str) -> None:
    redaction = Redaction([secret])
    ways: list[Callable[[str], str]] = [
        str,
        repr,
        json.dumps,
        quote,
        quote_plus,
        lambda text: quote(text, safe=""),
    ]
    for way in ways:
        shown = redaction(f"{before}{way(secret)}{after}")
        assert secret not in shown
        assert way(secret) not in shown or way(secret) in {"''", '""'}
        assert "***" in shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("port 8, key=8, 8080", "port ***, key=***, 8080"),
        ("nothing of the kind", "nothing of the kind"),
    ],
)
def test_a_short_secret_is_hidden_only_where_it_stands_alone(text: str, shown: str) -> None:
    assert Redaction(["8"])(text) == shown


def test_the_longer_of_two_secrets_is_hidden_whole() -> None:
    assert Redaction(["hunter", "hunter2"])("hunter2 hunter") == "*** ***"


@pytest.mark.parametrize("nothing", [[], [""], [" \n"]])
def test_nothing_secret_hides_nothing(nothing: list[str]) -> None:
    redaction = Redaction(nothing)
    assert redaction("a b c") == "a b c"
    assert redaction.secrets == frozenset()


def test_a_redaction_does_not_show_its_secrets() -> None:
    assert "hunter2" not in repr(Redaction(["hunter2"]))
