"""The files of Docker name only what exists. No Docker runs in the tests: these catch what goes stale."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from glottis.config import Settings
from glottis.config.settings import environment_name


@pytest.fixture(scope="module")
def dockerfile(root: Path) -> list[tuple[str, str]]:
    """Read the Dockerfile as pairs of instruction and arguments."""
    text = (root / "Dockerfile").read_text(encoding="utf-8")
    joined = re.sub(r"\\\n\s*", "", re.sub(r"(?m)^#.*\n", "", text))
    return [(line.split(None, 1)[0], line.split(None, 1)[1]) for line in joined.splitlines() if line.strip()]


@pytest.fixture(scope="module")
def compose(root: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((root / "docker-compose.yml").read_text(encoding="utf-8"))
    return loaded


def test_every_instruction_is_one_that_docker_knows(dockerfile: list[tuple[str, str]]) -> None:
    known = {
        *("FROM", "RUN", "COPY", "ENV", "SHELL", "USER", "WORKDIR", "VOLUME"),
        *("EXPOSE", "STOPSIGNAL", "HEALTHCHECK", "ENTRYPOINT", "CMD"),
    }
    assert {instruction for instruction, _ in dockerfile} <= known


def test_what_the_image_copies_exists_and_is_sent_to_the_builder(
    root: Path, dockerfile: list[tuple[str, str]]
) -> None:
    sent = {
        line[1:]
        for line in (root / ".dockerignore").read_text(encoding="utf-8").split()
        if line.startswith("!")
    }
    copied = {
        source
        for instruction, arguments in dockerfile
        if instruction == "COPY" and not arguments.startswith("--from")
        for source in arguments.split()[:-1]
    }
    assert copied == sent
    assert all((root / source).exists() for source in copied)


def test_the_image_has_every_provider_that_a_deployment_may_want(
    dockerfile: list[tuple[str, str]], providers: list[Path]
) -> None:
    installed = {
        name
        for instruction, arguments in dockerfile
        if instruction == "RUN"
        for name in re.findall(r"\./providers/(\w+)", arguments)
    }
    assert installed == {folder.name for folder in providers} - {"mock"}


def test_the_image_runs_as_nobody_special_and_tells_when_it_is_ready(
    dockerfile: list[tuple[str, str]],
) -> None:
    last = dict(dockerfile)
    assert last["USER"] not in ("root", "0")
    assert "/readyz" in last["HEALTHCHECK"]
    assert all("3.11" in arguments for instruction, arguments in dockerfile if instruction == "FROM")


def test_every_setting_that_the_files_set_is_one(
    dockerfile: list[tuple[str, str]], compose: dict[str, Any]
) -> None:
    known = {environment_name(field) for field in Settings.model_fields}
    in_image = {
        name
        for instruction, arguments in dockerfile
        if instruction == "ENV"
        for name in re.findall(r"\b(GLOTTIS_\w+)=", arguments)
    }
    assert in_image
    assert in_image | set(compose["services"]["glottis"]["environment"]) <= known


def test_the_server_waits_for_a_replica_set_that_can_be_written_to(compose: dict[str, Any]) -> None:
    mongo, glottis = compose["services"]["mongo"], compose["services"]["glottis"]
    replica_set = mongo["command"][mongo["command"].index("--replSet") + 1]
    check = mongo["healthcheck"]["test"][-1]
    assert f'_id: "{replica_set}"' in check
    assert "isWritablePrimary" in check
    assert "ports" not in mongo
    assert glottis["depends_on"]["mongo"]["condition"] == "service_healthy"
    assert glottis["environment"]["GLOTTIS_MONGO_URL"] == f"mongodb://mongo:27017/?replicaSet={replica_set}"


def test_every_volume_is_declared_and_belongs_to_one_service(compose: dict[str, Any]) -> None:
    mounted = [
        mount.split(":")[0]
        for service in compose["services"].values()
        for mount in service.get("volumes", ())
    ]
    assert sorted(mounted) == sorted(compose["volumes"])


def test_servers_and_workers_share_a_database_and_a_broker_that_forgets_nothing(
    compose: dict[str, Any],
) -> None:
    services = compose["services"]
    ours = {name: services[name] for name in ("glottis", "glottis-2", "worker")}
    for service in ours.values():
        assert service["environment"] == services["glottis"]["environment"]
        assert service["image"] == services["glottis"]["image"]
        for name in ("mongo", "nats"):
            assert service["depends_on"][name]["condition"] == "service_healthy"
    assert ours["worker"]["command"] == ["worker", "--port", "8080"]  # where the image asks for its health
    assert "ports" not in ours["worker"]
    assert "ports" not in services["nats"]
    assert services["glottis"]["environment"]["GLOTTIS_NATS_URL"] == "nats://nats:4222"
    published = [port for service in ours.values() for port in service.get("ports", ())]
    assert sorted(published) == ["127.0.0.1:8080:8080", "127.0.0.1:8081:8080"]
    (config,) = services["nats"]["configs"]
    written = compose["configs"][config["source"]]["content"]
    assert "sync_interval: always" in written
    assert services["nats"]["command"] == ["--config", config["target"]]
    (volume,) = services["nats"]["volumes"]
    assert f"store_dir: {volume.split(':')[1]}" in written
