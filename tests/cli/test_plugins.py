"""`glottis plugins list`, `glottis config check`, and the commands that plugins bring."""

import json
from importlib.metadata import version
from pathlib import Path

import pytest

from tests.program import MOCK, Program


async def test_the_list_tells_what_is_enabled_what_is_not_and_what_is_broken(
    program: Program, elsewhere: Path
) -> None:
    (elsewhere / "acme_porter.py").write_text("raise RuntimeError('the cable is cut')\n")
    program.deploy('enable = ["mock", "porter"]\n[routes]\nsynthesize = ["mock"]\n')
    listed = await program.run("plugins", "list", PYTHONPATH=str(elsewhere))
    assert listed.status == 0
    rows = {line.split()[0]: line for line in listed.out.splitlines() if line.strip()}
    assert f"glottis-mock {version('glottis-mock')}" in rows["mock"]
    assert "loaded" in rows["mock"]
    assert "synthesizer mock" in rows["mock"]
    assert "available" in rows["espeak"]
    assert "acme-porter 1.2" in rows["porter"]
    assert "failed" in rows["porter"]
    assert "the cable is cut" in rows["porter"]

    told = await program.run("plugins", "list", "--json", PYTHONPATH=str(elsewhere))
    plugins = {plugin["name"]: plugin for plugin in json.loads(told.out)}
    assert (plugins["mock"]["state"], plugins["porter"]["state"]) == ("loaded", "failed")
    assert "the cable is cut" in plugins["porter"]["error"]
    assert plugins["mock"]["load_time_ms"] > 0
    specs = plugins["mock"]["specs"]
    kinds = {"recognizer", "synthesizer", "intent_handler", "training_backend"}
    assert {spec["kind"] for spec in specs} == kinds
    assert all({"capabilities", "configuration"} <= set(spec) for spec in specs)


async def test_a_plugin_that_fails_is_no_reason_not_to_serve(program: Program, elsewhere: Path) -> None:
    (elsewhere / "acme_porter.py").write_text("raise RuntimeError('the cable is cut')\n")
    program.deploy(MOCK.replace('["mock"]', '["mock", "porter"]', 1))
    async with program.serving(PYTHONPATH=str(elsewhere)) as server:
        listed = (await server.client.get("/api/v1/plugins")).json()["plugins"]
        (broken,) = [plugin for plugin in listed if plugin["name"] == "porter"]
        assert (broken["state"], broken["distribution"]) == ("failed", "acme-porter")
        assert "the cable is cut" in broken["error"]
        assert (await server.client.get("/readyz")).status_code == 200


async def test_a_right_plugins_toml_is_called_right(program: Program) -> None:
    checked = await program.run("config", "check")
    assert (checked.status, checked.out, checked.err) == (0, "plugins.toml: ok\n", "")
    (program.folder / "other.toml").write_text('enable = ["mokc"]\n')
    for how in ({"GLOTTIS_CONFIG": "other.toml"}, {}):
        options = () if how else ("--config", "other.toml")
        checked = await program.run("config", "check", *options, **how)
        assert (checked.status, checked.out) == (1, "")
        assert "other.toml:1" in checked.err


async def test_a_route_that_only_a_broken_plugin_would_serve_is_a_mistake(
    program: Program, elsewhere: Path
) -> None:
    (elsewhere / "acme_porter.py").write_text("raise RuntimeError('the cable is cut')\n")
    program.deploy('enable = ["mock", "porter"]\n[routes]\nsynthesize = ["porter"]\n')
    for command in (("config", "check"), ("serve", "--port", "0")):
        ended = await program.run(*command, PYTHONPATH=str(elsewhere))
        (told,) = [line for line in ended.err.splitlines() if "plugins.toml:3" in line]
        assert (ended.status, ended.out) == (1, "")
        assert "routes.synthesize: none of its providers works: porter: " in told
        assert "the cable is cut" in told


async def test_a_plugin_brings_a_command_of_its_own(program: Program, elsewhere: Path) -> None:
    program.deploy('enable = ["porter"]\n')
    knocked = await program.run("knock", "--times", "2", PYTHONPATH=str(elsewhere))
    assert (knocked.status, knocked.out.strip(), knocked.err) == (0, "knock knock", "")
    helped = await program.run("--help", PYTHONPATH=str(elsewhere))
    assert "Knock at the door." in helped.out
    program.deploy(MOCK)
    unknown = await program.run("knock", PYTHONPATH=str(elsewhere))
    assert unknown.status == 2
    assert "knock" in unknown.err


async def test_a_broken_plugins_toml_takes_no_command_away(program: Program) -> None:
    program.deploy("enable = [")
    assert (await program.run("--version")).status == 0
    assert "doctor" in (await program.run("--help")).out


WRONG = """enable = ["mock"]
[providers.cloud]
use = "mock"
secret = "${NOT_SET_ANYWHERE}"
limits.timeout_s = "long"
[providers.ear]
use = "mokc"
[routes]
recognize = ["ear", "mouth"]
synthesise = ["mock"]
[listening]
silence_ms = -1
"""


@pytest.mark.parametrize(
    "command", [("config", "check"), ("serve", "--port", "0"), ("serve", "--port", "0", "--workers", "2")]
)
async def test_every_mistake_is_told_at_once_and_once(program: Program, command: tuple[str, ...]) -> None:
    program.deploy(WRONG)
    ended = await program.run(*command)
    assert ended.status == 1
    told = [line.removeprefix("error: ") for line in ended.err.splitlines() if "plugins.toml" in line]
    places = [line.split(": ")[:2] for line in told]
    assert places == [
        ["plugins.toml:4", "providers.cloud.secret"],
        ["plugins.toml:5", "providers.cloud.limits.timeout_s"],
        ["plugins.toml:7", "providers.ear.use"],
        ["plugins.toml:9", "routes.recognize"],
        ["plugins.toml:10", "routes.synthesise"],
        ["plugins.toml:12", "listening.silence_ms"],
    ]


ON_WORKERS = """enable = ["mock"]
[providers.ears]
use = "mock"
[routes]
recognize = [{ provider = "ears", runs_on = "workers" }, "mock"]
synthesize = ["mock"]
"""
BROKER = "nats://127.0.0.1:1"


async def test_the_list_tells_what_runs_on_workers(program: Program) -> None:
    program.deploy(ON_WORKERS)
    listed = await program.run("plugins", "list")
    assert listed.status == 0
    rows = {line.split()[0]: line for line in listed.out.splitlines() if line.strip()}
    assert rows["plugin"].rstrip().endswith("runs on workers")
    assert rows["mock"].rstrip().endswith("recognizer ears")
    told = await program.run("plugins", "list", "--json")
    (mock,) = [plugin for plugin in json.loads(told.out) if plugin["name"] == "mock"]
    assert {(one["kind"], one["name"], one["state"], one["runs_on"]) for one in mock["instances"]} == {
        ("recognizer", "ears", "planned", "workers"),
        ("recognizer", "mock", "planned", "here"),
        ("synthesizer", "mock", "planned", "here"),
    }
    program.deploy(MOCK)
    assert "runs on workers" not in (await program.run("plugins", "list")).out


async def test_what_runs_on_workers_needs_a_broker_to_reach_them_by(program: Program) -> None:
    program.deploy(ON_WORKERS)
    checked = await program.run("config", "check", GLOTTIS_NATS_URL=BROKER)
    assert (checked.status, checked.out) == (0, "plugins.toml: ok\non workers: ears (recognize)\n")
    for command in (("config", "check"), ("serve", "--port", "0", "--workers", "2")):
        checked = await program.run(*command)
        assert checked.status == 1
        assert checked.err == (
            'error: plugins.toml:5: routes.recognize: "ears" runs on workers, '
            "and GLOTTIS_NATS_URL names no broker to reach them by\n"
        )


async def test_a_server_tells_what_runs_on_workers(program: Program, nats_url: str, nats_prefix: str) -> None:
    program.deploy(ON_WORKERS)
    broker = {"GLOTTIS_NATS_URL": nats_url, "GLOTTIS_NATS_PREFIX": nats_prefix}
    async with program.serving(**broker) as server:
        listed = (await server.client.get("/api/v1/plugins")).json()["plugins"]
    (mock,) = [plugin for plugin in listed if plugin["name"] == "mock"]
    assert {
        one["name"]: (one["state"], one["runs_on"])
        for one in mock["instances"]
        if one["kind"] == "recognizer"
    } == {
        "ears": ("ready", "workers"),
        "mock": ("ready", "here"),
    }


async def test_mistakes_about_where_a_provider_runs_are_told_once_beside_others(program: Program) -> None:
    program.deploy(
        'enable = ["mock"]\n[providers.ears]\nuse = "mock"\nrequired = true\n[routes]\n'
        'recognize = [{ provider = "ears", runs_on = "worker" }]\nsynthesize = ["mokc"]\n'
        'train = { provider = "mock", runs_on = "workers" }\n'
    )
    checked = await program.run("config", "check")
    assert checked.status == 1
    assert checked.err.removeprefix("error: ").splitlines() == [
        (
            'plugins.toml:6: routes.recognize.0.runs_on: is no place to run; did you mean "workers"? '
            "accepted: here, workers"
        ),
        (
            'plugins.toml:7: routes.synthesize: there is no provider "mokc"; did you mean "mock"? '
            "accepted: ears, mock"
        ),
        'plugins.toml:8: routes.train: takes a name and no table: "runs_on" is for recognize and synthesize',
    ]
