import asyncio
from collections.abc import Callable

import pytest
from glottis.plugins import Match
from glottis_rules.vocabulary import INTENTS
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .conftest import Rules

WORDS = [
    "покажи", "цены", "раздел", "не", "как", "сколько", "стоит", "доставка", "контакты", "привет",
    "стоп", "что", "ты", "умеешь", "пожалуйста", "ну", "open", "the", "prices", "don't", "what", "is",
    "about", "us", "how", "do", "bye", "хзчщ",
]  # fmt: skip

LONG = {
    "one letter": "а" * 5_000,
    "one command": "покажи цены " * 416,
    "one question word": "what " * 1_000,
    "one negation": "не " * 1_600,
    "small words": "a " * 2_500,
    "the beginning of a phrase": "что ты " * 700,
    "ligatures": "ﷺ" * 5_000,
    "combining accents": "е\u0301" * 2_500,
    "apostrophes": "'" * 5_000,
    "emoji": "👩‍👩‍👧" * 1_000,
    "unknown words": " ".join(f"{chr(1072 + n % 32) * 2}{n:o}хзчщ" for n in range(600)),
    "brackets": "(" * 2_500 + ")" * 2_500,
}


def is_sound(match: Match | None) -> bool:
    return match is None or (match.intent in INTENTS and 0.0 <= match.confidence <= 1.0)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(text=st.text(max_size=300), language=st.text(max_size=12))
async def test_no_text_and_no_language_raises(rules: Rules, text: str, language: str) -> None:
    assert is_sound(await rules.match(text, language=language))


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(words=st.lists(st.sampled_from(WORDS) | st.text(max_size=8), max_size=60))
async def test_no_jumble_of_known_words_raises_and_each_match_is_answered(
    rules: Rules, words: list[str]
) -> None:
    text = " ".join(words)
    match = await rules.match(text)
    assert is_sound(match)
    if match:
        said, _ = await rules.reply(text)
        assert said


@pytest.mark.timeout(20)  # milliseconds; a pattern that tries everything would take hours
@pytest.mark.parametrize("text", LONG.values(), ids=LONG.keys())
async def test_a_long_utterance_is_no_command_and_takes_no_time_to_speak_of(rules: Rules, text: str) -> None:
    match = await rules.match(text)
    assert match is None or match.intent == "knowledge_query"


async def test_a_command_at_the_head_of_a_speech_is_lost_in_it(rules: Rules) -> None:
    assert (
        await rules.meaning("покажи цены " + "потому что вчера приходил сосед и долго рассказывал " * 50)
        == "none"
    )


async def test_calls_before_and_during_the_warm_up_are_answered(configured: Callable[..., Rules]) -> None:
    rules = configured()
    meanings = await asyncio.gather(
        rules.handler.warmup(), *(rules.meaning("покажи цены") for _ in range(5)), rules.handler.warmup()
    )
    assert set(meanings) == {None, "pricing"}
