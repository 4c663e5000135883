"""The languages and speakers of espeak-ng, under the names that Glottis gives them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from glottis.plugins import DEFAULT_VOICE, ErrorCategory, ProviderError, VoiceInfo, best_match

from glottis_espeak.library import EspeakVoice
from glottis_espeak.tags import ALIASES, language_tag

GENDERS: Mapping[str, str] = MappingProxyType({"male": "", "female": "f2"})
"""The variants that stand for a gender: espeak-ng's languages are men, its `f2` is the clearest woman."""

_NOT_LANGUAGES = {"xex"}
"""Test data of espeak-ng's."""


@dataclass(frozen=True, slots=True)
class Speaker:
    """A language as espeak-ng speaks it: `tag` names it here, `tags` are all that it may serve."""

    tag: str
    name: str
    identifier: str
    tags: tuple[str, ...]


class Catalogue:
    """What can be chosen as a voice.

    A voice's name is a language's tag ("en-GB"), that with a variant ("en-GB+f2", "ru+Annie"), or a gender
    ("female"), which speaks the language of the call.
    """

    def __init__(self, voices: Iterable[EspeakVoice], variants: Iterable[EspeakVoice]) -> None:
        self._speakers: list[Speaker] = []
        claims: dict[str, tuple[int, Speaker]] = {}
        for voice in voices:
            tag = language_tag(voice.identifier)
            if tag in _NOT_LANGUAGES:
                continue
            # A language's own tag is surely its: priorities only settle who serves the wider ones.
            ranked = {language_tag(name): priority for priority, name in reversed(voice.languages)} | {tag: 0}
            speaker = Speaker(
                tag, voice.name.strip(), voice.identifier, (tag, *sorted(ranked.keys() - {tag}))
            )
            self._speakers.append(speaker)
            for claimed, priority in ranked.items():
                if claimed not in claims or priority < claims[claimed][0]:
                    claims[claimed] = (priority, speaker)
        self._by_tag = {tag: speaker for tag, (_, speaker) in claims.items()}
        self._by_tag |= {
            alias: self._by_tag[tag]
            for alias, tag in ALIASES.items()
            if tag in self._by_tag and alias not in self._by_tag
        }
        self._variants = {voice.identifier.removeprefix("!v/").lower(): voice for voice in variants}

    @property
    def languages(self) -> frozenset[str]:
        return frozenset(self._by_tag)

    def infos(self) -> list[VoiceInfo]:
        """List a man and a woman for each language, and one of each that speaks all."""
        every = tuple(sorted(self.languages))
        infos = [VoiceInfo(gender, f"{gender}, any language", every, gender) for gender in GENDERS]
        for speaker in self._speakers:
            infos += [
                VoiceInfo(
                    f"{speaker.tag}+{variant}" if variant else speaker.tag,
                    f"{speaker.name}, {gender}",
                    speaker.tags,
                    gender,
                )
                for gender, variant in GENDERS.items()
            ]
        return infos

    def choose(self, voice: str, *, language: str, gender: str) -> str:
        """Return espeak-ng's name for the voice that a call asks for; `gender` is the default one's.

        Raises:
            ProviderError: there is no such voice, or none for the language.
        """
        name, _, variant = voice.partition("+")
        if voice == DEFAULT_VOICE or voice in GENDERS:
            variant = GENDERS[gender if voice == DEFAULT_VOICE else voice]
            tag = best_match(language, self._by_tag)
        else:
            known = {tag.lower(): tag for tag in self._by_tag}
            tag = known.get(name.lower())
            if tag is None or (variant and variant.lower() not in self._variants):
                raise ProviderError(ErrorCategory.INVALID_REQUEST, f'eSpeak NG has no voice "{voice[:64]}"')
        if tag is None:
            raise ProviderError(ErrorCategory.UNSUPPORTED, f'eSpeak NG does not speak "{language[:64]}"')
        if not variant:
            return self._by_tag[tag].identifier
        file = self._variants[variant.lower()].identifier.removeprefix("!v/")
        return f"{self._by_tag[tag].identifier}+{file}"
