"""Who may do what: users, projects, origins, open mode."""

import asyncio
import re
from base64 import b64encode
from typing import Any

import httpx
import pytest
from glottis.api.app import create_app

from .conftest import MOCK, PASSWORD, VOICE, Serve, Server

USERS = {"alice": ("demo",), "bob": ("other",), "root": None}
ALICE, BOB, ROOT = ((name, PASSWORD) for name in USERS)


async def start(server: Server, auth: tuple[str, str], project: str) -> httpx.Response:
    return await server.client.post(f"{VOICE}/session/start", json={"project": project}, auth=auth)


@pytest.mark.parametrize(
    "header",
    [
        None,
        "Basic",
        "Basic !!!",
        "Bearer abc",
        "Basic " + "YWxpY2U=",
        httpx.BasicAuth("alice", "wrong password")._auth_header,
        httpx.BasicAuth("nobody", PASSWORD)._auth_header,
    ],
)
async def test_nothing_is_done_without_the_right_password(serve: Serve, header: str | None) -> None:
    async with serve(users=USERS) as server:
        headers = {} if header is None else {"Authorization": header}
        for method, path in (
            ("POST", f"{VOICE}/session/start"),
            ("GET", f"{VOICE}/session/{'0' * 32}"),
            ("POST", f"{VOICE}/synthesize"),
            ("GET", f"{VOICE}/analytics/project/demo"),
            ("GET", "/api/v1/plugins"),
            ("GET", "/metrics"),
            ("GET", "/no/such/path"),
        ):
            response = await server.client.request(method, path, headers=headers)
            assert response.status_code == 401, path
            assert response.headers["WWW-Authenticate"].startswith("Basic ")
            assert set(response.json()) == {"detail"}
        assert (await server.client.get("/healthz")).status_code == 200
        assert (await server.client.get("/readyz")).status_code == 200


@pytest.mark.parametrize("query", ["signature", "signature=", "expires=9999999999&signature=00"])
async def test_a_signature_opens_nothing_but_the_audio_that_it_signs(serve: Serve, query: str) -> None:
    async with serve(users=USERS) as server:
        for method, path in (
            ("GET", "/metrics"),
            ("GET", "/api/v1/plugins"),
            ("GET", f"{VOICE}/voices"),
            ("POST", f"{VOICE}/recognize"),
            ("POST", f"{VOICE}/synthesize"),
            ("GET", f"{VOICE}/audio/{'0' * 32}"),
            ("GET", "/no/such/path"),
        ):
            body = {"text_hint": "hello", "text": "hello"} if method == "POST" else None
            response = await server.client.request(method, f"{path}?{query}", json=body)
            assert response.status_code == 401, path


@pytest.mark.parametrize("auth", [None, ALICE, BOB, ("alice", "wrong password")])
async def test_a_signed_link_to_audio_opens_for_everybody(serve: Serve, auth: tuple[str, str] | None) -> None:
    async with serve(users=USERS) as server:
        spoken = await server.client.post(f"{VOICE}/synthesize", json={"text": "mine"}, auth=ALICE)
        url = spoken.json()["audio_url"]
        query = server.platform.links.query(url.rpartition("/")[2])
        given = auth or httpx.USE_CLIENT_DEFAULT
        assert (await server.client.get(f"{url}?{query}", auth=given)).status_code == 200
        unsigned = await server.client.get(f"{url}?{query}0", auth=given)
        assert unsigned.status_code == (200 if auth == ALICE else 404 if auth == BOB else 401)


async def test_spaces_before_credentials_mean_nothing(serve: Serve) -> None:
    async with serve(users=USERS) as server:
        credentials = b64encode(":".join(ALICE).encode()).decode()
        for header in (f"Basic  {credentials}", f"basic \t {credentials}"):
            answer = await server.client.get(f"{VOICE}/voices", headers={"Authorization": header})
            assert answer.status_code == 200


async def test_a_project_is_a_wall(serve: Serve) -> None:
    async with serve(users=USERS) as server:
        session_id = (await start(server, ALICE, "demo")).json()["session_id"]
        said = {"session_id": session_id, "project": "demo", "text": "hello"}
        answer = await server.client.post(f"{VOICE}/dialog/respond", json=said, auth=ALICE)
        spoken = await server.client.post(f"{VOICE}/synthesize", json={"text": "mine"}, auth=ALICE)
        requests: list[tuple[str, str, Any]] = [
            ("GET", f"{VOICE}/session/{session_id}", None),
            ("GET", f"{VOICE}/session/{session_id}/history", None),
            ("POST", f"{VOICE}/dialog/respond", said),
            ("POST", f"{VOICE}/dialog/intent", {"project": "demo", "text": "hello"}),
            ("POST", f"{VOICE}/session/start", {"project": "demo"}),
            ("POST", f"{VOICE}/synthesize", {"project": "demo", "text": "hello"}),
            ("POST", f"{VOICE}/recognize", {"project": "demo", "text_hint": "hello"}),
            ("GET", f"{VOICE}/analytics/project/demo", None),
            ("GET", f"{VOICE}/voices?project=demo", None),
            ("GET", answer.json()["audio_url"], None),
            ("GET", spoken.json()["audio_url"], None),
            ("DELETE", f"{VOICE}/session/{session_id}", None),
        ]
        for method, path, body in requests:
            response = await server.client.request(method, path, json=body, auth=BOB)
            assert response.status_code == 404, (method, path)
        for method, path, body in requests[:4] + requests[7:]:
            response = await server.client.request(method, path, json=body, auth=ROOT)
            assert response.is_success, (method, path, response.text)


async def test_what_one_user_had_spoken_is_not_in_anothers_cache(serve: Serve) -> None:
    async with serve(users=USERS) as server:
        for auth in (ALICE, BOB):
            spoken = await server.client.post(f"{VOICE}/synthesize", json={"text": "secret"}, auth=auth)
            assert spoken.json()["cached"] is False


async def test_a_password_is_hashed_once_for_many_requests(serve: Serve) -> None:
    async with serve(users=USERS) as server:
        path = f"{VOICE}/analytics/project/demo"
        first = await server.client.get(path, auth=ALICE)
        rest = await asyncio.gather(*(server.client.get(path, auth=ALICE) for _ in range(50)))
        assert {response.status_code for response in (first, *rest)} == {200}
        wrong = await server.client.get(path, auth=("alice", PASSWORD + "x"))
        assert wrong.status_code == 401


async def test_without_users_only_a_loopback_name_is_answered(server: Server) -> None:
    rebound = await server.client.get("/api/v1/plugins", headers={"Host": "evil.example"})
    assert rebound.status_code == 403
    for name in ("localhost", "127.0.0.1:9", "[::1]:8080"):
        assert (await server.client.get("/api/v1/plugins", headers={"Host": name})).status_code == 200


@pytest.mark.parametrize(("address", "status"), [("192.0.2.7", 403), ("127.0.0.1", 200), ("::1", 200)])
async def test_without_users_no_other_machine_is_answered_by_whatever_name_it_asks(
    server: Server, address: str, status: int
) -> None:
    # As on a server that listens for everybody and whose last user was removed while it ran.
    client = create_app(server.platform).test_client()
    asked = await client.get(
        "/api/v1/plugins", headers={"Host": "localhost"}, scope_base={"server": (address, 8080)}
    )
    assert asked.status_code == status


async def test_a_foreign_page_may_only_use_a_project_that_lists_it(server: Server) -> None:
    async def post(origin: str, path: str, body: dict[str, str]) -> httpx.Response:
        return await server.client.post(f"{VOICE}/{path}", json=body, headers={"Origin": origin})

    shop = "https://shop.example"
    assert (await post("https://evil.example", "session/start", {"project": "demo"})).status_code == 403
    assert (await post("null", "synthesize", {"text": "hello"})).status_code == 403
    allowed = await post(shop, "session/start", {"project": "demo"})
    assert allowed.status_code == 201
    assert allowed.headers["Access-Control-Allow-Origin"] == shop
    assert "Origin" in allowed.headers["Vary"]
    assert (await post(shop, "session/start", {"project": "other"})).status_code == 403
    assert (await post(shop, "synthesize", {"text": "no project"})).status_code == 403
    assert (await post(server.address, "synthesize", {"text": "own page"})).status_code == 202
    session = f"{VOICE}/session/{allowed.json()['session_id']}"
    evil = await server.client.delete(session, headers={"Origin": "https://evil.example"})
    assert evil.status_code == 403


async def test_a_foreign_page_reads_no_more_than_a_project_that_lists_it(server: Server) -> None:
    ours: dict[str, list[str]] = {}
    for project in ("demo", "other"):
        session_id = (await server.start_session(project=project))["session_id"]
        body = {"text": f"of {project}", "project": project}
        spoken = await server.client.post(f"{VOICE}/synthesize", json=body)
        ours[project] = [
            f"{VOICE}/session/{session_id}",
            f"{VOICE}/session/{session_id}/history",
            f"{VOICE}/analytics/project/{project}",
            f"{VOICE}/voices?project={project}",
            spoken.json()["audio_url"],
        ]
    alone = await server.client.post(f"{VOICE}/synthesize", json={"text": "of nobody"})
    of_no_project = [f"{VOICE}/voices", "/api/v1/plugins", "/metrics", alone.json()["audio_url"]]
    shop = {"Origin": "https://shop.example"}
    for path in ours["demo"]:
        allowed = await server.client.get(path, headers=shop)
        assert allowed.status_code == 200, path
        assert allowed.headers["Access-Control-Allow-Origin"] == "https://shop.example"
    for path in ours["other"] + of_no_project:
        assert (await server.client.get(path, headers=shop)).status_code == 403, path
        for headers in ({}, {"Origin": server.address}):
            assert (await server.client.get(path, headers=headers)).status_code == 200, path


async def test_a_signed_link_plays_in_whatever_page_it_was_given_to(server: Server) -> None:
    spoken = await server.client.post(f"{VOICE}/synthesize", json={"text": "hello", "project": "other"})
    url = spoken.json()["audio_url"]
    signed = f"{url}?{server.platform.links.query(url.rpartition('/')[2])}"
    for origin in ("https://shop.example", "https://evil.example"):
        assert (await server.client.get(signed, headers={"Origin": origin})).status_code == 200
        assert (await server.client.get(url, headers={"Origin": origin})).status_code == 403


@pytest.mark.parametrize("origin", ["http://[", "http://[x]", "//", "http://a:port"])
async def test_an_origin_that_is_no_address_is_a_foreign_one(server: Server, origin: str) -> None:
    headers = {"Origin": origin}
    body = {"project": "demo"}
    refused = await server.client.post(f"{VOICE}/session/start", json=body, headers=headers)
    assert refused.status_code == 403
    assert (await server.client.get("/healthz", headers=headers)).status_code == 200


async def test_a_host_that_is_no_address_is_not_loopback(serve: Serve) -> None:
    async with serve(trusted_proxies=["127.0.0.0/8"]) as server:
        for header in ("Host", "X-Forwarded-Host"):
            refused = await server.client.get("/api/v1/plugins", headers={header: "["})
            assert refused.status_code == 403, header


async def test_a_preflight_says_what_a_listed_page_may_do(server: Server) -> None:
    headers = {"Origin": "https://shop.example", "Access-Control-Request-Method": "POST"}
    preflight = await server.client.options(f"{VOICE}/session/start", headers=headers)
    assert preflight.status_code == 204
    assert preflight.headers["Access-Control-Allow-Origin"] == "https://shop.example"
    assert "POST" in preflight.headers["Access-Control-Allow-Methods"]
    evil = await server.client.options(
        f"{VOICE}/session/start", headers={**headers, "Origin": "https://evil.example"}
    )
    assert "Access-Control-Allow-Origin" not in evil.headers


async def test_the_websocket_url_believes_forwarded_headers_only_from_a_trusted_proxy(
    serve: Serve,
) -> None:
    headers = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "voice.example"}

    async def url(server: Server) -> str:
        started = await server.client.post(
            f"{VOICE}/session/start", json={"project": "demo"}, headers=headers, auth=ALICE
        )
        return re.sub("[0-9a-f]{32}", "ID", str(started.json()["websocket_url"]))

    async with serve(users=USERS) as server:
        assert (await url(server)).startswith("ws://127.0.0.1:")
    async with serve(users=USERS, trusted_proxies=["127.0.0.0/8"]) as server:
        assert await url(server) == f"wss://voice.example{VOICE}/ws/ID"


async def test_a_removed_user_is_shut_out_and_the_last_one_does_not_open_the_server(
    serve: Serve,
) -> None:
    async with serve(MOCK, users={"alice": None, "bob": None}) as server:
        await server.platform.store.users.remove("bob")
        assert (await start(server, BOB, "demo")).status_code == 401
        assert (await start(server, ALICE, "demo")).status_code == 201
