"""What comes from the environment is in no output, whatever goes wrong and however much is logged."""

from pathlib import Path

import pytest

from tests.program import Program

KEY = "sk-4f1d7c0a99e34b6e"
PASSWORD = "correct horse battery"
MONGO_PASSWORD = "hunter2hunter2"
DEPLOYMENT = """
enable = ["elevenlabs", "porter", "mock"]
[providers.eleven]
use = "elevenlabs"
api_key = "${ELEVENLABS_API_KEY}"
base_url = "http://127.0.0.1:9"
[providers.keeper]
use = "porter"
token = "${ELEVENLABS_API_KEY}"
[routes]
synthesize = ["eleven", "keeper"]
recognize = ["eleven"]
intents = ["mock"]
"""


@pytest.mark.parametrize(
    ("arguments", "mentions"),
    [
        (("config", "check"), "plugins.toml"),
        (("plugins", "list", "--json"), "api_key"),
        (("doctor",), "keeper"),
        (("say", "hello"), "eleven"),
        (("say", "hello", "--provider", "keeper"), "keeper"),
        (("ask", "hello", "--out", "answer.mp3"), "eleven"),
    ],
)
async def test_no_command_shows_a_key(
    program: Program, elsewhere: Path, arguments: tuple[str, ...], mentions: str
) -> None:
    program.deploy(DEPLOYMENT)
    told = await program.run(
        *arguments,
        ELEVENLABS_API_KEY=KEY,
        GLOTTIS_LOG_LEVEL="debug",
        GLOTTIS_PORT="0",
        PYTHONPATH=str(elsewhere),
    )
    assert mentions in told.printed
    assert KEY not in told.printed


async def test_neither_the_log_nor_the_answers_of_a_server_show_a_key(
    program: Program, elsewhere: Path
) -> None:
    program.deploy(DEPLOYMENT)
    added = await program.run("users", "add", "alice", GLOTTIS_PASSWORD=PASSWORD, GLOTTIS_LOG_LEVEL="debug")
    assert PASSWORD not in added.printed
    async with program.serving(
        ELEVENLABS_API_KEY=KEY, GLOTTIS_LOG_LEVEL="debug", PYTHONPATH=str(elsewhere)
    ) as server:
        server.client.auth = ("alice", PASSWORD)
        shown = [
            (await server.client.get(path)).text
            for path in ("/api/v1/plugins", "/metrics", "/readyz", "/openapi.json", "/api/v1/voice/voices")
        ]
        spoken = await server.client.post("/api/v1/voice/synthesize", json={"text": "hello"})
        assert spoken.status_code == 503
        shown.append(spoken.text)
        assert await server.end() == 0
        log = [str(line) for line in server.log()]
    assert any("keeper" in line for line in log)
    assert any("eleven" in line for line in log)
    for secret in (KEY, PASSWORD):
        assert secret not in "\n".join([*shown, *log])


@pytest.mark.parametrize("command", [("serve", "--port", "0"), ("users", "list"), ("doctor",)], ids=" ".join)
async def test_a_database_that_does_not_answer_is_named_without_its_password(
    program: Program, command: tuple[str, ...]
) -> None:
    url = f"mongodb://glottis:{MONGO_PASSWORD}@127.0.0.1:9/?serverSelectionTimeoutMS=200"
    told = await program.run(*command, GLOTTIS_MONGO_URL=url, GLOTTIS_LOG_LEVEL="debug", GLOTTIS_PORT="0")
    assert told.status == 1
    assert "does not answer; see that the MongoDB in GLOTTIS_MONGO_URL runs" in told.printed
    assert "Traceback" not in told.printed
    assert MONGO_PASSWORD not in told.printed


async def test_a_key_that_is_not_set_is_named_with_its_line(program: Program) -> None:
    program.deploy(DEPLOYMENT)
    refused = await program.run("config", "check")
    assert refused.status == 1
    assert "plugins.toml:5: providers.eleven.api_key: environment variable ELEVENLABS_API_KEY" in refused.err
