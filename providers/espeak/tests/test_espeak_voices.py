import pytest
from glottis.plugins import ErrorCategory, ProviderError, SynthesisOptions, best_match
from glottis_espeak.library import EspeakVoice
from glottis_espeak.synthesizer import EspeakSynthesizer
from glottis_espeak.tags import language_tag
from glottis_espeak.voices import Catalogue

VOICES = (
    EspeakVoice("English (Great Britain)", "gmw/en", ((2, "en-gb"), (2, "en"))),
    EspeakVoice("English (America)", "gmw/en-US", ((2, "en-us"), (3, "en"))),
    EspeakVoice("Chinese (Mandarin)", "sit/cmn", ((5, "cmn"), (5, "zh-cmn"), (5, "zh"))),
    EspeakVoice("Chinese (Cantonese)", "sit/yue", ((5, "yue"), (5, "zh-yue"), (8, "zh"))),
    EspeakVoice("Norwegian Bokmål", "gmq/nb", ((5, "nb"), (5, "no"))),
)
VARIANTS = (EspeakVoice("female2", "!v/f2", ()), EspeakVoice("Annie", "!v/Annie", ()))


@pytest.fixture
def catalogue() -> Catalogue:
    return Catalogue(VOICES, VARIANTS)


@pytest.mark.parametrize(
    ("name", "tag"),
    [
        ("gmw/en-us", "en-US"),
        ("roa/es-419", "es-419"),
        ("ira/fa-Latn", "fa-Latn"),
        ("zle/ru-cl", "ru-x-classic"),
        ("gmw/en-US-nyc", "en-US-x-nyc"),
        ("aav/vi-VN-x-central", "vi-VN-x-central"),
        ("art/piqd", "tlh"),
        ("ko", "ko"),
    ],
)
def test_names_of_languages_become_tags(name: str, tag: str) -> None:
    assert language_tag(name) == tag


@pytest.mark.parametrize(
    ("language", "identifier"),
    [
        ("en-US", "gmw/en-US"),
        ("en-AU", "gmw/en"),
        ("zh-CN", "sit/cmn"),
        ("zh-HK", "sit/yue"),
        ("nn-NO", "gmq/nb"),
    ],
)
def test_a_language_is_spoken_by_its_nearest_voice(
    catalogue: Catalogue, language: str, identifier: str
) -> None:
    assert catalogue.choose("default", language=language, gender="male") == identifier


@pytest.mark.parametrize(
    ("voice", "identifier"),
    [
        ("female", "gmw/en-US+f2"),
        ("male", "gmw/en-US"),
        ("en-gb+annie", "gmw/en+Annie"),
        ("cmn+f2", "sit/cmn+f2"),
    ],
)
def test_a_voice_is_a_gender_or_a_language_and_a_variant(
    catalogue: Catalogue, voice: str, identifier: str
) -> None:
    assert catalogue.choose(voice, language="en-US", gender="female") == identifier


@pytest.mark.parametrize("voice", ["no-such-voice", "en+nobody", "+f2", "en-US/../../x", ""])
def test_what_is_no_voice_is_refused(catalogue: Catalogue, voice: str) -> None:
    with pytest.raises(ProviderError) as raised:
        catalogue.choose(voice, language="en", gender="male")
    assert raised.value.category is ErrorCategory.INVALID_REQUEST


def test_a_language_without_a_voice_is_unsupported(catalogue: Catalogue) -> None:
    with pytest.raises(ProviderError) as raised:
        catalogue.choose("default", language="tlh", gender="male")
    assert raised.value.category is ErrorCategory.UNSUPPORTED


async def test_a_warm_one_states_a_hundred_languages(espeak: EspeakSynthesizer) -> None:
    await espeak.warmup()
    languages = espeak.capabilities.languages
    assert len(languages) > 100
    assert {best_match(tag, languages) for tag in ("ru-RU", "en-us", "pt-BR", "fr-CA")} == {
        "ru",
        "en-US",
        "pt-BR",
        "fr",
    }
    assert best_match("xx", languages) is None


async def test_every_language_has_a_man_and_a_woman(espeak: EspeakSynthesizer) -> None:
    voices = {voice.id: voice for voice in await espeak.voices()}
    assert voices["ru"].gender == "male"
    assert voices["ru+f2"].gender == "female"
    assert voices["ru+f2"].languages == ("ru",)
    assert len(voices) > 200


async def test_an_unknown_language_is_unsupported(espeak: EspeakSynthesizer) -> None:
    frames = aiter(espeak.synthesize("Hello.", SynthesisOptions(language="xx")))
    with pytest.raises(ProviderError) as raised:
        await anext(frames)
    assert raised.value.category is ErrorCategory.UNSUPPORTED
