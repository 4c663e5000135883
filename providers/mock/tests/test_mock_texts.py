from collections.abc import Callable
from typing import Any

import pytest
from glottis.plugins import RecognitionOptions, is_speakable
from glottis_mock.alphabet import decode, encode, packets
from glottis_mock.receiver import Receiver
from glottis_mock.recognizer import MockRecognizer
from glottis_mock.waveform import sound
from hypothesis import given, settings
from hypothesis import strategies as st

Speak = Callable[..., Any]


@given(st.text())
def test_every_text_can_be_encoded(text: str) -> None:
    assert decode(encode(text)) == text


@given(st.binary())
def test_any_codes_can_be_decoded(codes: bytes) -> None:
    assert isinstance(decode(codes), str)


@given(st.text(max_size=60), st.integers(8, 40))
def test_packets_are_short_and_lose_nothing(text: str, most_codes: int) -> None:
    runs = packets(text, most_codes=most_codes)

    assert all(0 < len(run) <= most_codes for run in runs)
    assert "".join("".join(map(decode, runs)).split()) == "".join(text.split())


@given(text=st.text(min_size=1, max_size=40).filter(is_speakable))
@settings(max_examples=50, deadline=None)
def test_every_text_survives_the_air(text: str) -> None:
    receiver = Receiver(16_000)
    codes = encode(text)

    receiver.feed(sound(codes, pitch="middle", symbol_ms=20, rate_hz=16_000))
    receiver.finish()

    assert [(packet.codes, packet.is_intact) for packet in receiver.packets] == [(codes, True)]


@pytest.mark.parametrize(
    "text",
    [
        "Да",
        "Привет, как дела? Сегодня хорошая погода.",
        "Hello, how are you? The weather is fine today.",
        "日本語のテキスト と français, Ελληνικά",
        "word " * 200 + "end",
        "x" * 700,
        "Ж" * 700,
        "你" * 300,
        "emoji 🙂🎉 and 1,234.56 € (50 %)",
    ],
)
async def test_a_text_is_heard_as_it_was_spoken(speak: Speak, recognizer: MockRecognizer, text: str) -> None:
    heard = await recognizer.recognize(await speak(text), RecognitionOptions())

    assert heard.text == text
    assert heard.confidence > 0.9


async def test_white_space_is_evened_out(speak: Speak, recognizer: MockRecognizer) -> None:
    heard = await recognizer.recognize(await speak(" one\n\n two.\tthree  "), RecognitionOptions())

    assert heard.text == "one two. three"
