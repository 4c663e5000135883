import io
import math
import wave
from typing import Any

import httpx
import pytest
from glottis.plugins import AudioFrame, ErrorCategory, ProviderError, RecognitionOptions, Word, silence

CLIP = AudioFrame(b"\x01\x02" * 16_000, 16_000)
TIMED = RecognitionOptions(language="en-US", word_times=True)


def heard(text: str, *words: dict[str, Any], language: str = "eng", **more: Any) -> httpx.Response:
    body = {"text": text, "language_code": language, "language_probability": 0.9, "words": words}
    return httpx.Response(200, json=body | more)


def word(
    text: str, start: float | None, end: float | None, logprob: float, kind: str = "word"
) -> dict[str, Any]:
    return {"text": text, "type": kind, "start": start, "end": end, "logprob": logprob}


async def test_the_upload_has_the_published_shape(listener: Any, vendor: Any, form: Any, key: str) -> None:
    vendor.answer(heard("Привет.", language="rus"))
    await (await listener()).recognize(CLIP, RecognitionOptions(language="ru-RU"))
    (request,) = vendor.requests
    assert (request.method, request.url.path) == ("POST", "/v1/speech-to-text")
    assert request.headers["xi-api-key"] == key
    parts = form(request)
    fields = {name: part.get_payload() for name, part in parts.items() if name != "file"}
    assert fields == {
        "model_id": "scribe_v2",
        "timestamps_granularity": "word",
        "tag_audio_events": "false",
        "language_code": "ru",
    }
    assert parts["file"].get_filename() == "speech.wav"
    assert parts["file"].get_content_type() == "audio/wav"
    with wave.open(io.BytesIO(parts["file"].get_payload(decode=True))) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (16_000, 1, 2)
        assert file.readframes(file.getnframes()) == CLIP.pcm


async def test_words_have_times_and_a_confidence(listener: Any, vendor: Any) -> None:
    vendor.answer(
        heard(
            " Hello world. ",
            word("Hello", 0.1, 0.4, math.log(0.9)),
            word(" ", 0.4, 0.5, 0.0, kind="spacing"),
            word("(cough)", 0.5, 0.6, -5.0, kind="audio_event"),
            word("world.", 0.6, 0.9, math.log(0.4)),
        )
    )
    transcript = await (await listener()).recognize(CLIP, TIMED)
    assert transcript.text == "Hello world."
    assert transcript.language == "en-US"
    assert transcript.confidence == pytest.approx(0.6)
    assert [(word.text, word.start_s, word.end_s) for word in transcript.words] == [
        ("Hello", 0.1, 0.4),
        ("world.", 0.6, 0.9),
    ]
    assert [word.confidence for word in transcript.words] == pytest.approx([0.9, 0.4])


async def test_words_are_left_out_where_nobody_asks(listener: Any, vendor: Any) -> None:
    vendor.answer(heard("Hello", word("Hello", 0.1, 0.4, 0.0)))
    transcript = await (await listener()).recognize(CLIP, RecognitionOptions(language="en"))
    assert transcript.words == ()
    assert transcript.confidence == 1.0


async def test_words_without_times_or_above_certainty_do_no_harm(listener: Any, vendor: Any) -> None:
    vendor.answer(heard("Hello", word("Hello", None, None, 0.2)))
    transcript = await (await listener()).recognize(CLIP, TIMED)
    assert transcript.words == (Word("Hello", 0.0, 0.0, 1.0),)


async def test_without_words_the_certainty_of_the_language_counts(listener: Any, vendor: Any) -> None:
    vendor.answer(heard("Hello"))
    assert (await (await listener()).recognize(CLIP, TIMED)).confidence == 0.9


async def test_an_empty_text_has_no_confidence(listener: Any, vendor: Any) -> None:
    vendor.answer(heard("  "))
    transcript = await (await listener()).recognize(CLIP, TIMED)
    assert (transcript.text, transcript.confidence) == ("", 0.0)


@pytest.mark.parametrize(
    ("asked", "answered", "told"),
    [
        ("ru-RU", "rus", "ru-RU"),
        ("ru-RU", "eng", "en"),
        ("en-GB", "en", "en-GB"),
        ("nb-NO", "nor", "nb-NO"),
        ("zh-TW", "cmn", "zh-TW"),
        ("uk-UA", "yue", "yue"),
        ("ru-RU", "", "ru-RU"),
    ],
)
async def test_the_language_of_the_answer_becomes_a_tag(
    listener: Any, vendor: Any, asked: str, answered: str, told: str
) -> None:
    vendor.answer(heard("Something", language=answered))
    transcript = await (await listener()).recognize(CLIP, RecognitionOptions(language=asked))
    assert transcript.language == told


@pytest.mark.parametrize("language", ["auto", "*", "und"])
async def test_a_language_that_is_not_known_is_left_to_be_found_out(
    listener: Any, vendor: Any, form: Any, language: str
) -> None:
    vendor.answer(heard("Hello"))
    transcript = await (await listener()).recognize(CLIP, RecognitionOptions(language=language))
    assert "language_code" not in form(vendor.requests[0])
    assert transcript.language == "en"


@pytest.mark.parametrize("clip", [silence(2.0, rate_hz=16_000), AudioFrame(b"\x01\x02" * 1_000, 16_000)])
async def test_silence_and_clicks_cost_nothing(listener: Any, vendor: Any, clip: AudioFrame) -> None:
    transcript = await (await listener()).recognize(clip, RecognitionOptions(language="ru-RU"))
    assert (transcript.text, transcript.language) == ("", "ru-RU")
    assert vendor.requests == []


async def test_the_model_can_be_chosen(listener: Any, vendor: Any, form: Any) -> None:
    vendor.answer(heard("Hello"))
    await (await listener(recognition_model_id="scribe_v3")).recognize(CLIP, TIMED)
    assert form(vendor.requests[0])["model_id"].get_payload() == "scribe_v3"


@pytest.mark.parametrize(
    ("answer", "category"),
    [
        (httpx.Response(401, json={"detail": {"status": "invalid_api_key"}}), ErrorCategory.AUTHENTICATION),
        (httpx.Response(422, json={"detail": []}), ErrorCategory.INVALID_REQUEST),
        (httpx.Response(429, json={"detail": {"status": "system_busy"}}), ErrorCategory.RATE_LIMITED),
        (httpx.Response(500), ErrorCategory.UNAVAILABLE),
        (httpx.Response(200, content=b"{"), ErrorCategory.INTERNAL),
        (httpx.Response(200, json={"transcripts": []}), ErrorCategory.INTERNAL),
        (httpx.ReadTimeout("late"), ErrorCategory.TIMEOUT),
        (httpx.WriteError("reset"), ErrorCategory.UNAVAILABLE),
    ],
)
async def test_each_failure_has_its_category(
    listener: Any, vendor: Any, answer: Any, category: ErrorCategory
) -> None:
    vendor.answer(answer)
    with pytest.raises(ProviderError) as caught:
        await (await listener()).recognize(CLIP, TIMED)
    assert caught.value.category is category
