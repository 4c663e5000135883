"""What is answered."""

from collections.abc import Mapping, Sequence

from glottis.plugins import DialogueContext, Match, Section, best_match, primary

from glottis_rules.configuration import Answer, RulesConfig
from glottis_rules.spelling import cyrillic_share
from glottis_rules.vocabulary import LANGUAGES, Language, vocabulary

_LISTED = 8


class Replies:
    """The answers of an instance: its operator's, else those of the vocabulary."""

    def __init__(self, config: RulesConfig) -> None:
        self._replies: Mapping[str, Mapping[Language, str]] = {
            str(answer): texts for answer, texts in config.replies.items()
        }
        self._fallbacks: Mapping[Language, str] = config.fallback_reply

    async def text(self, match: Match, utterance: str, context: DialogueContext) -> str:
        """Answer in the language of the context; where that is none of ours, in that of the utterance."""
        language = _language(utterance, context)
        if match.intent == "repeat":
            said = reversed(await context.history())
            last = next((item.text for item in said if item.speaker == "assistant" and item.text), "")
            return last or self._fill("repeat", language, context)
        if match.intent == "navigate":
            answer: Answer = "navigate" if target_of(match, context) else "unknown_section"
            return self._fill(answer, language, context, target=target_of(match, context))
        related = section_named(match.entities.get("related_section"), context)
        return self._fill(match.intent, language, context, offered=(related,) if related else None)

    def _fill(
        self,
        answer: str,
        language: Language,
        context: DialogueContext,
        *,
        target: Section | None = None,
        offered: Sequence[Section] | None = None,
    ) -> str:
        templates = self._fallbacks if answer == "knowledge_query" else self._replies.get(answer, {})
        template = templates.get(language) or str(getattr(vocabulary(language).replies, answer))
        sections = context.sections if offered is None else offered
        return template.format(
            greeting=context.greeting,
            section=_title(target, language) if target else "",
            sections=_listing(sections, language),
            offer=_offer(sections, language),
        ).strip()


def target_of(match: Match, context: DialogueContext) -> Section | None:
    """Find the section that a navigation leads to, if the project has it."""
    return section_named(match.entities.get("target_section"), context)


def section_named(section_id: object, context: DialogueContext) -> Section | None:
    """Find a section by its id."""
    return next((section for section in context.sections if section.id == section_id), None)


def _language(utterance: str, context: DialogueContext) -> Language:
    wanted = primary(context.language)
    for language in LANGUAGES:
        if language == wanted:
            return language
    return "ru" if cyrillic_share(utterance) > 0.5 else "en"


def _offer(sections: Sequence[Section], language: Language) -> str:
    offers = vocabulary(language).offers
    if not sections:
        return offers.none
    template = offers.one if len(sections) == 1 else offers.many
    return template.format(sections=_listing(sections, language))


def _listing(sections: Sequence[Section], language: Language) -> str:
    """Join the names: "A, B and C", or the first of many "and more"."""
    offers = vocabulary(language).offers
    titles = [_title(section, language) for section in sections]
    if len(titles) > _LISTED:
        return ", ".join(titles[:_LISTED]) + offers.more
    if len(titles) < 2:
        return "".join(titles)
    return ", ".join(titles[:-1]) + offers.conjunction + titles[-1]


def _title(section: Section, language: Language) -> str:
    """Quote the first of a section's names in a language, or in another where it has none."""
    tag = best_match(language, section.names) or next(iter(section.names), "")
    name = next(iter(section.names.get(tag, ())), section.id)
    before, after = vocabulary(language).offers.quote
    return f"{before}{name[:1].upper()}{name[1:]}{after}"
