"""Voices that ElevenLabs keeps for us: who sees them, and how they are deleted."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest
from glottis.plugins import ErrorCategory, ProviderError, TrainedVoice

C = ErrorCategory


@pytest.mark.usefixtures("imitation")
async def test_an_installed_voice_is_listed_for_nobody_even_if_somebody_has_renamed_it(
    speaker: Callable[..., Any], account: Any
) -> None:
    account.clones["mine"] = {"voice_id": "mine", "name": "Anya"}
    account.clones["theirs"] = {"voice_id": "theirs", "name": "Glottis"}
    synthesizer = await speaker()
    await synthesizer.install(TrainedVoice("mine"))
    listed = {each.id for each in await synthesizer.voices()}
    assert "mine" not in listed
    assert "theirs" in listed


async def test_a_voice_that_cannot_be_one_is_not_installed(speaker: Callable[..., Any]) -> None:
    with pytest.raises(ProviderError) as caught:
        await (await speaker()).install(TrainedVoice("../user"))
    assert caught.value.category is C.INVALID_REQUEST


async def test_deleting_asks_for_it_in_the_published_way(trainer: Any, vendor: Any) -> None:
    vendor.answer(httpx.Response(200, json={"status": "ok"}))
    await (await trainer()).delete(TrainedVoice("c38kUX8pkfYO2kHyqfFy"))
    (request,) = vendor.requests
    assert (request.method, request.url.path) == ("DELETE", "/v1/voices/c38kUX8pkfYO2kHyqfFy")


@pytest.mark.parametrize(("status", "code"), [(404, "voice_not_found"), (400, "voice_does_not_exist")])
async def test_a_voice_that_is_gone_already_is_deleted(
    trainer: Any, vendor: Any, status: int, code: str
) -> None:
    vendor.refuse(status, {"status": code, "message": "It is gone."})
    await (await trainer()).delete(TrainedVoice("c38kUX8pkfYO2kHyqfFy"))


async def test_a_name_that_no_voice_can_have_is_deleted_without_asking(trainer: Any, vendor: Any) -> None:
    await (await trainer()).delete(TrainedVoice("../user"))
    assert vendor.requests == []


@pytest.mark.parametrize(
    ("status", "category"),
    [(401, C.AUTHENTICATION), (404, C.INVALID_REQUEST), (429, C.RATE_LIMITED), (503, C.UNAVAILABLE)],
)
async def test_a_voice_that_elevenlabs_keeps_is_not_taken_for_deleted(
    trainer: Any, vendor: Any, status: int, category: C
) -> None:
    vendor.refuse(status, {"status": "", "message": ""})
    with pytest.raises(ProviderError) as caught:
        await (await trainer()).delete(TrainedVoice("c38kUX8pkfYO2kHyqfFy"))
    assert caught.value.category is category
