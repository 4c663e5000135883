import subprocess

import pytest
from glottis_festival.scheme import call, string
from hypothesis import given, settings
from hypothesis import strategies as st

PRINTABLE = st.text(alphabet=st.characters(min_codepoint=32, exclude_categories=("Cc", "Cs")))


@settings(max_examples=5, deadline=None)
@given(st.lists(PRINTABLE, min_size=40, max_size=40))
def test_festival_reads_back_every_string_as_it_was(texts: list[str]) -> None:
    texts += [
        '"',
        "\\",
        '\\"',
        '\\\\" (exit)',
        '") (system "touch x") ("',
        "; comment",
        "'(a . b)",
        "#<a>",
        "\\n",
        "{}",
    ]
    code = "".join(f'(format t "<%s>\\n" {string(text)})\n' for text in texts)
    heard = subprocess.run(
        ["festival", "--pipe"], input=code.encode(), capture_output=True, check=True, timeout=60
    )
    assert heard.stdout.decode() == "".join(f"<{text}>\n" for text in texts)


@pytest.mark.parametrize("text", ["a\nb", "\0", "\x1b", "a\rb", "\x7f"])
def test_a_text_that_could_end_a_line_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="control characters"):
        string(text)


def test_only_names_can_be_called() -> None:
    assert call("f", 1, "a", 0.5) == '(f 1 "a" 0.5000)\n'
    with pytest.raises(ValueError, match="no name"):
        call("system) (exit", 1)
