"""Where a provider runs: what routes may say of it, and what is left of them for a worker."""

import pytest
from glottis.config import ConfigError, Deployment, parse_deployment

WORKERS = 'runs_on = "workers"'
FULL = f"""
enable = ["mock"]

[providers.ears]
use = "whisper"
required = true

[providers.mouth]
use = "piper"
required = true

[routes]
recognize = [{{ provider = "ears", {WORKERS} }}, "mock"]
synthesize = ["mouth", {{ provider = "cloned", {WORKERS} }}]
intents = ["rules"]
train = "cloned"

[routes.language.ru]
recognize = [{{ provider = "ears", {WORKERS} }}]

[projects.demo.routes]
synthesize = [{{ provider = "tones", {WORKERS} }}, {{ provider = "mouth" }}]

[projects.demo.voices.en]
provider = "mouth"
"""


def parse(text: str) -> Deployment:
    return parse_deployment(text, file="plugins.toml", environment={})


def mistakes(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        parse(text)
    return [str(problem) for problem in caught.value.problems]


def chains(deployment: Deployment) -> dict[str, list[str]]:
    """Show every chain that is not empty; a name with a star runs on workers."""
    workers = deployment.on_workers
    return {
        ".".join((*path, key)): [name + "*" * ((key, name) in workers) for name in names]
        for path, table in deployment.route_tables()
        for key in ("recognize", "synthesize", "intents", "train")
        if (names := table.chain(key))
    }


def test_every_table_of_routes_may_say_what_runs_on_workers() -> None:
    deployment = parse(FULL)
    assert deployment.on_workers == {("recognize", "ears"), ("synthesize", "cloned"), ("synthesize", "tones")}
    assert chains(deployment) == {
        "routes.recognize": ["ears*", "mock"],
        "routes.synthesize": ["mouth", "cloned*"],
        "routes.intents": ["rules"],
        "routes.train": ["cloned"],
        "routes.language.ru.recognize": ["ears*"],
        "projects.demo.routes.synthesize": ["tones*", "mouth"],
    }
    assert deployment.instance_names() == {"ears", "mock", "mouth", "cloned", "rules", "tones"}


def test_a_route_may_be_an_array_of_tables() -> None:
    text = '[[routes.recognize]]\nprovider = "a"\nruns_on = "workers"\n[[routes.recognize]]\nprovider = "b"\n'
    assert chains(parse(text)) == {"routes.recognize": ["a*", "b"]}


def test_what_is_said_to_run_here_does() -> None:
    text = '[routes]\nrecognize = [{ provider = "a", runs_on = "here" }]\nsynthesize = ["a"]\n'
    assert parse(text).on_workers == frozenset()


def test_an_instance_may_hear_on_workers_and_speak_here() -> None:
    text = f'[routes]\nrecognize = [{{ provider = "a", {WORKERS} }}]\nsynthesize = ["a"]\n'
    assert parse(text).on_workers == {("recognize", "a")}


def test_a_part_of_the_routes_keeps_where_they_run() -> None:
    hearing = parse(FULL).only("recognize")
    assert chains(hearing) == {
        "routes.recognize": ["ears*", "mock"],
        "routes.language.ru.recognize": ["ears*"],
    }
    assert hearing.entry("ears").required
    assert parse(FULL).only("intents", "train").on_workers == frozenset()


WRONG = {
    "a place that is none": (
        'recognize = [{ provider = "a", runs_on = "worker" }]',
        [
            (
                '2: routes.recognize.0.runs_on: is no place to run; did you mean "workers"? '
                "accepted: here, workers"
            )
        ],
    ),
    "a place that is no text": (
        'synthesize = ["b", { provider = "a", runs_on = 3 }]',
        ["2: routes.synthesize.1.runs_on: is no place to run; accepted: here, workers"],
    ),
    "a key that is none": (
        'recognize = [\n  "b",\n  { provider = "a", run_on = "workers" },\n]',
        [('2: routes.recognize.1.run_on: unknown key; did you mean "runs_on"? accepted: provider, runs_on')],
    ),
    "no provider": (f"recognize = [{{ {WORKERS} }}]", ["2: routes.recognize.0.provider: is required"]),
    "a provider without a proper name": (
        f'recognize = [{{ provider = "a b", {WORKERS} }}]',
        ["2: routes.recognize.0.provider: String should match pattern"],
    ),
    "neither a name nor a table": (
        "recognize = [3]",
        ["2: routes.recognize.0: is neither a name nor a table such as { provider = "],
    ),
    "a table that is no list": (
        f'recognize = {{ provider = "a", {WORKERS} }}',
        ["2: routes.recognize: Input should be a valid list"],
    ),
    "intents and trainings": (
        f'intents = ["b", {{ provider = "a", {WORKERS} }}]\ntrain = {{ provider = "a", {WORKERS} }}',
        [
            '2: routes.intents.1: takes a name and no table: "runs_on" is for recognize and synthesize',
            '3: routes.train: takes a name and no table: "runs_on" is for recognize and synthesize',
        ],
    ),
    "two routes that contradict each other": (
        (
            f'recognize = [{{ provider = "a", {WORKERS} }}]\nsynthesize = ["a"]\n'
            '[routes.language.ru]\nrecognize = ["b", "a"]\n[projects.x.routes]\n'
            f'synthesize = [{{ provider = "a", {WORKERS} }}]\n'
        ),
        [
            (
                '5: routes.language.ru.recognize: "a" runs here, and on workers by routes.recognize, line 2; '
                "write it alike in both"
            ),
            (
                '7: projects.x.routes.synthesize: "a" runs on workers, and here by routes.synthesize, '
                "line 3; write it alike in both"
            ),
        ],
    ),
    "a list that contradicts itself": (
        f'recognize = ["a", {{ provider = "a", {WORKERS} }}]',
        ['2: routes.recognize: "a" stands in it twice, to run here and on workers; name it once'],
    ),
}


@pytest.mark.parametrize("mistake", WRONG)
def test_a_mistake_is_told_with_its_line_and_once(mistake: str) -> None:
    text, expected = WRONG[mistake]
    told = mistakes(f"[routes]\n{text}\n")
    assert len(told) == len(expected)
    for line, start in zip(told, expected, strict=True):
        assert line.startswith(f"plugins.toml:{start}")


def test_what_a_mistake_leaves_of_a_route_is_still_looked_at() -> None:
    text = '[routes]\nrecognize = ["a", 3, { provider = "b", runs_on = "moon" }, "c", { provider = "d e" }]\n'
    with pytest.raises(ConfigError) as caught:
        parse(text)
    assert isinstance(caught.value.rest, Deployment)
    assert chains(caught.value.rest) == {"routes.recognize": ["a", "b", "c"]}


def test_a_worker_holds_what_runs_on_workers_and_it_does() -> None:
    deployment = parse(FULL)
    hearing = deployment.for_worker({"recognize"})
    assert chains(hearing) == {"routes.recognize": ["ears"], "routes.language.ru.recognize": ["ears"]}
    assert (hearing.entry("ears").required, hearing.entry("mouth").required) == (True, False)
    assert hearing.project("demo").voices == {}
    assert chains(deployment.for_worker(["synthesize", "recognize"])) == {
        "routes.recognize": ["ears"],
        "routes.synthesize": ["cloned"],
        "routes.language.ru.recognize": ["ears"],
        "projects.demo.routes.synthesize": ["tones"],
    }


def test_a_worker_that_trains_hears_and_speaks_by_the_routes() -> None:
    deployment = parse(FULL)
    training = deployment.for_worker({"train", "synthesize"})
    assert chains(training) == {
        "routes.recognize": ["ears*", "mock"],
        "routes.synthesize": ["mouth", "cloned"],
        "routes.train": ["cloned"],
        "routes.language.ru.recognize": ["ears*"],
        "projects.demo.routes.synthesize": ["tones", "mouth"],
    }
    assert training.on_workers == {("recognize", "ears")}
    assert training.entry("mouth").required
    assert training.project("demo").voices == deployment.project("demo").voices
    assert deployment.for_worker({"train"}).on_workers == deployment.on_workers


def test_a_worker_with_no_route_to_train_by_holds_nothing_for_it() -> None:
    deployment = parse(FULL.replace('train = "cloned"', ""))
    assert chains(deployment.for_worker({"train"})) == {}
    assert chains(deployment.for_worker({"train", "recognize"})) == chains(
        deployment.for_worker({"recognize"})
    )


def test_the_deployment_itself_stays_as_it_is() -> None:
    deployment = parse(FULL)
    deployment.for_worker({"recognize", "train"})
    assert deployment == parse(FULL)
