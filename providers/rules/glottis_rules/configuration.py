"""What an operator may set for an instance of the rules."""

from string import Formatter
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from glottis_rules.spelling import split_words
from glottis_rules.vocabulary import Intent, Language

_PLACEHOLDERS = frozenset({"section", "sections", "offer", "greeting"})


def _has_a_word(phrase: str) -> str:
    if not split_words(phrase):
        raise ValueError("a phrase needs a word")
    return phrase


def _can_be_filled(template: str) -> str:
    try:
        parts = list(Formatter().parse(template))
    except ValueError as error:
        raise ValueError(f"is not a template: {error}") from None
    for _, name, spec, conversion in parts:
        if name is not None and (name not in _PLACEHOLDERS or spec or conversion):
            raise ValueError(
                "may hold only {section}, {sections}, {offer} and {greeting}; write {{ and }} for braces"
            )
    return template


Phrase = Annotated[str, AfterValidator(_has_a_word)]
Template = Annotated[str, Field(min_length=1), AfterValidator(_can_be_filled)]
Answer = Literal["navigate", "unknown_section", "greeting", "help", "repeat", "stop", "goodbye"]


class RulesConfig(BaseModel):
    """The options of an instance.

    `threshold` is the least confidence of a match; a question that nothing else fits is below it on purpose,
    and is matched as `knowledge_query` only while `knowledge_queries` is on.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    threshold: float = Field(0.5, ge=0, le=1, description="Least confidence of a match, but for questions.")
    knowledge_queries: bool = Field(
        True, description="Whether a question that nothing else fits is a knowledge_query, or left to others."
    )
    synonyms: bool = Field(
        True, description="Whether a section is also found by the usual names of such sections."
    )
    phrases: dict[Intent, dict[Language, list[Phrase]]] = Field(
        default_factory=dict, description="Further phrases to understand, by intent and language."
    )
    replies: dict[Answer, dict[Language, Template]] = Field(
        default_factory=dict, description="Answers to give instead of our own, by intent and language."
    )
    fallback_reply: dict[Language, Template] = Field(
        default_factory=dict, description="What to answer to a knowledge_query, by language."
    )
