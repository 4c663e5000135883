from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import httpx
import pytest
from glottis.plugins import AudioFrame, ErrorCategory, ProviderError, SynthesisOptions
from glottis_elevenlabs.failures import BY_EXCEPTION, from_exception

C = ErrorCategory


async def collect(stream: AsyncIterator[AudioFrame], frames: list[AudioFrame]) -> None:
    """Keep what comes before an error, too."""
    async for frame in stream:
        frames.append(frame)  # noqa: PERF401  # a comprehension would lose it all


async def failure_of(provider: Any, text: str = "Hello.", **options: Any) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        async for _ in provider.synthesize(text, SynthesisOptions(**options)):
            pass
    return caught.value


@pytest.mark.parametrize(
    ("status", "code", "category"),
    [
        (400, "invalid_parameters", C.INVALID_REQUEST),
        (400, "max_character_limit_exceeded", C.INVALID_REQUEST),
        (400, "voice_not_found", C.INVALID_REQUEST),
        (401, "invalid_api_key", C.AUTHENTICATION),
        (401, "needs_authorization", C.AUTHENTICATION),
        (401, "missing_permissions", C.AUTHORIZATION),
        (401, "detected_unusual_activity", C.AUTHORIZATION),
        (401, "quota_exceeded", C.QUOTA),
        (401, "", C.AUTHENTICATION),
        (402, "paid_plan_required", C.QUOTA),
        (402, "", C.QUOTA),
        (403, "only_for_creator+", C.AUTHORIZATION),
        (404, "voice_not_found", C.INVALID_REQUEST),
        (404, "", C.INVALID_REQUEST),
        (408, "", C.TIMEOUT),
        (409, "", C.INVALID_REQUEST),
        (413, "", C.INVALID_REQUEST),
        (425, "", C.UNAVAILABLE),
        (429, "too_many_concurrent_requests", C.RATE_LIMITED),
        (429, "concurrent_limit_exceeded", C.RATE_LIMITED),
        (429, "rate_limit_exceeded", C.RATE_LIMITED),
        (429, "system_busy", C.RATE_LIMITED),
        (429, "quota_exceeded", C.QUOTA),
        (429, "", C.RATE_LIMITED),
        (500, "", C.UNAVAILABLE),
        (502, "", C.UNAVAILABLE),
        (503, "", C.UNAVAILABLE),
        (504, "", C.TIMEOUT),
        (302, "", C.INTERNAL),
    ],
)
async def test_each_refusal_has_its_category(
    speaker: Any, vendor: Any, status: int, code: str, category: ErrorCategory
) -> None:
    vendor.refuse(status, {"status": code, "message": "In the vendor's words."})
    error = await failure_of(await speaker())
    assert error.category is category
    assert error.public_message
    assert "vendor's words" not in error.public_message


async def test_the_newer_name_of_the_cause_is_read_as_well(speaker: Any, vendor: Any) -> None:
    detail = {"type": "payment_required", "code": "insufficient_credits", "status": "something_old"}
    vendor.refuse(400, detail)
    assert (await failure_of(await speaker())).category is C.QUOTA


async def test_findings_of_a_422_are_an_invalid_request(speaker: Any, vendor: Any) -> None:
    vendor.refuse(
        422, [{"loc": ["body", "text"], "msg": "Field required", "type": "missing", "input": "secret text"}]
    )
    error = await failure_of(await speaker())
    assert error.category is C.INVALID_REQUEST
    assert "secret text" not in str(error)


async def test_a_voice_that_is_not_there_is_named(speaker: Any, vendor: Any) -> None:
    vendor.refuse(404, {"status": "voice_not_found", "message": "A voice with that id was not found."})
    error = await failure_of(await speaker(), voice="nPczCjzI2devNBz1zQrb")
    assert error.public_message == "ElevenLabs has no voice 'nPczCjzI2devNBz1zQrb'"


@pytest.mark.parametrize("body", [b"", b"<html>Bad gateway</html>", b"\xff\xfe", b"[1, 2]", b'{"detail": 7}'])
async def test_a_refusal_without_a_readable_body_goes_by_its_status(
    speaker: Any, vendor: Any, body: bytes
) -> None:
    vendor.answer(httpx.Response(502, content=body))
    assert (await failure_of(await speaker())).category is C.UNAVAILABLE


@pytest.mark.parametrize(
    ("value", "seconds"), [("7", 7.0), ("0.5", 0.5), ("-3", 0.0), ("soon", None), ("nan", None), ("", None)]
)
async def test_the_wait_that_is_asked_for_is_passed_on(
    speaker: Any, vendor: Any, value: str, seconds: float | None
) -> None:
    vendor.refuse(429, {"status": "system_busy"}, headers={"Retry-After": value})
    error = await failure_of(await speaker())
    assert error.category is C.RATE_LIMITED
    assert error.retry_after_s == seconds


async def test_the_wait_may_be_a_date(speaker: Any, vendor: Any) -> None:
    at = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    vendor.refuse(429, {"status": "too_many_concurrent_requests"}, headers={"Retry-After": at})
    error = await failure_of(await speaker())
    assert error.retry_after_s == pytest.approx(58, abs=3)


async def test_a_date_in_the_past_is_no_wait(speaker: Any, vendor: Any) -> None:
    vendor.refuse(503, None, headers={"Retry-After": "Wed, 21 Oct 2015 07:28:00 GMT"})
    assert (await failure_of(await speaker())).retry_after_s == 0.0


def httpx_exceptions() -> list[type[Exception]]:
    roots = (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError)
    named = [getattr(httpx, name) for name in httpx.__all__]
    return [kind for kind in named if isinstance(kind, type) and issubclass(kind, roots)]


def make(kind: type[Exception]) -> Exception:
    """Make an exception of httpx, whose constructors differ; its request holds a key."""
    request = httpx.Request("POST", "https://user:pw@host.test/", headers={"xi-api-key": "sk_x"})
    if kind is httpx.HTTPStatusError:
        return httpx.HTTPStatusError("sk_x", request=request, response=httpx.Response(500))
    if issubclass(kind, httpx.RequestError):
        return kind("sk_x", request=request)
    if kind in {httpx.StreamConsumed, httpx.StreamClosed, httpx.ResponseNotRead, httpx.RequestNotRead}:
        return kind()
    return kind("sk_x")


@pytest.mark.parametrize("kind", httpx_exceptions())
def test_every_exception_of_httpx_has_its_category(kind: type[Exception]) -> None:
    assert kind in BY_EXCEPTION
    error = from_exception(make(kind))
    assert error.category is BY_EXCEPTION[kind]
    assert "sk_x" not in str(error)
    assert "host.test" not in str(error)


def test_no_exception_of_httpx_is_forgotten() -> None:
    assert len(httpx_exceptions()) >= 27
    assert set(httpx_exceptions()) == set(BY_EXCEPTION)


def test_an_exception_of_a_newer_httpx_goes_by_its_parent() -> None:
    class SlowTimeout(httpx.ReadTimeout):
        pass

    assert from_exception(SlowTimeout("late")).category is C.TIMEOUT


@pytest.mark.parametrize(
    ("broken", "category"),
    [
        (httpx.ConnectTimeout("late"), C.TIMEOUT),
        (httpx.ReadTimeout("late"), C.TIMEOUT),
        (httpx.ConnectError("refused"), C.UNAVAILABLE),
        (httpx.RemoteProtocolError("cut"), C.UNAVAILABLE),
        (httpx.DecodingError("not gzip"), C.INTERNAL),
    ],
)
async def test_a_request_that_breaks_is_one_of_our_errors(
    speaker: Any, vendor: Any, broken: Exception, category: ErrorCategory
) -> None:
    vendor.answer(broken)
    assert (await failure_of(await speaker())).category is category


@pytest.mark.parametrize(
    ("broken", "category"),
    [
        (httpx.ReadTimeout("late"), C.TIMEOUT),
        (httpx.ReadError("reset"), C.UNAVAILABLE),
        (httpx.RemoteProtocolError("cut"), C.UNAVAILABLE),
    ],
)
async def test_a_stream_that_is_cut_gives_what_had_come_and_then_the_error(
    speaker: Any, vendor: Any, audio: Any, broken: Exception, category: ErrorCategory
) -> None:
    answer = audio(b"\x01\x02" * 10, broken)
    vendor.answer(answer)
    frames: list[AudioFrame] = []
    with pytest.raises(ProviderError) as caught:
        await collect((await speaker()).synthesize("Hello.", SynthesisOptions()), frames)
    assert caught.value.category is category
    assert [frame.pcm for frame in frames] == [b"\x01\x02" * 10]
    assert answer.stream.is_closed


async def test_a_stream_cut_in_the_middle_of_a_text_stream_stops_it(
    speaker: Any, vendor: Any, audio: Any
) -> None:
    vendor.answer(audio(b"\x01\x02"), audio(httpx.ReadError("reset")))

    async def text() -> AsyncIterator[str]:
        for number in range(10):
            yield f"Sentence {number}. "

    with pytest.raises(ProviderError) as caught:
        await collect((await speaker()).synthesize(text(), SynthesisOptions()), [])
    assert caught.value.category is C.UNAVAILABLE
    assert len(vendor.requests) == 2


@pytest.mark.parametrize("kind", ["application/json", "text/html; charset=utf-8"])
async def test_an_answer_that_is_no_audio_is_not_played(speaker: Any, vendor: Any, kind: str) -> None:
    vendor.answer(httpx.Response(200, headers={"content-type": kind}, content=b"<html></html>"))
    assert (await failure_of(await speaker())).category is C.INTERNAL


async def test_a_provider_that_was_not_warmed_up_says_so(speaker: Any) -> None:
    provider = await speaker()
    await provider.aclose()
    assert (await failure_of(provider)).category is C.UNAVAILABLE


async def test_health_asks_for_the_account(speaker: Any, vendor: Any) -> None:
    vendor.answer(httpx.Response(200, json={"tier": "free", "character_count": 1, "character_limit": 10_000}))
    await (await speaker()).health()
    assert vendor.requests[0].url.path == "/v1/user/subscription"


@pytest.mark.parametrize(
    ("account", "category"),
    [
        ({"character_count": 10, "character_limit": 10}, C.QUOTA),
        ({"character_count": 15, "character_limit": 10, "max_credit_limit_extension": 5}, C.QUOTA),
        ({"character_count": 12, "character_limit": 10, "max_credit_limit_extension": 5}, None),
        ({"character_count": 99, "character_limit": 10, "max_credit_limit_extension": "unlimited"}, None),
        ({}, None),
        ({"character_count": "many"}, C.INTERNAL),
        (["not", "an", "object"], C.INTERNAL),
    ],
)
async def test_an_account_without_credits_is_not_healthy(
    speaker: Any, vendor: Any, account: Any, category: ErrorCategory | None
) -> None:
    vendor.answer(httpx.Response(200, json=account))
    provider = await speaker()
    if category is None:
        await provider.health()
        return
    with pytest.raises(ProviderError) as caught:
        await provider.health()
    assert caught.value.category is category


async def test_a_key_that_may_not_read_the_account_is_healthy(speaker: Any, vendor: Any) -> None:
    vendor.refuse(401, {"status": "missing_permissions", "message": "is missing the permission user_read"})
    await (await speaker()).health()


@pytest.mark.parametrize(("status", "category"), [(401, C.AUTHENTICATION), (503, C.UNAVAILABLE)])
async def test_a_wrong_key_or_a_broken_service_is_not_healthy(
    speaker: Any, vendor: Any, status: int, category: ErrorCategory
) -> None:
    vendor.refuse(status, {"status": "", "message": ""})
    with pytest.raises(ProviderError) as caught:
        await (await speaker()).health()
    assert caught.value.category is category
