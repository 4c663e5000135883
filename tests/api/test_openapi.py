"""The description of the API: it says what the reference says, and the server does what it says."""

import asyncio
import json
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.recordings import recordings

from .conftest import MOCK, PASSWORD, VOICE, Serve, Server

SCHEMATHESIS = Path(sys.executable).parent / "schemathesis"
CONFIGURATION = """
[cache]
enabled = false

[auth.basic]
username = "root"
password = "{password}"

[generation]
deterministic = true
database = "none"
max-examples = 25
with-security-parameters = false

[parameters]
"path.audio_id" = "{audio_id}"
"path.job_id" = "{job_id}"

[reports.json]
enabled = true
path = "{report}"

# What is well formed may still name a voice that is not there, or hold no audio.
[[operations]]
include-path = "{voice}/synthesize"
checks.positive_data_acceptance.expected-statuses = ["2xx", 422]

[[operations]]
include-path = "{voice}/recognize"
checks.positive_data_acceptance.expected-statuses = ["2xx", 415, 422]

# Bytes of any kind are files, and not audio; nor is there enough of it to train with.
[[operations]]
include-path = "{voice}/samples"
checks.positive_data_acceptance.expected-statuses = ["2xx", 400, 415, 422]

[[operations]]
include-path = "{voice}/train"
checks.positive_data_acceptance.expected-statuses = ["2xx", 400, 422]

# GET and DELETE find a session of the name "start" there: none, but the path takes them.
[[operations]]
include-path = "{voice}/session/start"
checks.allow_header_conformance.enabled = false
"""
ROOT = ("root", PASSWORD)
DESCRIBED = pytest.StashKey[dict[str, Any]]()


@pytest.fixture
async def document(request: pytest.FixtureRequest, serve: Serve) -> dict[str, Any]:
    """The description that a server gives; asked for once."""
    stash = request.session.stash
    if DESCRIBED not in stash:
        async with serve() as server:
            stash[DESCRIBED] = (await server.client.get("/openapi.json")).json()
    return stash[DESCRIBED]


@pytest.mark.timeout(300)
async def test_no_request_gets_what_the_description_does_not_say(serve: Serve, tmp_path: Path) -> None:
    toml = MOCK.replace("[projects.demo]", 'train = "mock"\n[projects.demo]', 1)
    async with serve(toml, users={"root": None}, max_concurrent_sessions=1_000_000) as server:
        spoken = await server.client.post(f"{VOICE}/synthesize", json={"text": "hello"}, auth=ROOT)
        files = [("files", (f"{number}.wav", data)) for number, data in enumerate(recordings()[:3])]
        await server.client.post(f"{VOICE}/samples", data={"project": "demo"}, files=files, auth=ROOT)
        trained = await server.client.post(f"{VOICE}/train", data={"project": "demo"}, auth=ROOT)
        chosen = {
            "job_id": trained.json()["job"]["id"],
            "password": PASSWORD,
            "voice": VOICE,
            "audio_id": spoken.json()["audio_url"].rpartition("/")[2],
            "report": tmp_path / "report.json",
        }
        (tmp_path / "schemathesis.toml").write_text(CONFIGURATION.format(**chosen))
        process = await asyncio.create_subprocess_exec(
            SCHEMATHESIS,
            "run",
            f"{server.address}/openapi.json",
            cwd=tmp_path,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        printed, _ = await process.communicate()
    assert process.returncode == 0, printed.decode()
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["test_cases"]["generated"] > 500
    never_accepted = {
        operation
        for operation, phases in report["valid_rates"].items()
        if not any(phase["accepted"] for phase in phases.values())
    }
    assert len(report["valid_rates"]) == report["operations"]["total"]
    # Nobody makes recordings of speech up.
    assert never_accepted == {f"POST {VOICE}/samples"}


@dataclass(frozen=True, slots=True)
class Row:
    """A route of the reference: its success, what it takes and what it answers.

    A field of the body maps to its default, or is REQUIRED or OPTIONAL.
    """

    method: str
    path: str
    status: int
    body: dict[str, Any] = field(default_factory=dict)
    answer: tuple[str, ...] = ()
    content_type: str | None = "application/json"

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


REQUIRED, OPTIONAL = object(), object()
SESSION = ("session_id", "websocket_url", "expires_at", "initial_greeting")
REFERENCE = [
    Row(
        "POST",
        "/session/start",
        201,
        {"project": REQUIRED, "user_id": OPTIONAL, "language": "ru-RU", "voice_preference": OPTIONAL},
        SESSION,
    ),
    Row("GET", "/session/{session_id}", 200, answer=SESSION),
    Row("DELETE", "/session/{session_id}", 204, content_type=None),
    Row("GET", "/session/{session_id}/history", 200, answer=("session_id", "items")),
    Row(
        "POST",
        "/recognize",
        200,
        {"audio_base64": OPTIONAL, "text_hint": OPTIONAL, "language": "ru-RU"},
        ("text", "confidence", "language", "processing_time_ms", "alternatives"),
    ),
    Row(
        "POST",
        "/synthesize",
        202,
        {
            "text": REQUIRED,
            "voice": "default",
            "language": "ru-RU",
            "emotion": "neutral",
            "options": OPTIONAL,
        },
        ("audio_url", "duration_seconds", "cached"),
    ),
    Row("GET", "/audio/{audio_id}", 200, content_type="audio/mpeg"),
    Row(
        "POST",
        "/dialog/intent",
        200,
        {"text": REQUIRED, "project": REQUIRED, "context": OPTIONAL},
        ("intent", "confidence", "entities", "suggested_action"),
    ),
    Row(
        "POST",
        "/dialog/respond",
        202,
        {"session_id": REQUIRED, "project": REQUIRED, "text": REQUIRED},
        ("text", "audio_url", "sources", "suggested_actions"),
    ),
    Row(
        "GET",
        "/analytics/project/{project}",
        200,
        answer=(
            "project",
            "sessions_total",
            "interactions_total",
            "active_sessions",
            "ws_max_connections",
            "ws_ping_interval",
        ),
    ),
]
NESTED = {
    "VoicePreference": ("provider", "voice_id"),
    "IntentContext": ("current_page", "previous_intents"),
    "HistoryItem": ("session_id", "project", "user_id", "timestamp", "type", "content"),
}


@pytest.mark.parametrize("row", REFERENCE, ids=str)
def test_every_route_of_the_reference_is_described(row: Row, document: dict[str, Any]) -> None:
    operation = document["paths"][VOICE + row.path][row.method.lower()]
    assert operation["tags"] == ["voice assistant"]
    successes = {status for status in operation["responses"] if status < "300"} - {"206"}
    assert successes == {str(row.status)}
    content = operation["responses"][str(row.status)].get("content", {})
    assert row.content_type in {*content, None}
    if row.answer:
        answered = resolve(document, content["application/json"]["schema"])
        assert set(row.answer) <= set(answered["required"])


@pytest.mark.parametrize("row", [row for row in REFERENCE if row.body], ids=str)
def test_every_field_of_a_body_has_the_default_of_the_reference(row: Row, document: dict[str, Any]) -> None:
    operation = document["paths"][VOICE + row.path][row.method.lower()]
    assert operation["requestBody"]["required"] is True
    body = resolve(document, operation["requestBody"]["content"]["application/json"]["schema"])
    for name, default in row.body.items():
        assert (name in body.get("required", ())) == (default is REQUIRED), name
        described = body["properties"][name]
        assert default in {REQUIRED, OPTIONAL} or described["default"] == default, name


def resolve(document: dict[str, Any], schema: dict[str, Any]) -> dict[str, Any]:
    name = schema["$ref"].removeprefix("#/components/schemas/")
    found: dict[str, Any] = document["components"]["schemas"][name]
    return found


def test_what_bodies_and_answers_hold_is_described(document: dict[str, Any]) -> None:
    for name, fields in NESTED.items():
        assert set(fields) <= set(document["components"]["schemas"][name]["properties"])


def test_the_limit_of_a_history_is_described(document: dict[str, Any]) -> None:
    operation = document["paths"][f"{VOICE}/session/{{session_id}}/history"]["get"]
    (limit,) = [parameter for parameter in operation["parameters"] if parameter["name"] == "limit"]
    schema = limit["schema"]
    assert (schema["default"], schema["minimum"], schema["maximum"]) == (50, 1, 200)
    assert not limit.get("required", False)


def test_every_route_that_asks_for_credentials_says_so(document: dict[str, Any]) -> None:
    assert document["security"] == [{"basic": []}]
    for path, operations in document["paths"].items():
        for operation in operations.values():
            is_open = path in {"/healthz", "/readyz"}
            assert operation.get("security") == ([] if is_open else None), path
            assert ("401" in operation["responses"]) != is_open, path


def test_every_failure_has_the_one_shape(document: dict[str, Any]) -> None:
    for path, operations in document["paths"].items():
        for operation in operations.values():
            for status, response in operation["responses"].items():
                if status >= "400":
                    schema = response["content"]["application/json"]["schema"]
                    assert schema == {"$ref": "#/components/schemas/Failure"}, (path, status)


async def test_the_longest_text_that_is_described_is_the_longest_that_is_taken(serve: Serve) -> None:
    async with serve(text_max_chars=12) as server:
        document = (await server.client.get("/openapi.json")).json()
        longest = document["components"]["schemas"]["Synthesize"]["properties"]["text"]["maxLength"]
        for length, status in ((longest, 202), (longest + 1, 422)):
            response = await server.client.post(f"{VOICE}/synthesize", json={"text": "a" * length})
            assert response.status_code == status


@pytest.mark.parametrize(
    "wrong",
    [
        {"max_alternatives": "3"},
        {"max_alternatives": True},
        {"max_alternatives": 1.5},
        {"word_times": "yes"},
        {"word_times": 1},
        {"audio": {"sample_rate": "16000"}},
        {"text_hint": 3},
    ],
)
async def test_a_value_of_another_type_is_refused_and_named(server: Server, wrong: dict[str, Any]) -> None:
    response: httpx.Response = await server.client.post(
        f"{VOICE}/recognize", json={"text_hint": "hello", **wrong}
    )
    assert response.status_code == 422
    assert next(iter(wrong)) in response.json()["detail"]


async def test_a_whole_number_may_be_written_with_a_point(server: Server) -> None:
    body = '{"text_hint": "hello", "max_alternatives": 1.0}'
    response = await server.client.post(f"{VOICE}/recognize", content=body)
    assert response.status_code == 200
