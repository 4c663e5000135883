"""What those who run the server need."""

import asyncio
import re

import httpx
import pytest
from glottis.api.documentation import _swagger_ui
from glottis.api.errors import TOLD
from glottis.core import errors
from glottis.plugins.conformance import ScriptedIntentHandler, ScriptedSynthesizer

from .conftest import MOCK, VOICE, Serve, Server
from .sockets import send, until

SCRIPTED = 'enable = ["test"]\n[routes]\nintents = ["scripted"]\nsynthesize = ["mouth"]'


async def test_every_error_of_the_engine_is_told_by_a_status_and_a_code() -> None:
    ours = {
        value
        for value in vars(errors).values()
        if isinstance(value, type) and issubclass(value, errors.GlottisError)
    }
    assert ours - {errors.GlottisError} <= set(TOLD)
    assert all(400 <= how.status < 600 and how.code for how in TOLD.values())
    assert all(TOLD[kind].code == kind.code for kind in TOLD if issubclass(kind, errors.GlottisError))


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("GET", "/api/v1/voice/nothing", 404),
        ("PUT", "/healthz", 405),
        ("GET", f"{VOICE}/synthesize", 405),
        ("POST", f"{VOICE}/audio/abc", 405),
    ],
)
async def test_every_refusal_is_one_detail_in_json(
    server: Server, method: str, path: str, status: int
) -> None:
    response = await server.client.request(method, path)
    assert response.status_code == status
    assert list(response.json()) == ["detail"]
    assert response.headers["Content-Type"] == "application/json"


async def test_a_crash_tells_the_client_nothing(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    async with serve() as server:
        server.platform.engine.dialogue.context = None  # type: ignore[method-assign,assignment]  # the crash
        body = {"text": "very private words", "project": "demo"}
        response = await server.client.post(f"{VOICE}/dialog/intent", json=body)
    assert (response.status_code, response.json()) == (500, {"detail": "internal error"})
    assert "request crashed" in caplog.text
    assert "very private words" not in caplog.text


async def test_every_answer_carries_the_id_of_its_request(server: Server) -> None:
    given = await server.client.get("/healthz", headers={"X-Request-ID": "abc-1"})
    assert given.headers["X-Request-ID"] == "abc-1"
    forged = await server.client.get("/healthz", headers={"X-Request-ID": "a b\tc"})
    assert re.fullmatch("[0-9a-f]{32}", forged.headers["X-Request-ID"])


async def test_the_metrics_count_requests_sessions_providers_and_the_cache(server: Server) -> None:
    await server.start_session()
    for _ in range(2):
        await server.client.post(f"{VOICE}/synthesize", json={"text": "count me"})
    metrics = (await server.client.get("/metrics")).text
    for line in (
        f'glottis_http_requests_total{{method="POST",route="{VOICE}/synthesize",status="202"}} 2.0',
        "glottis_sessions_started_total 1.0",
        'glottis_audio_cache_lookups_total{result="hit"} 1.0',
        'glottis_audio_cache_lookups_total{result="miss"} 1.0',
        'glottis_provider_seconds_count{instance="mock",kind="synthesizer"} 1.0',
        'glottis_breaker_open{instance="mock",kind="recognizer"} 0.0',
    ):
        assert line in metrics


async def test_the_metrics_tell_the_times_of_turns_as_their_clients_were_told(serve: Serve) -> None:
    never = asyncio.Event()
    handler = ScriptedIntentHandler(
        replies=[("Here they are.",), ("There are three plans. The first", never)]
    )
    async with serve(SCRIPTED, handler.spec(), ScriptedSynthesizer().spec("mouth")) as server:
        session_id = (await server.start_session(language="en-US"))["session_id"]
        async with server.websocket(session_id) as socket:
            await send(socket, "start", reply={"audio": "stream"})
            await send(socket, "text_input", text="show the prices")
            told = (await until(socket, "metrics"))[-1]["latencies_ms"]
            await send(socket, "text_input", text="what does it cost?")
            await until(socket, "sentence")
            await send(socket, "interrupt")
            await until(socket, "interrupted")
        kept = (await server.client.get(f"{VOICE}/session/{session_id}/history")).json()["items"]
        metrics = (await server.client.get("/metrics")).text
    assert set(told) == {"reply", "first_audio", "done"}
    for stage, latency_ms in told.items():
        assert f'glottis_turn_delay_seconds_count{{stage="{stage}"}} 1.0' in metrics
        (seconds,) = re.findall(rf'glottis_turn_delay_seconds_sum{{stage="{stage}"}} (.+)', metrics)
        assert float(seconds) == pytest.approx(latency_ms / 1_000)
    assert 'glottis_turn_delay_seconds_count{stage="final"} 0.0' in metrics
    assert "glottis_interrupt_seconds_count 1.0" in metrics
    assert kept[1]["latencies_ms"] == {stage: told[stage] for stage in ("reply", "first_audio")}


async def test_the_plugins_are_listed_with_schema_and_without_values(serve: Serve) -> None:
    toml = MOCK + '\n[providers.mock]\nuse = "mock"\nwords_per_minute = 123\n'
    async with serve(toml) as server:
        response = await server.client.get("/api/v1/plugins")
    mock = next(plugin for plugin in response.json()["plugins"] if plugin["name"] == "mock")
    assert (mock["distribution"], mock["version"], mock["state"]) == ("glottis-mock", "0.1.0", "loaded")
    assert mock["load_time_ms"] > 0
    kinds = {"recognizer", "synthesizer", "intent_handler", "training_backend"}
    assert {spec["kind"] for spec in mock["specs"]} == kinds
    assert all(
        "words_per_minute" in spec["configuration"]["properties"] and "languages" in spec["capabilities"]
        for spec in mock["specs"]
    )
    assert "123" not in response.text.replace(str(mock["load_time_ms"]), "")


async def test_the_pages_of_the_api_need_nobody_elses_server(server: Server) -> None:
    page = await server.client.get("/docs")
    assert page.status_code == 200
    links = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert links
    assert not [link for link in links if "//" in link]
    for link in links:
        asset: httpx.Response = await server.client.get(f"/{link}")
        assert asset.status_code == 200, link
    assert "default-src 'self'" in page.headers["Content-Security-Policy"]
    assert (await server.client.get("/docs/..%2F__init__.py")).status_code == 404
    assert (_swagger_ui() / "swagger-ui-bundle.js").is_file()


async def test_the_voices_of_a_project_are_listed(server: Server) -> None:
    voices = (await server.client.get(f"{VOICE}/voices")).json()["voices"]
    assert {"default", "high", "low"} <= {voice["id"] for voice in voices}
    assert {voice["provider"] for voice in voices} == {"mock"}


async def test_made_up_methods_do_not_make_the_metrics_grow(server: Server) -> None:
    for number in range(3):
        await server.client.request(f"MADEUP{number}", "/healthz")
    metrics = (await server.client.get("/metrics")).text
    assert "MADEUP" not in metrics
    assert 'method="other"' in metrics
