from collections.abc import Callable
from pathlib import Path

import pytest
from glottis_rules.configuration import RulesConfig
from pydantic import ValidationError

from .conftest import SECTIONS, Rules

Configured = Callable[..., Rules]


async def test_an_operator_s_phrases_are_understood_in_their_forms(configured: Configured) -> None:
    rules = configured(
        phrases={
            "navigate": {"ru": ["телепортироваться|телепортируй!"], "en": ["beam me to"]},
            "stop": {"ru": ["баста"]},
            "knowledge_query": {"ru": ["требую ответ"]},
        }
    )
    assert await rules.meaning("телепортируй меня в цены") == "pricing"
    assert await rules.meaning("beam me to contacts") == "contacts"
    assert await rules.meaning("баста") == "stop"
    assert await rules.meaning("требую ответа") == "knowledge_query"


async def test_without_the_operator_s_phrases_they_mean_nothing(rules: Rules) -> None:
    for text in ("баста", "требую ответа"):
        assert await rules.meaning(text) == "none"


async def test_questions_are_left_to_the_next_handler_if_the_operator_says_so(configured: Configured) -> None:
    rules = configured(knowledge_queries=False)
    assert await rules.meaning("Сколько стоит доставка?") == "none"
    assert await rules.meaning("покажи цены") == "pricing"
    assert "knowledge_query" not in rules.handler.capabilities.intents


async def test_a_higher_threshold_asks_for_more_certainty(configured: Configured, rules: Rules) -> None:
    strict = configured(threshold=0.9)
    assert await rules.meaning("цены") == "pricing"
    assert await strict.meaning("цены") == "none"
    assert await strict.meaning("открой цены") == "pricing"


async def test_usual_names_of_sections_can_be_switched_off(configured: Configured, rules: Rules) -> None:
    plain = configured(synonyms=False)
    assert await rules.meaning("открой тарифы") == "pricing"
    assert await plain.meaning("открой тарифы") == "none"
    assert await plain.meaning("открой цены") == "pricing"


async def test_an_operator_s_answers_replace_ours_in_their_language(configured: Configured) -> None:
    rules = configured(
        replies={
            "navigate": {"ru": "Перехожу: {section}."},
            "help": {"ru": "Знаю {sections}."},
            "greeting": {"ru": "Алло! {greeting}"},
        },
        fallback_reply={"ru": "Спросите у продавца. {offer}"},
    )
    assert (await rules.reply("открой цены"))[0] == "Перехожу: «Цены»."
    assert (await rules.reply("open prices", language="en"))[0] == "Opening “Pricing”."
    assert (await rules.reply("помощь", SECTIONS[:2]))[0] == "Знаю «Цены» и «Контакты»."
    assert (await rules.reply("привет", greeting="Магазин слушает."))[0] == "Алло! Магазин слушает."
    said, _ = await rules.reply("почему так дорого", SECTIONS[:1])
    assert said == "Спросите у продавца. Могу открыть раздел «Цены»."


@pytest.mark.parametrize(
    "options",
    [
        {"threshold": 1.5},
        {"colour": "red"},
        {"phrases": {"dance": {"ru": ["танцуй"]}}},
        {"phrases": {"stop": {"de": ["halt"]}}},
        {"phrases": {"stop": {"ru": ["?!"]}}},
        {"replies": {"navigate": {"ru": "Открываю {url}"}}},
        {"replies": {"navigate": {"ru": "Открываю {section"}}},
        {"replies": {"navigate": {"ru": "{section.__class__}"}}},
        {"replies": {"stop": {"ru": ""}}},
        {"fallback_reply": {"ru": "{0}"}},
    ],
)
def test_options_that_cannot_work_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        RulesConfig.model_validate(options)


def test_every_option_is_in_the_readme() -> None:
    readme = Path(__file__).parents[1].joinpath("README.md").read_text(encoding="utf-8")
    assert [name for name in RulesConfig.model_fields if f"| `{name}" not in readme] == []
