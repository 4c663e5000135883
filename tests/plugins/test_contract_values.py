"""The small things that authors of providers are given."""

import pytest
from glottis.plugins import (
    ANY,
    AudioFrame,
    ErrorCategory,
    ProviderError,
    best_match,
    lookup_order,
    primary,
    silence,
)
from hypothesis import given
from hypothesis import strategies as st


def test_a_frame_knows_its_length() -> None:
    frame = AudioFrame(bytes(640), 16_000)
    assert (frame.sample_count, frame.duration_s) == (320, 0.02)
    assert repr(frame) == "AudioFrame(0.020 s at 16000 Hz)"


@pytest.mark.parametrize(("pcm", "rate_hz"), [(b"\0", 16_000), (b"\0\0", 0), (b"\0\0", -1)])
def test_a_frame_that_cannot_be_is_refused(pcm: bytes, rate_hz: int) -> None:
    with pytest.raises(ValueError, match=r"even number of bytes|is positive"):
        AudioFrame(pcm, rate_hz)


@given(st.floats(0, 5), st.sampled_from([8_000, 16_000, 22_050, 48_000]))
def test_silence_is_as_long_as_it_was_asked_to_be(duration_s: float, rate_hz: int) -> None:
    frame = silence(duration_s, rate_hz=rate_hz)
    assert abs(frame.duration_s - duration_s) <= 1 / rate_hz
    assert not frame.pcm.strip(b"\0")


def test_tags_are_looked_up_from_the_special_to_the_general() -> None:
    assert lookup_order("zh_Hant-TW") == ["zh-hant-tw", "zh-hant", "zh"]
    assert primary("RU_ru") == "ru"


@pytest.mark.parametrize(
    ("tag", "supported", "best"),
    [
        ("ru-RU", {"ru", "ru-RU", "*"}, "ru-RU"),
        ("ru-RU", {"ru", "en", "*"}, "ru"),
        ("en-GB", {"en-US", "*"}, "en-US"),
        ("en", {"en_US"}, "en_US"),
        ("de", {"ru", "*"}, "*"),
        ("de", {"ru"}, None),
        ("de", ANY, "*"),
        ("de", set(), None),
    ],
)
def test_the_language_that_serves_best_is_found(tag: str, supported: set[str], best: str | None) -> None:
    assert best_match(tag, supported) == best


def test_a_provider_error_tells_category_and_message() -> None:
    error = ProviderError(ErrorCategory.RATE_LIMITED, "slow down", 2.5)
    assert str(error) == "rate_limited: slow down"
    assert (error.category, error.public_message, error.retry_after_s) == ("rate_limited", "slow down", 2.5)
