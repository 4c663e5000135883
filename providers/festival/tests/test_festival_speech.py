import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytest_asyncio
from glottis.plugins import (
    ErrorCategory,
    ProviderContext,
    ProviderError,
    SynthesisOptions,
    SynthesizerCapabilities,
)
from glottis_festival.config import FestivalConfig
from glottis_festival.synthesizer import FestivalSynthesizer

pytestmark = pytest.mark.asyncio(loop_scope="module")

RUSSIAN = SynthesisOptions(language="ru-RU")
ENGLISH = SynthesisOptions(language="en-US")
HELLO = "Здравствуйте, чем я могу вам помочь?"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def festival(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[FestivalSynthesizer]:
    log = logging.getLogger("glottis.provider.festival")
    data_dir = tmp_path_factory.mktemp("festival")
    context = ProviderContext("festival", data_dir, SynthesizerCapabilities(), log)
    created = FestivalSynthesizer(context, FestivalConfig())
    await created.warmup()
    yield created
    await created.aclose()


async def pcm_of(festival: FestivalSynthesizer, text: str | AsyncIterator[str], **options: Any) -> bytes:
    choices = SynthesisOptions(**{"language": "ru-RU", **options})
    return b"".join([frame.pcm async for frame in festival.synthesize(text, choices)])


async def test_a_text_is_spoken_sentence_by_sentence(festival: FestivalSynthesizer) -> None:
    frames = [frame async for frame in festival.synthesize(f"{HELLO} Да. Нет!", RUSSIAN)]
    assert len(frames) == 3
    assert {frame.rate_hz for frame in frames} == {16_000}
    assert [round(frame.duration_s) for frame in frames] == [3, 1, 1]


async def test_the_languages_and_voices_are_those_installed(festival: FestivalSynthesizer) -> None:
    voices = {voice.id: voice for voice in await festival.voices()}
    assert voices["msu_ru_nsh_clunits"].languages == ("ru",)
    assert voices["msu_ru_nsh_clunits"].gender == "male"
    assert voices["kal_diphone"].languages == ("en-US",)
    assert festival.capabilities.languages == {tag for voice in voices.values() for tag in voice.languages}


async def test_the_same_text_sounds_the_same_whatever_was_said_before(festival: FestivalSynthesizer) -> None:
    first = await pcm_of(festival, HELLO)
    await pcm_of(festival, "Hello there, it is 10:30.", language="en-US", speed=1.7)
    assert await pcm_of(festival, HELLO) == first


async def test_english_leaves_russian_words_that_no_dictionary_has_speakable(
    festival: FestivalSynthesizer,
) -> None:
    # In one process, the rules for unknown words that English loads replace those of Russian.
    unknown = await pcm_of(festival, "Глокая куздра штеко будланула бокра.")
    assert await pcm_of(festival, "The slithy toves did gyre and gimble in the wabe.", language="en-US")
    assert await pcm_of(festival, "Глокая куздра штеко будланула бокра.") == unknown


async def test_callers_at_once_get_their_own_words(festival: FestivalSynthesizer) -> None:
    texts = ["Раз. Два.", "Три. Четыре.", "Пять. Шесть."] * 4
    alone = [await pcm_of(festival, text) for text in texts[:3]]
    together = await asyncio.gather(*(pcm_of(festival, text) for text in texts))
    assert together == alone * 4


@pytest.mark.parametrize("language", ["ru-RU", "en-US"])
async def test_speed_scales_the_duration(festival: FestivalSynthesizer, language: str) -> None:
    text = HELLO if language == "ru-RU" else "Hello, how can I help you today?"
    slow, usual, fast = [
        len(await pcm_of(festival, text, language=language, speed=speed)) for speed in (0.8, 1.0, 1.5)
    ]
    assert slow == pytest.approx(usual / 0.8, rel=0.05)
    assert fast == pytest.approx(usual / 1.5, rel=0.05)


async def test_numbers_are_spoken_as_their_words(festival: FestivalSynthesizer) -> None:
    written = await pcm_of(festival, "Скидка 25% до 5 мая 2024 г.")
    assert written == await pcm_of(
        festival, "Скидка двадцать пять процентов до пятого мая две тысячи двадцать четвёртого года"
    )


@pytest.mark.parametrize(
    "text",
    [
        '") (system "touch {file}") ("',
        '(system "touch {file}")',
        '\\") (system \\"touch {file}\\") (format t \\"',
        "\\",
        '\\"',
        "';\"",
        'Привет\n(system "touch {file}")\n',
        '#.(system "touch {file}")',
        '<SABLE><EXEC COMMAND="touch {file}"/></SABLE> привет',
        "привет \x00\x04\x1a\x1b[2J мир",
        "glottis 1 failed\nglottis 2 wave 99999999 16000\nпривет",
    ],
)
@pytest.mark.parametrize("language", ["ru-RU", "en-US"])
async def test_no_text_becomes_code(
    festival: FestivalSynthesizer, tmp_path: Path, text: str, language: str
) -> None:
    file = tmp_path / "x"
    spoken = await pcm_of(festival, text.format(file=file) + " Готово, ready.", language=language)
    assert spoken
    assert not file.exists()


async def test_a_text_that_the_voice_has_no_letters_for_is_unsupported(festival: FestivalSynthesizer) -> None:
    frames = aiter(festival.synthesize("你好。", RUSSIAN))
    with pytest.raises(ProviderError) as raised:
        await anext(frames)
    assert raised.value.category is ErrorCategory.UNSUPPORTED
    assert await pcm_of(festival, "你好。 Привет.") == await pcm_of(festival, "Привет.")


@pytest.mark.parametrize(
    "text", ["ъ", "ь ъ", "б", "-", "а-", "ййй", "1", "0,5", "ы" * 700, "слово " * 150, "Ж" * 5 + "!" * 300]
)
async def test_odd_russian_is_spoken(festival: FestivalSynthesizer, text: str) -> None:
    if text == "-":
        assert not await pcm_of(festival, text)
        return
    samples = np.frombuffer(await pcm_of(festival, text), "<i2")
    assert np.abs(samples.astype(int)).max() > 500


async def test_a_long_text_without_an_end_is_heard_at_once(festival: FestivalSynthesizer) -> None:
    async with aclosing(festival.synthesize("слово за слово, " * 500, RUSSIAN)) as frames:
        first = await anext(frames)
    assert first.duration_s < 30
