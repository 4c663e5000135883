"""The session half of the API, through HTTP."""

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from .conftest import MOCK, VOICE, Serve, Server


async def test_a_session_starts_with_the_fields_of_the_reference(server: Server) -> None:
    started = await server.start_session(user_id="u1")
    assert len(started["session_id"]) == 32
    assert int(started["session_id"], 16) >= 0
    host = server.address.removeprefix("http://")
    assert started["websocket_url"] == f"ws://{host}{VOICE}/ws/{started['session_id']}"
    left = datetime.fromisoformat(started["expires_at"]) - datetime.now(UTC)
    assert timedelta(seconds=3_590) < left <= timedelta(seconds=3_640)
    assert started["initial_greeting"] == "Голосовой ассистент готов. Чем могу помочь?"


@pytest.mark.parametrize(
    ("project", "language", "greeting"),
    [
        ("demo", "ru-RU", "Голосовой ассистент готов. Чем могу помочь?"),
        ("demo", "en-US", "Voice assistant ready. How can I help you?"),
        ("other", "en-GB", "Other speaking"),
        ("unlisted", "en", "Voice assistant ready. How can I help you?"),
    ],
)
async def test_the_greeting_follows_language_and_project(
    server: Server, project: str, language: str, greeting: str
) -> None:
    started = await server.start_session(project=project, language=language)
    assert started["initial_greeting"] == greeting


async def test_a_session_can_be_looked_at_until_it_is_deleted(server: Server) -> None:
    started = await server.start_session()
    path = f"{VOICE}/session/{started['session_id']}"
    looked = await server.client.get(path)
    assert (looked.status_code, looked.json()) == (200, started)
    deleted = await server.client.delete(path)
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert (await server.client.get(path)).status_code == 404
    assert (await server.client.delete(path)).status_code == 404


@pytest.mark.parametrize("session_id", ["0" * 32, "nonsense", "%00", "a" * 500])
async def test_an_unknown_session_is_not_found(server: Server, session_id: str) -> None:
    response = await server.client.get(f"{VOICE}/session/{session_id}")
    assert response.status_code == 404
    assert response.json() == {"detail": "no such session"}


async def test_fields_may_be_spelt_in_camel_case(server: Server) -> None:
    started = await server.start_session(userId="u7", voicePreference={"voiceId": "low"})
    session = await server.platform.store.sessions.get(started["session_id"])
    assert session is not None
    assert (session.user_id, session.voice_id) == ("u7", "low")


@pytest.mark.parametrize(
    ("body", "status", "field"),
    [
        ("{", 400, "JSON"),
        ("", 400, "JSON"),
        ("[]", 422, "body"),
        ("{}", 422, "project"),
        ('{"project": ""}', 422, "project"),
        ('{"project": 7}', 422, "project"),
        ('{"project": "a\\u0000b"}', 422, "project"),
        ('{"project": "demo", "language": "no language"}', 422, "language"),
        ('{"project": "demo", "voice_preference": "low"}', 422, "voice_preference"),
    ],
)
async def test_a_bad_body_is_refused_naming_what_is_wrong(
    server: Server, body: str, status: int, field: str
) -> None:
    response = await server.client.post(f"{VOICE}/session/start", content=body)
    assert response.status_code == status
    assert field in response.json()["detail"]
    assert set(response.json()) == {"detail"}


async def test_500_parallel_starts_against_a_limit_of_100_give_exactly_100_sessions(serve: Serve) -> None:
    async with serve(max_concurrent_sessions=100) as server:
        body = {"project": "demo"}
        responses = await asyncio.gather(
            *(server.client.post(f"{VOICE}/session/start", json=body, timeout=60) for _ in range(500))
        )
        statuses = [response.status_code for response in responses]
        assert (statuses.count(201), statuses.count(503)) == (100, 400)
        refused = next(response for response in responses if response.status_code == 503)
        assert "session" in refused.json()["detail"]
        assert int(refused.headers["Retry-After"]) >= 1
        one = next(response for response in responses if response.status_code == 201).json()
        await server.client.delete(f"{VOICE}/session/{one['session_id']}")
        assert (await server.client.post(f"{VOICE}/session/start", json=body)).status_code == 201
        assert (await server.client.post(f"{VOICE}/session/start", json=body)).status_code == 503


async def test_a_project_may_have_a_limit_of_its_own(serve: Serve) -> None:
    toml = MOCK.replace("[projects.demo]\n", "[projects.demo]\nmax_sessions = 1\n")
    async with serve(toml) as server:
        await server.start_session()
        refused = await server.client.post(f"{VOICE}/session/start", json={"project": "demo"})
        assert refused.status_code == 503
        await server.start_session(project="other")


async def test_history_gives_the_newest_items_oldest_first(server: Server) -> None:
    started = await server.start_session(user_id="u1", language="en-US")
    session_id = started["session_id"]
    for text in ("one", "two", "three"):
        body = {"session_id": session_id, "project": "demo", "text": text}
        assert (await server.client.post(f"{VOICE}/dialog/respond", json=body)).status_code == 202
    everything = (await server.client.get(f"{VOICE}/session/{session_id}/history")).json()
    assert everything["session_id"] == session_id
    items = everything["items"]
    assert [item["type"] for item in items] == ["user", "assistant"] * 3
    assert [item["content"]["text"] for item in items if item["type"] == "user"] == ["one", "two", "three"]
    assert {(item["session_id"], item["project"], item["user_id"]) for item in items} == {
        (session_id, "demo", "u1")
    }
    assert all(
        datetime.fromisoformat(a["timestamp"]) <= datetime.fromisoformat(b["timestamp"])
        for a, b in pairwise(items)
    )
    newest = (await server.client.get(f"{VOICE}/session/{session_id}/history?limit=2")).json()["items"]
    assert newest == items[-2:]


@pytest.mark.parametrize("limit", ["0", "201", "-1", "many", "1e2", "", "٣"])
async def test_a_limit_outside_1_to_200_is_refused(server: Server, limit: str) -> None:
    started = await server.start_session()
    response = await server.client.get(
        f"{VOICE}/session/{started['session_id']}/history", params={"limit": limit}
    )
    assert response.status_code == 422
    assert response.json()["detail"] == "limit: must be a whole number from 1 to 200"


async def test_an_ended_session_keeps_its_history_but_takes_no_more_turns(server: Server) -> None:
    session_id = (await server.start_session())["session_id"]
    body = {"session_id": session_id, "project": "demo", "text": "hello"}
    await server.client.post(f"{VOICE}/dialog/respond", json=body)
    await server.client.delete(f"{VOICE}/session/{session_id}")
    history = await server.client.get(f"{VOICE}/session/{session_id}/history")
    assert len(history.json()["items"]) == 2
    assert (await server.client.post(f"{VOICE}/dialog/respond", json=body)).status_code == 404


async def test_the_counters_of_a_project_outlive_its_sessions(server: Server) -> None:
    session_id = (await server.start_session())["session_id"]
    await server.start_session()
    body = {"session_id": session_id, "project": "demo", "text": "hello"}
    await server.client.post(f"{VOICE}/dialog/respond", json=body)
    await server.client.delete(f"{VOICE}/session/{session_id}")
    analytics = await server.client.get(f"{VOICE}/analytics/project/demo")
    assert analytics.json() == {
        "project": "demo",
        "sessions_total": 2,
        "interactions_total": 2,
        "active_sessions": 1,
        "ws_max_connections": 1_000,
        "ws_ping_interval": 30.0,
    }
