from collections.abc import AsyncIterator
from typing import Any

import pytest
from glottis.plugins import AudioFrame, ErrorCategory, ProviderError, SynthesisOptions

ENGLISH = SynthesisOptions(language="en-US")
PCM = b"\x01\x02" * 50


async def speak(provider: Any, text: Any, options: SynthesisOptions = ENGLISH) -> list[AudioFrame]:
    return [frame async for frame in provider.synthesize(text, options)]


async def pieces(*texts: str) -> AsyncIterator[str]:
    for text in texts:
        yield text


async def test_audio_is_given_on_as_it_arrives(speaker: Any, vendor: Any, audio: Any) -> None:
    vendor.answer(audio(b"\x01\x02" * 3, b"\x03\x04" * 5))
    frames = await speak(await speaker(), "Hello.")
    assert frames == [AudioFrame(b"\x01\x02" * 3, 22_050), AudioFrame(b"\x03\x04" * 5, 22_050)]


async def test_samples_that_are_cut_between_chunks_are_put_together(
    speaker: Any, vendor: Any, audio: Any
) -> None:
    vendor.answer(audio(b"\x01", b"\x02\x03\x04\x05", b"", b"\x06\x07\x08"))
    frames = await speak(await speaker(), "Hello.")
    assert b"".join(frame.pcm for frame in frames) == bytes(range(1, 9))


async def test_half_a_sample_at_the_very_end_is_dropped(speaker: Any, vendor: Any, audio: Any) -> None:
    vendor.answer(audio(b"\x01\x02\x03"))
    assert await speak(await speaker(), "Hello.") == [AudioFrame(b"\x01\x02", 22_050)]


async def test_an_empty_answer_gives_no_frames(speaker: Any, vendor: Any, audio: Any) -> None:
    vendor.answer(audio())
    assert await speak(await speaker(), "Hello.") == []


async def test_a_text_is_one_request_in_the_published_shape(
    speaker: Any, vendor: Any, audio: Any, key: str
) -> None:
    vendor.answer(audio(PCM))
    await speak(await speaker(), "Hello. How are you?", SynthesisOptions(language="en-US"))
    (request,) = vendor.requests
    assert request.method == "POST"
    assert request.url.path == "/v1/text-to-speech/JBFqnCBsd6RMkjVDRZzb/stream"
    assert dict(request.url.params) == {"output_format": "pcm_22050"}
    assert request.headers["xi-api-key"] == key
    assert vendor.bodies == [
        {"text": "Hello. How are you?", "model_id": "eleven_flash_v2_5", "language_code": "en"}
    ]


async def test_the_output_format_sets_the_sample_rate(speaker: Any, vendor: Any, audio: Any) -> None:
    vendor.answer(audio(PCM))
    (frame,) = await speak(await speaker(output_format="pcm_16000"), "Hello.")
    assert frame.rate_hz == 16_000
    assert vendor.requests[0].url.params["output_format"] == "pcm_16000"


async def test_the_address_of_the_api_may_have_a_path(speaker: Any, audio: Any, respx_mock: Any) -> None:
    route = respx_mock.post("http://gateway.test/eleven/v1/text-to-speech/abc/stream").mock(
        return_value=audio(PCM)
    )
    provider = await speaker(base_url="http://gateway.test/eleven", voice_id="abc")
    assert await speak(provider, "Hello.")
    assert route.called


async def test_a_voice_of_the_caller_is_used(speaker: Any, vendor: Any, audio: Any) -> None:
    vendor.answer(audio(PCM))
    await speak(await speaker(), "Hello.", SynthesisOptions(voice="nPczCjzI2devNBz1zQrb"))
    assert vendor.requests[0].url.path == "/v1/text-to-speech/nPczCjzI2devNBz1zQrb/stream"


@pytest.mark.parametrize("voice", ["../../v1/user", "a/b", "", "x?y=1", "голос", "v" * 65])
async def test_what_cannot_be_a_voice_is_refused_without_a_request(
    speaker: Any, vendor: Any, voice: str
) -> None:
    with pytest.raises(ProviderError) as caught:
        await speak(await speaker(), "Hello.", SynthesisOptions(voice=voice))
    assert caught.value.category is ErrorCategory.INVALID_REQUEST
    assert vendor.requests == []


async def test_a_stream_of_text_is_one_request_a_sentence_that_knows_the_ones_before(
    speaker: Any, vendor: Any, audio: Any
) -> None:
    vendor.answer(*(audio(PCM, request_id=f"r{number}") for number in range(5)))
    text = pieces("One. T", "wo. Three. ", "... ", "Four. Five.")
    frames = await speak(await speaker(), text)
    assert len(frames) == 5
    assert [body["text"] for body in vendor.bodies] == ["One.", "Two.", "Three.", "Four.", "Five."]
    assert [body.get("previous_request_ids") for body in vendor.bodies] == [
        None,
        ["r0"],
        ["r0", "r1"],
        ["r0", "r1", "r2"],
        ["r1", "r2", "r3"],
    ]


async def test_without_request_ids_the_text_before_is_told(speaker: Any, vendor: Any, audio: Any) -> None:
    vendor.answer(audio(PCM), audio(PCM))
    await speak(await speaker(), pieces("One. Two."))
    assert [body.get("previous_text") for body in vendor.bodies] == [None, "One."]


@pytest.mark.parametrize(
    "options", [{"stitch": False}, {"model_id": "eleven_v3"}, {"model_id": "eleven_v3_conversational"}]
)
async def test_nothing_is_told_where_the_model_or_the_operator_does_not_want_it(
    speaker: Any, vendor: Any, audio: Any, options: dict[str, Any]
) -> None:
    vendor.answer(audio(PCM, request_id="r1"), audio(PCM, request_id="r2"))
    await speak(await speaker(**options), pieces("One. Two."))
    assert len(vendor.bodies) == 2
    assert not any(field.startswith(("previous", "next")) for body in vendor.bodies for field in body)


async def test_the_first_audio_comes_before_the_text_has_ended(speaker: Any, vendor: Any, audio: Any) -> None:
    vendor.answer(audio(PCM), audio(PCM))
    heard: list[AudioFrame] = []

    async def text() -> AsyncIterator[str]:
        yield "One. "
        yield "Two. "
        assert heard
        yield "Three."

    async for frame in (await speaker()).synthesize(text(), ENGLISH):
        heard.append(frame)  # noqa: PERF401  # the text looks at it meanwhile
    assert len(heard) == 3


async def test_a_text_over_the_limit_of_the_model_is_cut_at_sentences(
    speaker: Any, vendor: Any, audio: Any
) -> None:
    vendor.answer(*(audio(PCM, request_id=f"r{number}") for number in range(4)))
    sentence = "word " * 300 + "end."
    await speak(await speaker(model_id="eleven_multilingual_v2"), " ".join([sentence] * 12))
    texts = [body["text"] for body in vendor.bodies]
    assert [len(text) for text in texts] == [9_029, 9_029]
    assert vendor.bodies[0]["next_text"] == texts[1][:500]
    assert vendor.bodies[1]["previous_request_ids"] == ["r0"]


async def test_a_sentence_over_the_limit_is_cut_between_words(speaker: Any, vendor: Any, audio: Any) -> None:
    vendor.answer(*(audio(PCM) for _ in range(3)))
    text = "слово " * 1_000
    await speak(await speaker(model_id="eleven_v3"), text)
    texts = [body["text"] for body in vendor.bodies]
    assert [len(text) for text in texts] == [2_999, 2_999]
    assert " ".join(texts) == text.strip()


async def test_a_run_without_spaces_is_cut_anywhere(speaker: Any, vendor: Any, audio: Any) -> None:
    vendor.answer(*(audio(PCM) for _ in range(3)))
    await speak(await speaker(model_id="eleven_v3"), "あ" * 7_000)
    assert [len(body["text"]) for body in vendor.bodies] == [3_000, 3_000, 1_000]


@pytest.mark.parametrize(
    ("model_id", "language", "sent"),
    [
        ("eleven_flash_v2_5", "ru-RU", "ru"),
        ("eleven_turbo_v2_5", "nb-NO", "no"),
        ("eleven_flash_v2_5", "fa-IR", None),
        ("eleven_v3", "fa-IR", "fa"),
        ("eleven_multilingual_v2", "ru-RU", None),
        ("eleven_flash_v2", "en-GB", None),
        ("eleven_of_tomorrow", "ru-RU", None),
    ],
)
async def test_the_language_is_sent_where_the_model_takes_it(
    speaker: Any, vendor: Any, audio: Any, model_id: str, language: str, sent: str | None
) -> None:
    vendor.answer(audio(PCM))
    await speak(await speaker(model_id=model_id), "Hello.", SynthesisOptions(language=language))
    assert vendor.bodies[0].get("language_code") == sent


async def test_the_capabilities_are_those_of_the_model(speaker: Any) -> None:
    assert "ru" in (await speaker()).capabilities.languages
    assert (await speaker(model_id="eleven_flash_v2")).capabilities.languages == frozenset({"en"})
    v3 = (await speaker(model_id="eleven_v3")).capabilities
    assert v3.languages == frozenset({"*"})
    assert not v3.speed


async def test_a_neutral_voice_keeps_its_own_settings(speaker: Any, vendor: Any, audio: Any) -> None:
    vendor.answer(audio(PCM))
    await speak(await speaker(), "Hello.")
    assert "voice_settings" not in vendor.bodies[0]


@pytest.mark.parametrize(("asked", "sent"), [(1.1, 1.1), (2.0, 1.2), (0.1, 0.7)])
async def test_speed_is_sent_within_the_limits_of_the_api(
    speaker: Any, vendor: Any, audio: Any, asked: float, sent: float
) -> None:
    vendor.answer(audio(PCM))
    await speak(await speaker(), "Hello.", SynthesisOptions(speed=asked))
    assert vendor.bodies[0]["voice_settings"] == {"speed": sent}


async def test_an_emotion_shifts_the_configured_settings(speaker: Any, vendor: Any, audio: Any) -> None:
    vendor.answer(audio(PCM), audio(PCM))
    provider = await speaker(stability=0.9, similarity_boost=0.8, style=0.1, speed=0.9)
    await speak(provider, "Hello.", SynthesisOptions(emotion="neutral"))
    await speak(provider, "Hello.", SynthesisOptions(emotion="excited", speed=1.2))
    assert [body["voice_settings"] for body in vendor.bodies] == [
        {"stability": 0.9, "similarity_boost": 0.8, "style": 0.1, "speed": 0.9},
        {"stability": 0.65, "similarity_boost": 0.8, "style": 0.45, "speed": 1.08},
    ]


async def test_every_emotion_stays_within_the_range_of_the_settings(
    speaker: Any, vendor: Any, audio: Any
) -> None:
    for edge in (0.0, 1.0):
        provider = await speaker(stability=edge, style=edge)
        for emotion in sorted(provider.capabilities.emotions):
            vendor.answer(audio(PCM))
            await speak(provider, "Hello.", SynthesisOptions(emotion=emotion))
    sent = [value for body in vendor.bodies for value in body["voice_settings"].values()]
    assert all(0.0 <= value <= 1.0 for value in sent)


async def test_v3_is_sent_only_the_stability_steps_that_it_takes(
    speaker: Any, vendor: Any, audio: Any
) -> None:
    provider = await speaker(model_id="eleven_v3", stability=0.4)
    for emotion in sorted(provider.capabilities.emotions):
        vendor.answer(audio(PCM))
        await speak(provider, "Hello.", SynthesisOptions(emotion=emotion, speed=1.2))
    sent = [body["voice_settings"] for body in vendor.bodies]
    assert {settings["stability"] for settings in sent} <= {0.0, 0.5, 1.0}
    assert not any("speed" in settings for settings in sent)
