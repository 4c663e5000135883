import asyncio
from typing import Any

import httpx
import pytest
from glottis.plugins import ErrorCategory, ProviderError, VoiceInfo
from glottis_elevenlabs.voices import VoiceList


def page(*ids: str, token: str | None = None) -> httpx.Response:
    voices = [{"voice_id": voice, "name": voice.title()} for voice in ids]
    body = {"voices": voices, "has_more": token is not None, "total_count": 9, "next_page_token": token}
    return httpx.Response(200, json=body)


async def test_all_pages_are_read(speaker: Any, vendor: Any) -> None:
    vendor.answer(page("a", "b", token="t1"), page("c", token="t2"), page("d"))
    voices = await (await speaker()).voices()
    assert [voice.id for voice in voices] == ["a", "b", "c", "d"]
    assert [dict(request.url.params) for request in vendor.requests] == [
        {"page_size": "100"},
        {"page_size": "100", "next_page_token": "t1"},
        {"page_size": "100", "next_page_token": "t2"},
    ]
    assert {request.url.path for request in vendor.requests} == {"/v2/voices"}


async def test_a_voice_that_two_pages_hold_is_listed_once(speaker: Any, vendor: Any) -> None:
    vendor.answer(page("a", "b", token="t1"), page("b", "c"))
    assert [voice.id for voice in await (await speaker()).voices()] == ["a", "b", "c"]


async def test_a_token_that_comes_back_ends_the_list(speaker: Any, vendor: Any) -> None:
    vendor.answer(page("a", token="t1"), page("b", token="t1"))
    assert [voice.id for voice in await (await speaker()).voices()] == ["a", "b"]


async def test_what_a_voice_speaks_is_told(speaker: Any, vendor: Any) -> None:
    verified = [{"language": "ru", "model_id": "m", "locale": "ru-RU"}, {"language": "eng", "model_id": "m"}]
    voices = [
        {"voice_id": "a", "name": "Anya", "labels": {"gender": "female"}, "verified_languages": verified},
        {"voice_id": "b", "name": "Bob", "labels": {"language": "en"}},
        {"voice_id": "c", "name": None, "labels": None, "verified_languages": None, "new_field": 1},
    ]
    vendor.answer(httpx.Response(200, json={"voices": voices, "has_more": False, "total_count": 3}))
    provider = await speaker()
    everything = tuple(sorted(provider.capabilities.languages))
    assert await provider.voices() == (
        VoiceInfo("a", "Anya", ("ru-RU", "en"), "female"),
        VoiceInfo("b", "Bob", ("en",), None),
        VoiceInfo("c", "c", everything, None),
    )


async def test_callers_that_come_together_share_one_request(speaker: Any, vendor: Any) -> None:
    vendor.answer(page("a"))
    provider = await speaker()
    lists = await asyncio.gather(*(provider.voices() for _ in range(5)))
    assert len(vendor.requests) == 1
    assert all(voices == lists[0] for voices in lists)


async def test_the_list_is_asked_for_again_after_some_minutes(speaker: Any, vendor: Any) -> None:
    now = 1_000.0
    vendor.answer(page("a"), page("a", "b"))
    provider = await speaker()
    voices = VoiceList(provider.client, spoken=frozenset({"en"}), clock=lambda: now)
    assert len(await voices.get()) == 1
    now += 299
    assert len(await voices.get()) == 1
    now += 2
    assert len(await voices.get()) == 2


async def test_a_failure_is_not_remembered(speaker: Any, vendor: Any) -> None:
    vendor.answer(httpx.Response(503), page("a"))
    provider = await speaker()
    with pytest.raises(ProviderError) as caught:
        await provider.voices()
    assert caught.value.category is ErrorCategory.UNAVAILABLE
    assert len(await provider.voices()) == 1


@pytest.mark.parametrize("body", [b"not json", b'{"voices": "none"}', b"[]", b"\xff"])
async def test_an_answer_of_another_shape_is_an_internal_error(
    speaker: Any, vendor: Any, body: bytes
) -> None:
    vendor.answer(httpx.Response(200, content=body))
    with pytest.raises(ProviderError) as caught:
        await (await speaker()).voices()
    assert caught.value.category is ErrorCategory.INTERNAL
