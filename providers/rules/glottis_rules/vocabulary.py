"""The words of a language, as `languages/<language>.toml` lists them."""

import tomllib
from functools import cache
from importlib.resources import files
from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict

Language = Literal["ru", "en"]
Social = Literal["greeting", "help", "repeat", "stop", "goodbye"]
Intent = Literal["navigate", "greeting", "help", "repeat", "stop", "goodbye", "knowledge_query"]

LANGUAGES: tuple[Language, ...] = get_args(Language)
SOCIAL: tuple[Social, ...] = get_args(Social)
INTENTS: tuple[Intent, ...] = get_args(Intent)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Phrases(_Strict):
    """What people say to mean an intent; `wondering` asks for what an open page may answer."""

    navigate: list[str]
    greeting: list[str]
    help: list[str]
    repeat: list[str]
    stop: list[str]
    goodbye: list[str]
    knowledge_query: list[str]
    wondering: list[str]


class Sounds(_Strict):
    replace: list[tuple[str, str]]


class Replies(_Strict):
    """What is answered; `{section}`, `{sections}` and `{offer}` stand for names and what can be opened."""

    navigate: str
    unknown_section: str
    greeting: str
    help: str
    repeat: str
    stop: str
    goodbye: str
    knowledge_query: str


class Offers(_Strict):
    """How sections are offered and listed."""

    none: str
    one: str
    many: str
    quote: tuple[str, str]
    conjunction: str
    more: str


class Vocabulary(_Strict):
    """The words of one language, and its answers."""

    particles: list[str]
    fillers: list[str]
    requests: list[str]
    negations: list[str]
    places: list[str]
    matters: list[str]
    openings: list[str]
    phrases: Phrases
    topics: dict[str, list[str]]
    numbers: dict[str, str]
    sounds: Sounds
    replies: Replies
    offers: Offers


@cache
def vocabulary(language: Language) -> Vocabulary:
    """Read the words of a language."""
    text = files("glottis_rules").joinpath("languages", f"{language}.toml").read_text(encoding="utf-8")
    return Vocabulary.model_validate(tomllib.loads(text))
