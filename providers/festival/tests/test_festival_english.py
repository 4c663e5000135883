import re

import pytest
from glottis_festival.english import speakable_english
from hypothesis import given
from hypothesis import strategies as st

SPEAKABLE = re.compile(r"[A-Za-z0-9 .,;:!?'$%/-]*")
ODDITIES = st.text(
    alphabet=st.one_of(st.sampled_from("0123456789 .,:-+/()%$€abcIV'\"\\\nё"), st.characters())
)


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("It costs $45.50, or 50% less.", "It costs $45.50, or 50% less."),
        ("It’s “fine” — isn’t it…", "It's fine, isn't it."),
        ("€5 or 10 £", "5 euros or 10 pounds"),
        ("café naïve Łódź", "cafe naive Lodz"),
        ("Пётр Щукин says да", "Pyotr Shchukin says da"),
        ("e.g. and/or 5 km, etc.", "for example and or or 5 kilometers, et cetera"),
        ("Write to joe@example.com!", "Write to joe at example dot com!"),
        ("R&D #1 @home", "R and D number 1 at home"),
        ("5 < 7", "5 less than 7"),
        ('(system "touch /tmp/x") \\', "system touch tmp or x"),
        ("你好 🙂", ""),
        ("$ % ' / -", ""),
    ],
)
def test_text_becomes_what_the_voices_can_read(written: str, spoken: str) -> None:
    assert speakable_english(written) == spoken


@given(ODDITIES)
def test_whatever_is_written_comes_out_speakable(text: str) -> None:
    spoken = speakable_english(text)
    assert SPEAKABLE.fullmatch(spoken)
    assert spoken == "" or re.search("[A-Za-z0-9]", spoken)
    assert max(map(len, re.findall("[A-Za-z0-9]+", spoken)), default=0) <= 30
