"""`glottis doctor`: what it finds, and that it finds it."""

import socket

from tests.program import MOCK, Program


async def test_a_healthy_machine_is_called_healthy(program: Program) -> None:
    looked = await program.run("doctor", GLOTTIS_PORT="0")
    assert (looked.status, looked.err) == (0, "")
    assert "problem" not in looked.out
    for what in (
        "Python",
        "data folder",
        "address",
        "database",
        "plugin mock",
        "synthesizer mock",
        "plugins.toml",
    ):
        assert what in looked.out


async def test_a_server_that_runs_is_no_problem(program: Program) -> None:
    async with program.serving() as server:
        port = server.address.rpartition(":")[2]
        looked = await program.run("doctor", GLOTTIS_PORT=port)
    assert looked.status == 0
    assert "a server runs on this data folder" in looked.out
    assert "embedded MongoDB is running" in looked.out


async def test_every_problem_is_found_in_one_look(program: Program) -> None:
    program.deploy(
        MOCK + '[providers.broken]\nuse = "mock"\nfail_with = "unavailable"\n'
        '[providers.eleven]\nuse = "elevenlabs"\napi_key = "x"\n'
    )
    (program.folder / "file").touch()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        looked = await program.run(
            "doctor",
            GLOTTIS_PORT=str(taken.getsockname()[1]),
            GLOTTIS_DATA_DIR=str(program.folder / "file" / "data"),
        )
    assert looked.status == 1
    problems = [line for line in looked.out.splitlines() if line.startswith("problem")]
    for what in ("address", "data folder", "database", "plugins.toml"):
        assert [line for line in problems if what in line], what
    assert "elevenlabs" in looked.out
    assert "Traceback" not in looked.printed


ON_WORKERS = MOCK.replace('recognize = ["mock"]', 'recognize = [{ provider = "mock", runs_on = "workers" }]')


async def test_a_provider_without_a_worker_is_a_problem_and_with_one_it_is_not(
    program: Program, nats_url: str, nats_prefix: str
) -> None:
    assert ON_WORKERS != MOCK
    program.deploy(ON_WORKERS)
    broker = {"GLOTTIS_NATS_URL": nats_url, "GLOTTIS_NATS_PREFIX": nats_prefix, "GLOTTIS_PORT": "0"}
    async with program.serving(**broker):
        looked = await program.run("doctor", **broker)
        assert looked.status == 1
        assert "no worker serves mock: start a `glottis worker`" in looked.out
        async with program.working(**broker):
            looked = await program.run("doctor", **broker)
    assert (looked.status, looked.err) == (0, "")
    assert "NATS answers" in looked.out
    assert "runs on workers" in looked.out


async def test_a_broker_that_is_away_is_told_once(program: Program) -> None:
    program.deploy(ON_WORKERS)
    looked = await program.run("doctor", GLOTTIS_NATS_URL="nats://me:secret@127.0.0.1:1", GLOTTIS_PORT="0")
    assert looked.status == 1
    assert looked.printed.count("no NATS broker at nats://127.0.0.1:1") == 1
    assert "secret" not in looked.printed
