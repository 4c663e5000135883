"""Intents and answers, through HTTP."""

from typing import Any

import pytest
from glottis.plugins import (
    ErrorCategory,
    Match,
    ProviderError,
    Remembered,
    ReplyAction,
    ReplySource,
    ReplyText,
)
from glottis.plugins.conformance import ScriptedIntentHandler

from .conftest import VOICE, Serve, Server

SCRIPTED = 'enable = ["test"]\n[routes]\nintents = ["scripted"]'


async def test_the_references_example_of_an_intent(serve: Serve) -> None:
    toml = """
enable = ["rules"]
[routes]
intents = ["rules"]
[projects.demo.sections.pricing]
url = "/pricing"
names = { ru = ["цены", "прайс"], en = ["pricing", "prices"] }
"""
    body = {
        "text": "Покажи мне раздел с ценами",
        "project": "demo",
        "context": {"current_page": "/", "previous_intents": []},
    }
    async with serve(toml) as server:
        response = await server.client.post(f"{VOICE}/dialog/intent", json=body)
    assert response.status_code == 200
    assert response.json() == {
        "intent": "navigate",
        "confidence": 0.95,
        "entities": {"target_section": "pricing"},
        "suggested_action": {"type": "navigate", "url": "/pricing"},
        "provider": "rules",
    }


async def test_handlers_are_told_where_the_person_is(serve: Serve) -> None:
    handler = ScriptedIntentHandler()
    body = {
        "text": "go on",
        "project": "demo",
        "language": "en-US",
        "context": {"currentPage": "/cart", "previousIntents": ["greeting"]},
    }
    async with serve(SCRIPTED, handler.spec()) as server:
        await server.client.post(f"{VOICE}/dialog/intent", json=body)
    told = handler.calls[0].context
    assert (told.current_page, told.previous_intents, told.language) == ("/cart", ("greeting",), "en-US")


async def test_what_nobody_understands_is_unknown(serve: Serve) -> None:
    handler = ScriptedIntentHandler(matches=[(None,)])
    async with serve(SCRIPTED, handler.spec()) as server:
        response = await server.client.post(
            f"{VOICE}/dialog/intent", json={"text": "blorp", "project": "demo"}
        )
    assert response.json() == {
        "intent": "unknown",
        "confidence": 0.0,
        "entities": {},
        "suggested_action": None,
        "provider": None,
    }


async def test_an_answer_has_text_audio_sources_and_actions(serve: Serve) -> None:
    handler = ScriptedIntentHandler(
        matches=[Match("price", 0.7)],
        replies=[
            (
                ReplyText("Ten roubles."),
                ReplySource("Price list", "/prices"),
                ReplyAction("open", {"url": "/prices"}),
            )
        ],
    )
    async with serve(SCRIPTED, handler.spec()) as server:
        session_id = (await server.start_session())["session_id"]
        body = {"sessionId": session_id, "project": "demo", "text": "How much?"}
        response = await server.client.post(f"{VOICE}/dialog/respond", json=body)
    assert response.status_code == 202
    assert response.json() == {
        "type": "response",
        "text": "Ten roubles.",
        "audio_url": None,
        "sources": [{"title": "Price list", "url": "/prices"}],
        "suggested_actions": [{"type": "open", "url": "/prices"}],
        "intent": "price",
    }


async def test_both_sides_of_a_turn_are_remembered_with_their_times(server: Server) -> None:
    session_id = (await server.start_session(language="en-US"))["session_id"]
    body = {"session_id": session_id, "project": "demo", "text": "show the prices"}
    answer = (await server.client.post(f"{VOICE}/dialog/respond", json=body)).json()
    audio = await server.client.get(answer["audio_url"])
    assert (audio.status_code, audio.headers["Content-Type"]) == (200, "audio/mpeg")
    history = (await server.client.get(f"{VOICE}/session/{session_id}/history")).json()["items"]
    said, answered = history
    assert said["content"] == {"text": "show the prices"}
    assert answered["content"]["text"] == answer["text"]
    assert answered["content"]["intent"] == "navigate"
    assert answered["provider"] == "mock"
    assert set(answered["latencies_ms"]) == {"reply", "synthesis"}


@pytest.mark.parametrize(
    ("preference", "voice"),
    [
        ({"provider": "mock", "voice_id": "low"}, "low"),
        ({"voice_id": "high"}, "high"),
        ({"provider": "elevenlabs", "voice_id": "default"}, "default"),
        ({"provider": "elevenlabs", "voice_id": "rachel"}, "default"),
        ({"voice_id": "nobody"}, "default"),
    ],
)
async def test_a_voice_preference_is_followed_where_the_route_allows_it(
    server: Server, preference: dict[str, str], voice: str
) -> None:
    session_id = (await server.start_session(language="en-US", voice_preference=preference))["session_id"]
    body = {"session_id": session_id, "project": "demo", "text": "show the prices"}
    answer = (await server.client.post(f"{VOICE}/dialog/respond", json=body)).json()
    audio = await server.platform.store.audio.get(answer["audio_url"].rpartition("/")[2])
    assert audio is not None
    assert audio.voice == voice


async def test_earlier_turns_are_told_to_the_handler(serve: Serve) -> None:
    handler = ScriptedIntentHandler(replies=["first answer", "second answer"])
    async with serve(SCRIPTED, handler.spec()) as server:
        session_id = (await server.start_session())["session_id"]
        body = {"session_id": session_id, "project": "demo", "text": "one"}
        await server.client.post(f"{VOICE}/dialog/respond", json=body)
        told = await handler.calls[-1].context.history()
    assert told == (Remembered("user", "one"), Remembered("assistant", "first answer", "echo"))


async def test_what_a_person_said_is_kept_even_if_nobody_can_answer(serve: Serve) -> None:
    handler = ScriptedIntentHandler(matches=[ProviderError(ErrorCategory.UNAVAILABLE, "down")])
    async with serve(SCRIPTED, handler.spec()) as server:
        session_id = (await server.start_session())["session_id"]
        body = {"session_id": session_id, "project": "demo", "text": "anybody?"}
        response = await server.client.post(f"{VOICE}/dialog/respond", json=body)
        assert response.status_code == 503
        history = (await server.client.get(f"{VOICE}/session/{session_id}/history")).json()["items"]
    assert [(item["type"], item["content"]) for item in history] == [("user", {"text": "anybody?"})]


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("intent", {"project": "demo"}, 422),
        ("intent", {"text": "", "project": "demo"}, 422),
        ("intent", {"text": "x"}, 422),
        ("intent", {"text": "x" * 3_001, "project": "demo"}, 422),
        ("intent", {"text": "x", "project": "demo", "context": []}, 422),
        ("respond", {"session_id": "0" * 32, "project": "demo", "text": "x"}, 404),
        ("respond", {"project": "demo", "text": "x"}, 422),
        ("respond", {"session_id": None, "project": "demo", "text": "x"}, 422),
    ],
)
async def test_what_cannot_be_answered_is_refused(
    server: Server, path: str, body: dict[str, Any], status: int
) -> None:
    response = await server.client.post(f"{VOICE}/dialog/{path}", json=body)
    assert response.status_code == status
    assert set(response.json()) == {"detail"}


async def test_a_session_answers_only_in_its_own_project(server: Server) -> None:
    session_id = (await server.start_session())["session_id"]
    body = {"session_id": session_id, "project": "other", "text": "x"}
    assert (await server.client.post(f"{VOICE}/dialog/respond", json=body)).status_code == 404
