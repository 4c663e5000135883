from collections.abc import Callable

import pytest
from glottis.plugins import ErrorCategory, ProviderError, SynthesisOptions
from glottis_festival.synthesizer import FestivalSynthesizer

MakeFestival = Callable[..., FestivalSynthesizer]


async def test_a_wanted_voice_that_is_missing_is_named(make_festival: MakeFestival) -> None:
    festival = make_festival(voices=["kal_diphone", "nobody_diphone"])
    with pytest.raises(ProviderError, match="nobody_diphone") as raised:
        await festival.warmup()
    assert raised.value.category is ErrorCategory.UNAVAILABLE


async def test_only_the_wanted_voices_are_offered(make_festival: MakeFestival) -> None:
    festival = make_festival(voices=["kal_diphone"])
    await festival.warmup()
    assert festival.capabilities.languages == {"en-US"}
    frames = aiter(festival.synthesize("Привет.", SynthesisOptions(language="ru-RU")))
    with pytest.raises(ProviderError) as raised:
        await anext(frames)
    assert raised.value.category is ErrorCategory.UNSUPPORTED


async def test_without_festival_the_packages_to_install_are_named(make_festival: MakeFestival) -> None:
    festival = make_festival(program="no-such-festival")
    with pytest.raises(ProviderError, match=r"festvox-ru.*festvox-kallpc16k") as raised:
        await festival.warmup()
    assert raised.value.category is ErrorCategory.UNAVAILABLE


async def test_a_program_that_is_not_festival_is_unavailable(make_festival: MakeFestival) -> None:
    festival = make_festival(program="true")
    with pytest.raises(ProviderError) as raised:
        await festival.warmup()
    assert raised.value.category is ErrorCategory.UNAVAILABLE
