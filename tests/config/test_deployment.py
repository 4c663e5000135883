from pathlib import Path

import pytest
from glottis.config import (
    ConfigError,
    Deployment,
    Limits,
    load_deployment,
    model_problems,
    parse_deployment,
)
from pydantic import BaseModel, ConfigDict, Field, SecretStr, ValidationError, field_validator

FULL = """
enable = ["whisper", "piper"]

[providers.ears]
use = "whisper"
model = "base"
required = true
limits = { timeout_s = 5, retries = 0 }

[providers.cloud]
use = "elevenlabs"
api_key = "${KEY}"

[routes]
recognize = ["ears", "mock"]
synthesize = ["cloud"]
train = "trainer"

[routes.language.ru]
synthesize = ["espeak"]

[projects.demo]
greeting = { ru = "Здравствуйте" }
origins = ["https://example.org"]

[projects.demo.routes]
intents = ["rules"]

[projects.demo.voices.ru]
provider = "espeak"

[projects.demo.sections.pricing]
url = "/pricing"
names = { ru = ["цены"] }
"""


def parse(text: str, **environment: str) -> Deployment:
    return parse_deployment(text, file="plugins.toml", environment=environment)


def mistakes(text: str, **environment: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        parse(text, **environment)
    return [str(problem) for problem in caught.value.problems]


def test_a_whole_file_is_read() -> None:
    deployment = parse(FULL, KEY="secret")
    assert deployment.enable == ("whisper", "piper")
    ears = deployment.entry("ears")
    assert (ears.use, ears.required, ears.options) == ("whisper", True, {"model": "base"})
    assert ears.limits == Limits(timeout_s=5, retries=0)
    assert deployment.routes.chain("train") == ["trainer"]
    assert deployment.project("demo").voices["ru"].provider == "espeak"
    assert deployment.project("another").greeting == {}
    assert deployment.instance_names() == {"ears", "mock", "cloud", "trainer", "espeak", "rules"}


def test_an_empty_file_is_a_deployment_without_anything() -> None:
    deployment = parse("")
    assert deployment.enable == ()
    assert list(deployment.instance_names()) == []


def test_a_route_may_name_a_provider_that_has_no_table() -> None:
    assert parse(FULL, KEY="x").entry("espeak").use == "espeak"


def test_a_part_of_the_routes_asks_for_nothing_of_the_others() -> None:
    whole = parse(FULL, KEY="x")
    hearing, speaking = whole.only("recognize"), whole.only("synthesize")
    assert hearing.routed_names() == {"ears", "mock"}
    assert hearing.entry("ears").required
    assert hearing.project("demo").voices == {}
    assert speaking.routed_names() == {"cloud", "espeak"}
    assert not speaking.entry("ears").required
    assert speaking.project("demo").voices == whole.project("demo").voices


def test_route_tables_are_listed_with_the_general_before_the_special() -> None:
    paths = [path for path, _ in parse(FULL, KEY="x").route_tables()]
    assert paths == [("routes",), ("routes", "language", "ru"), ("projects", "demo", "routes")]


def test_a_secret_stays_a_reference_in_all_that_can_be_shown() -> None:
    assert "hunter2" not in repr(parse(FULL, KEY="hunter2"))


def test_a_secret_that_is_not_set_is_told_with_its_line() -> None:
    assert mistakes(FULL) == ["plugins.toml:12: providers.cloud.api_key: environment variable KEY is not set"]


def test_a_reference_where_none_is_read_is_a_mistake() -> None:
    (mistake,) = mistakes('[projects.demo]\ngreeting = { en = "${NAME}" }\n', NAME="x")
    assert mistake.startswith("plugins.toml:2: projects.demo.greeting.en: ${NAME} is not read here")


def test_all_mistakes_are_told_at_once_and_in_the_order_of_the_file() -> None:
    text = (
        'enabel = ["a"]\n'
        "[providers.cloud]\n"
        'key = "${UNSET}"\n'
        "[providers.cloud.limits]\n"
        "timeout = 3\n"
        "retries = 17\n"
        "[routes]\n"
        'recognise = ["x"]\n'
    )
    assert mistakes(text) == [
        (
            'plugins.toml:1: enabel: unknown key; did you mean "enable"? '
            "accepted: enable, listening, projects, providers, routes"
        ),
        "plugins.toml:2: providers.cloud.use: is required",
        "plugins.toml:3: providers.cloud.key: environment variable UNSET is not set",
        (
            'plugins.toml:5: providers.cloud.limits.timeout: unknown key; did you mean "timeout_s"? '
            f"accepted: {', '.join(sorted(Limits.model_fields))}"
        ),
        "plugins.toml:6: providers.cloud.limits.retries: Input should be less than or equal to 5",
        (
            'plugins.toml:8: routes.recognise: unknown key; did you mean "recognize"? '
            "accepted: intents, language, recognize, synthesize, train"
        ),
    ]


def test_a_bad_element_of_an_array_points_at_its_key() -> None:
    (mistake,) = mistakes('[projects."7"]\norigins = [\n  "https://good.example",\n  "nonsense",\n]\n')
    assert mistake.startswith("plugins.toml:2: projects.7.origins.1: String should match pattern")


def test_a_bad_name_of_a_table_is_told() -> None:
    (mistake,) = mistakes('[providers."a b"]\nuse = "x"\n')
    assert mistake.startswith("plugins.toml:1: providers.a b: String should match pattern")


def test_a_file_that_is_not_toml_is_told_with_its_line() -> None:
    (mistake,) = mistakes('enable = ["a"]\nroutes = \n')
    assert mistake.startswith("plugins.toml:2: is not valid TOML: Invalid value")


def test_a_file_that_is_nested_too_deeply_is_told() -> None:
    for text in ("a = " + "[" * 100_000, "a = " + "{a=" * 100_000):
        (mistake,) = mistakes(text)
        assert mistake == "plugins.toml: is nested too deeply"


def test_a_file_that_is_missing_is_told_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(
        ConfigError, match=r"none\.toml: No such file or directory; name another with --config"
    ):
        load_deployment(tmp_path / "none.toml", {})


def test_a_file_that_is_not_text_is_told(tmp_path: Path) -> None:
    file = tmp_path / "plugins.toml"
    file.write_bytes(b'enable = ["\xff"]')
    with pytest.raises(ConfigError, match="is not UTF-8 text"):
        load_deployment(file, {})


def test_a_file_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    file = tmp_path / "plugins.toml"
    file.write_text('enable = ["a"]', encoding="utf-8-sig")
    assert load_deployment(file, {}).enable == ("a",)


class Endpoint(BaseModel):
    model_config = ConfigDict(extra="forbid")
    url: str = ""


class Options(BaseModel):
    model_config = ConfigDict(extra="forbid")
    api_key: SecretStr = SecretStr("")
    main: Endpoint | None = None
    others: list[Endpoint] = Field(default_factory=list)
    named: dict[str, Endpoint] = Field(default_factory=dict)

    @field_validator("api_key")
    @classmethod
    def _refuse(cls, key: SecretStr) -> SecretStr:
        raise ValueError(f"the key {key.get_secret_value()} is no good")


def found(options: dict[str, object]) -> list[str]:
    with pytest.raises(ValidationError) as caught:
        Options.model_validate(options)
    problems = model_problems(
        caught.value,
        file="plugins.toml",
        lines={("providers", "p"): 3},
        prefix=("providers", "p"),
        root=Options,
        also=("use", "limits"),
    )
    return [str(problem) for problem in problems]


def test_a_message_of_a_validator_does_not_repeat_the_value() -> None:
    assert found({"api_key": "hunter2"}) == [
        "plugins.toml:3: providers.p.api_key: Value error, the key *** is no good"
    ]


@pytest.mark.parametrize(
    ("options", "where", "accepted"),
    [
        ({"api": 1}, "api", "api_key, limits, main, named, others, use"),
        ({"main": {"urls": 1}}, "main.urls", "url"),
        ({"others": [{}, {"urls": 1}]}, "others.1.urls", "url"),
        ({"named": {"x": {"urls": 1}}}, "named.x.urls", "url"),
    ],
)
def test_an_unknown_key_is_told_with_those_that_may_stand_there(
    options: dict[str, object], where: str, accepted: str
) -> None:
    (problem,) = found(options)
    assert problem.startswith(f"plugins.toml:3: providers.p.{where}: unknown key; ")
    assert problem.endswith(f"accepted: {accepted}")
