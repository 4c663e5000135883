"""What is said of a job, in the languages of Glottis."""

from collections.abc import Mapping

from glottis.core.store import Words
from glottis.plugins import lookup_order

_PHRASES: Mapping[str, Words] = {
    "queued": {"ru": "В очереди", "en": "Job queued"},
    "preparing": {"ru": "Готовлю записи", "en": "Preparing the samples"},
    "training": {"ru": "Идёт обучение", "en": "Training in progress"},
    "validating": {"ru": "Проверяю голос", "en": "Validating the voice"},
    "completed": {"ru": "Обучение завершено", "en": "Training completed"},
    "cancelled": {"ru": "Обучение отменено", "en": "Training cancelled"},
    "again": {"ru": "Пробую ещё раз", "en": "Trying again"},
    "elsewhere": {"ru": "Продолжится на другом сервере", "en": "Going on elsewhere"},
    "workers_died": {
        "ru": "Обучение не удалось: оно прерывалось {attempts} раз подряд, не продвигаясь",
        "en": "Training failed: it broke off {attempts} times in a row without getting further",
    },
    "failed": {"ru": "Обучение не удалось: {reason}", "en": "Training failed: {reason}"},
    "too_few": {
        "ru": "Обучение не удалось: не хватает пригодных записей: {missing}",
        "en": "Training failed: usable samples missing: {missing}",
    },
    "too_short": {"ru": "Запись короче {least} с", "en": "The recording is shorter than {least} s"},
    "little_speech": {
        "ru": "Речь занимает лишь {share} % записи",
        "en": "Speech makes up only {share} % of the recording",
    },
    "clipped": {
        "ru": "Запись перегружена: обрезано {share} % отсчётов",
        "en": "The recording is clipped: {share} % of its samples",
    },
    "noisy": {
        "ru": "Слишком шумно: речь громче фона лишь на {noise} дБ",
        "en": "Too noisy: speech is only {noise} dB louder than what is around it",
    },
}
_FALLBACK = "en"


def words(key: str, **values: object) -> Words:
    """Say something in every language that there is."""
    return {language: text.format(**values) for language, text in _PHRASES[key].items()}


def given_words(message: str | Words) -> Words:
    """Take what a backend says: one sentence for everybody, or one for each language."""
    return {"": message} if isinstance(message, str) else dict(message)


def in_language(said: Words, language: str) -> str:
    """Choose the sentence for a reader; where there is none in the language, the English one or any."""
    by_tag = {tag.lower(): text for tag, text in said.items()}
    for tag in (*lookup_order(language), _FALLBACK, ""):
        if tag in by_tag:
            return by_tag[tag]
    return next(iter(said.values()), "")
