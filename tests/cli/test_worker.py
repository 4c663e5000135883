"""`glottis worker`: what it does, and when it says at once that it can do nothing."""

import pytest

from tests.program import MOCK, Program

TRAINING = MOCK.replace("[routes]", '[routes]\ntrain = "mock"')
HEARING = MOCK.replace('recognize = ["mock"]', 'recognize = [{ provider = "mock", runs_on = "workers" }]')
NOBODY = "mongodb://127.0.0.1:1/?replicaSet=rs"


@pytest.fixture
def where(mongo_url: str, mongo_database: str, nats_url: str, nats_prefix: str) -> dict[str, str]:
    """The settings of a worker that has all it needs."""
    return {
        "GLOTTIS_MONGO_URL": mongo_url,
        "GLOTTIS_MONGO_DATABASE": mongo_database,
        "GLOTTIS_NATS_URL": nats_url,
        "GLOTTIS_NATS_PREFIX": nats_prefix,
    }


@pytest.mark.parametrize(
    ("toml", "options", "changed", "said"),
    [
        (
            TRAINING,
            ["--kinds", "train,dance"],
            {},
            "--kinds: 'dance' is nothing that a worker does; choose among train, recognize, synthesize",
        ),
        (
            TRAINING,
            [],
            {"GLOTTIS_NATS_URL": None},
            "a worker gets its work through NATS: set GLOTTIS_NATS_URL, as for the server",
        ),
        (
            TRAINING,
            [],
            {"GLOTTIS_MONGO_URL": None},
            "a worker shares the server's database: set GLOTTIS_MONGO_URL, or start it beside a server of",
        ),
        (
            TRAINING,
            [],
            {"GLOTTIS_MONGO_URL": NOBODY},
            "the database does not answer; see that the MongoDB in GLOTTIS_MONGO_URL runs, and can",
        ),
        (
            TRAINING,
            [],
            {"GLOTTIS_NATS_URL": "nats://somebody:secret@127.0.0.1:1"},
            "no NATS broker at nats://127.0.0.1:1: ",
        ),
        (
            MOCK,
            [],
            {},
            "plugins.toml leaves nothing to a worker of train, recognize, synthesize: it routes no training,",
        ),
        (HEARING, ["--kinds", "train,synthesize"], {}, "plugins.toml leaves nothing to a worker of train,"),
    ],
)
async def test_a_worker_that_can_do_nothing_says_why_in_a_sentence(
    program: Program,
    where: dict[str, str],
    toml: str,
    options: list[str],
    changed: dict[str, str | None],
    said: str,
) -> None:
    program.deploy(toml)
    settings = {name: value for name, value in (where | changed).items() if value is not None}
    ended = await program.run("worker", *options, **settings)
    assert (ended.status, ended.out) == (1, "")
    assert ended.err.startswith(f"error: {said}")
    assert ended.err.count("\n") == 1
    assert "secret" not in ended.err


async def test_a_worker_says_what_it_does_and_ends_when_it_is_told_to(
    program: Program, where: dict[str, str]
) -> None:
    program.deploy(TRAINING)
    async with program.working("--kinds", "train, train", "--slots", "2", **where) as worker:
        assert worker.said == "train by mock"
        assert await worker.end() == 0
