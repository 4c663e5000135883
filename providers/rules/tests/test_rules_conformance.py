from collections.abc import Mapping
from typing import ClassVar

from glottis.plugins.conformance import IntentHandlerConformance


class TestRules(IntentHandlerConformance):
    plugin = "rules"
    expected: ClassVar[Mapping[str, str]] = {
        "Привет!": "greeting",
        "Покажи цены": "navigate",
        "Что ты умеешь?": "help",
        "До свидания": "goodbye",
        "Hello!": "greeting",
        "Show me the prices": "navigate",
        "What can you do?": "help",
        "Goodbye": "goodbye",
    }


class TestRulesOfAnOperator(IntentHandlerConformance):
    plugin = "rules"
    options: ClassVar[Mapping[str, object]] = {
        "threshold": 0.7,
        "knowledge_queries": False,
        "synonyms": False,
        "phrases": {"greeting": {"ru": ["здорово живёшь"]}},
        "replies": {"greeting": {"ru": "Здравствуйте!"}},
        "fallback_reply": {"en": "Ask my colleagues."},
    }
