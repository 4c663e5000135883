import pytest
from faster_whisper.tokenizer import _LANGUAGE_CODES  # type: ignore[import-untyped]  # ships no types
from glottis.plugins import best_match
from glottis_whisper.languages import CODES, code_for, language_tags


def test_the_codes_are_those_of_the_library() -> None:
    assert set(_LANGUAGE_CODES) == CODES


@pytest.mark.parametrize(
    ("tag", "code"),
    [("ru-RU", "ru"), ("en_GB", "en"), ("nb-NO", "no"), ("jv", "jw"), ("zh-Hant-TW", "zh"), ("fil-PH", "tl")],
)
def test_a_tag_finds_its_code(tag: str, code: str) -> None:
    assert code_for(tag, CODES) == code
    assert best_match(tag, language_tags(CODES))


@pytest.mark.parametrize("tag", ["tlh", "", "jw-old", "x"])
def test_a_tag_that_whisper_does_not_know_has_no_code(tag: str) -> None:
    assert code_for(tag, CODES - {"jw"}) is None


def test_an_english_model_states_english_only() -> None:
    assert language_tags({"en"}) == {"en"}
