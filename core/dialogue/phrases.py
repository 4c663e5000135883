"""The few sentences that are the platform's own, in the languages that it speaks itself."""

from collections.abc import Mapping

from glottis.plugins import lookup_order

_FALLBACK = "en"

GREETING: Mapping[str, str] = {
    "ru": "Голосовой ассистент готов. Чем могу помочь?",
    "en": "Voice assistant ready. How can I help you?",
}
NOT_UNDERSTOOD: Mapping[str, str] = {
    "ru": "Извините, я не понял. Скажите, пожалуйста, иначе.",
    "en": "Sorry, I did not understand. Please say it another way.",
}
STATUS: Mapping[str, Mapping[str, str]] = {
    "listening": {"ru": "Слушаю...", "en": "Listening..."},
    "thinking": {"ru": "Обрабатываю...", "en": "Thinking..."},
    "speaking": {"ru": "Отвечаю...", "en": "Speaking..."},
    "error": {"ru": "Произошла ошибка", "en": "Something went wrong"},
}


def in_language(phrases: Mapping[str, str], language: str) -> str:
    """Pick the phrase for a language tag, of phrases by tags in lower case; English where there is none."""
    for tag in lookup_order(language):
        if tag in phrases:
            return phrases[tag]
    return phrases[_FALLBACK]


def greeting(language: str, own: Mapping[str, str]) -> str:
    """Pick the first words of a session: a project's own where it has them for this language."""
    by_tag = {tag.lower(): phrase for tag, phrase in own.items()}
    for tag in lookup_order(language):
        if tag in by_tag:
            return by_tag[tag]
    return in_language(GREETING, language)
