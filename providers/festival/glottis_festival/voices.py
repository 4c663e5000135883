"""The voices that are installed, and what each needs."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from glottis.plugins import DEFAULT_VOICE, ErrorCategory, ProviderError, VoiceInfo, best_match

from glottis_festival.english import speakable_english
from glottis_festival.russian import speakable_russian
from glottis_festival.worker import INSTALL, FoundVoice


@dataclass(frozen=True, slots=True)
class Language:
    """A language that Festival has voices for and we can prepare text for; `regions` are by dialect."""

    tag: str
    name: str
    prepare: Callable[[str], str]
    regions: dict[str, str]


_LANGUAGES = {
    "russian": Language("ru", "Russian", speakable_russian, {}),
    "english": Language(
        "en", "English", speakable_english, {"american": "en-US", "british": "en-GB", "scottish": "en-GB"}
    ),
}


@dataclass(frozen=True, slots=True)
class FestivalVoice:
    """A voice that can be spoken with; `prepare` makes any text speakable for it."""

    name: str
    tag: str
    description: str
    gender: str | None
    prepare: Callable[[str], str]


def usable(found: Iterable[FoundVoice], *, wanted: Sequence[str]) -> list[FestivalVoice]:
    """Choose the voices to speak with: those `wanted`, in that order, or all of a language that we know.

    Raises:
        ProviderError: a wanted voice is not installed, or there is no voice at all.
    """
    known = {voice.name: voice for voice in map(_known, found) if voice is not None}
    missing = [name for name in wanted if name not in known]
    if missing:
        installed = ", ".join(sorted(known)) or "none"
        message = f'Festival lacks the voice "{missing[0]}"; installed and usable: {installed}'
        raise ProviderError(ErrorCategory.UNAVAILABLE, message)
    if not known:
        raise ProviderError(ErrorCategory.UNAVAILABLE, f"Festival has no voice that can be used: {INSTALL}")
    return [known[name] for name in wanted or sorted(known)]


def choose(voices: Sequence[FestivalVoice], name: str, *, language: str) -> FestivalVoice:
    """Find the voice that a call asks for.

    Raises:
        ProviderError: there is no such voice, or none for the language.
    """
    if name != DEFAULT_VOICE:
        for voice in voices:
            if voice.name == name:
                return voice
        raise ProviderError(ErrorCategory.INVALID_REQUEST, f'Festival has no voice "{name[:64]}"')
    by_tag = {voice.tag: voice for voice in reversed(voices)}
    tag = best_match(language, by_tag)
    if tag is None:
        raise ProviderError(ErrorCategory.UNSUPPORTED, f'Festival has no voice for "{language[:64]}"')
    return by_tag[tag]


def info(voice: FestivalVoice) -> VoiceInfo:
    """Describe a voice for the list that callers see."""
    return VoiceInfo(voice.name, voice.description, (voice.tag,), voice.gender)


def _known(found: FoundVoice) -> FestivalVoice | None:
    language = _LANGUAGES.get(found.language)
    if language is None:
        return None
    tag = language.regions.get(found.dialect, language.tag)
    gender = found.gender if found.gender in {"male", "female"} else None
    description = f"{language.name}, {found.name.replace('_', ' ')}"
    return FestivalVoice(found.name, tag, description, gender, language.prepare)
