"""Intents by key word."""

import re
from collections.abc import AsyncGenerator

from glottis.plugins import (
    DialogueContext,
    IntentHandler,
    Match,
    ReplyAction,
    ReplyPiece,
    ReplyText,
    Section,
    is_speakable,
    primary,
)

from glottis_mock.configuration import MockConfig
from glottis_mock.trouble import delay, raise_if_told

GREETINGS = frozenset({"привет", "здравствуй", "здравствуйте", "hello", "hi", "hey"})
WELCOME = {"ru": "Здравствуйте!", "en": "Hello!"}
OPENING = {"ru": "Открываю: {}.", "en": "Opening {}."}
UNKNOWN = {"ru": "Такого раздела нет.", "en": "There is no such section."}

_WORD = re.compile(r"\w+")


class MockIntentHandler(IntentHandler):
    """Navigates to a section that is named, returns a greeting, and echoes all else."""

    config: MockConfig

    async def health(self) -> None:
        raise_if_told(self.config)

    @property
    def version(self) -> str:
        return "1"

    async def match(self, utterance: str, context: DialogueContext) -> Match | None:
        await delay(self.config)
        words = _WORD.findall(utterance.casefold())
        section = _named_section(words, context)
        if section:
            action = {"type": "navigate", "url": section.url}
            return Match("navigate", 0.95, {"target_section": section.id}, action)
        if GREETINGS.intersection(words):
            return Match("greeting", 0.9)
        return Match("echo", 0.5) if is_speakable(utterance) else None

    async def respond(
        self, match: Match, utterance: str, context: DialogueContext
    ) -> AsyncGenerator[ReplyPiece, None]:
        await delay(self.config)
        language = "ru" if primary(context.language) == "ru" else "en"
        if match.intent == "navigate":
            section = _section(str(match.entities.get("target_section")), context)
            if section is None:
                yield ReplyText(UNKNOWN[language])
                return
            names = section.names.get(language) or (section.id,)
            yield ReplyText(OPENING[language].format(names[0]))
            yield ReplyAction("navigate", {"url": section.url, "section": section.id})
        elif match.intent == "greeting":
            yield ReplyText(context.greeting or WELCOME[language])
        else:
            yield ReplyText(utterance)


def _section(section_id: str, context: DialogueContext) -> Section | None:
    return next((section for section in context.sections if section.id == section_id), None)


def _named_section(words: list[str], context: DialogueContext) -> Section | None:
    """Find the first section whose name, in any language, stands in the utterance word for word."""
    said = f" {' '.join(words)} "
    for section in context.sections:
        for names in section.names.values():
            spelt = (" ".join(_WORD.findall(name.casefold())) for name in names)
            if any(name and f" {name} " in said for name in spelt):
                return section
    return None
