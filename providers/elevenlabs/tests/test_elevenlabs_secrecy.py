import logging
import traceback
from typing import Any

import httpx
import pytest
from glottis.plugins import AudioFrame, ProviderError, RecognitionOptions, SynthesisOptions
from glottis_elevenlabs.config import ElevenLabsConfig
from pydantic import ValidationError


def chain(error: BaseException | None) -> list[BaseException]:
    """List an exception and everything that hangs on it."""
    found: list[BaseException] = []
    waiting = [error]
    while waiting:
        current = waiting.pop()
        if current is not None and current not in found:
            found.append(current)
            waiting += [current.__cause__, current.__context__]
    return found


async def speak(provider: Any) -> None:
    async for _ in provider.synthesize("Hello.", SynthesisOptions()):
        pass


async def listen(provider: Any) -> None:
    await provider.recognize(AudioFrame(b"\x01\x02" * 8_000, 16_000), RecognitionOptions())


def answers(key: str) -> list[Any]:
    request = httpx.Request("POST", "https://api.elevenlabs.io/", headers={"xi-api-key": key})
    return [
        httpx.ConnectError(f"refused {key}", request=request),
        httpx.ReadTimeout(f"late {key}", request=request),
        httpx.Response(
            401, json={"detail": {"status": "invalid_api_key", "message": f"Invalid API key {key}"}}
        ),
        httpx.Response(422, json={"detail": [{"loc": ["header", "xi-api-key"], "msg": "no", "input": key}]}),
        httpx.Response(400, json={"detail": {"status": key, "code": key, "message": key}}),
        httpx.Response(200, headers={"content-type": "application/json"}, content=key.encode()),
    ]


@pytest.mark.parametrize("number", range(6))
@pytest.mark.parametrize("kind", ["speaker", "listener"])
async def test_the_key_is_in_no_log_and_no_exception(
    speaker: Any,
    listener: Any,
    caplog: pytest.LogCaptureFixture,
    vendor: Any,
    key: str,
    kind: str,
    number: int,
) -> None:
    caplog.set_level(logging.DEBUG)
    provider = await (speaker if kind == "speaker" else listener)()
    vendor.answer(answers(key)[number])
    with pytest.raises(ProviderError) as caught:
        await (speak(provider) if kind == "speaker" else listen(provider))
    error = caught.value
    assert chain(error) == [error]
    printed = "".join(traceback.format_exception(error))
    logged = "".join(f"{record.getMessage()} {vars(record)}" for record in caplog.records)
    for text in (error.public_message, repr(error), printed, logged, repr(provider), repr(provider.config)):
        assert key not in text
    assert key not in str(vars(provider))


async def test_public_messages_name_no_address(speaker: Any, vendor: Any) -> None:
    vendor.answer(httpx.ConnectError("https://api.elevenlabs.io refused"))
    with pytest.raises(ProviderError) as caught:
        await speak(await speaker())
    assert "elevenlabs.io" not in caught.value.public_message


def test_the_configuration_shows_no_key(key: str) -> None:
    config = ElevenLabsConfig.model_validate({"api_key": key})
    assert key not in repr(config)
    assert key not in str(config.model_dump())
    assert key not in config.model_dump_json()


@pytest.mark.parametrize("wrong", ["", "sk_1\nsk_2", "sk_ключ", "sk 1", "sk_1\x00"])
def test_a_key_that_no_header_can_hold_is_refused_without_quoting_it(wrong: str) -> None:
    with pytest.raises(ValidationError) as caught:
        ElevenLabsConfig.model_validate({"api_key": wrong})
    assert not wrong or wrong not in str(caught.value)


def test_a_key_is_required() -> None:
    with pytest.raises(ValidationError):
        ElevenLabsConfig.model_validate({})


@pytest.mark.parametrize(
    "address", ["api.elevenlabs.io", "https://user:pw@host", "ftp://host", "https://host?key=1", "https://"]
)
def test_an_address_with_credentials_or_without_a_scheme_is_refused(address: str) -> None:
    with pytest.raises(ValidationError):
        ElevenLabsConfig.model_validate({"api_key": "sk_1", "base_url": address})


@pytest.mark.parametrize("name", ["output_format", "stability", "speed", "read_timeout_s", "voice_id"])
def test_values_out_of_range_are_refused(name: str) -> None:
    wrong = {
        "output_format": "mp3_44100_128",
        "stability": 1.1,
        "speed": 2.0,
        "read_timeout_s": 0,
        "voice_id": "a/b",
    }
    with pytest.raises(ValidationError):
        ElevenLabsConfig.model_validate({"api_key": "sk_1", name: wrong[name]})
