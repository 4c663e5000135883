"""What a deployment asks for, against the plugins that are there."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from glottis.config import Deployment
from glottis.plugins import Kind
from glottis.plugins.host import InstanceState, check_deployment, load_plugins

if TYPE_CHECKING:
    from tests.extensions.conftest import Load, Mistakes, Open, Site

SPEECH = """
class Options(BaseModel):
    model_config = ConfigDict(extra="forbid")
    api_key: SecretStr
    voices: list[str] = []

class Cloud(Voice, Ears):
    pass

@hookimpl
def glottis_register_synthesizers(register):
    register(SynthesizerSpec(name="piper", create=Voice))
    register(SynthesizerSpec(name="cloud", create=Cloud, config=Options))

@hookimpl
def glottis_register_recognizers(register, api_version):
    register(RecognizerSpec(name="whisper", create=Ears))
    register(RecognizerSpec(name="cloud", create=Cloud, config=Options))
"""
WRONG = {
    "plugin that is not installed": (
        'enable = ["speech", "zzyzx"]',
        ['1: enable: no plugin called "zzyzx" is installed; pip install glottis-zzyzx? accepted: '],
    ),
    "plugin with a typing mistake": (
        'enable = ["speech", "speach"]',
        [
            (
                '1: enable: no plugin called "speach" is installed; pip install glottis-speach? '
                'did you mean "speech"? '
            )
        ],
    ),
    "spec that nobody offers": (
        'enable = ["speech"]\n[providers.a]\nuse = "pipr"',
        [
            (
                '3: providers.a.use: no enabled plugin offers "pipr"; did you mean "piper"? '
                "accepted: cloud, piper, whisper"
            )
        ],
    ),
    "plugin that is not enabled": (
        'enable = ["speech"]\n[providers.a]\nuse = "idle"\n[routes]\nrecognize = ["idle"]',
        [
            '3: providers.a.use: the plugin "idle" is installed but not enabled: add it to enable',
            (
                '5: routes.recognize: there is no provider "idle"; '
                'the plugin "idle" is installed but not enabled: add it to enable'
            ),
        ],
    ),
    "instance that does not exist": (
        'enable = ["speech"]\n[providers.ears]\nuse = "whisper"\n[routes.language.ru]\nrecognize = ["eers"]',
        [
            (
                '5: routes.language.ru.recognize: there is no provider "eers"; did you mean "ears"? '
                "accepted: cloud, ears, whisper"
            )
        ],
    ),
    "provider of another kind": (
        'enable = ["speech"]\n[routes]\nrecognize = ["piper"]\nsynthesize = ["whisper"]\nintents = ["cloud"]',
        [
            '3: routes.recognize: "piper" is a synthesizer, not a recognizer; accepted: cloud, whisper',
            '4: routes.synthesize: "whisper" is a recognizer, not a synthesizer; accepted: cloud, piper',
            (
                '5: routes.intents: "cloud" is a recognizer and a synthesizer, not an intent handler; '
                "there is none to choose from"
            ),
        ],
    ),
    "options": (
        (
            'enable = ["speech"]\n[providers.a]\nuse = "cloud"\napi_kee = "x"\nvoices = [\n  "a",\n  3,\n]\n'
            '[providers.b]\nuse = "piper"\nlimit = 3'
        ),
        [
            "2: providers.a.api_key: is required",
            (
                '4: providers.a.api_kee: unknown key; did you mean "api_key"? '
                "accepted: api_key, limits, required, use, voices"
            ),
            "5: providers.a.voices.1: Input should be a valid string",
            '11: providers.b.limit: unknown key; did you mean "limits"? accepted: limits, required, use',
        ],
    ),
    "provider that needs a table and has none": (
        'enable = ["speech"]\n[routes]\nrecognize = ["cloud"]\nsynthesize = ["cloud"]',
        ['3: routes.recognize: "cloud" needs a table [providers.cloud] with: api_key'],
    ),
    "required provider without a use": (
        'enable = ["speech"]\n[providers.a]\nuse = "piper"\nrequired = true',
        ['4: providers.a.required: "a" is required, but no route uses it'],
    ),
    "voice of a provider that the project does not speak with": (
        (
            'enable = ["speech"]\n[routes]\nrecognize = ["whisper"]\n'
            '[projects.x.routes]\nsynthesize = ["piper"]\n'
            '[projects.x.voices.ru]\nprovider = "whisper"\n[projects.y.voices.ru]\nprovider = "piper"'
        ),
        [
            (
                '7: projects.x.voices.ru.provider: no synthesize route of this project uses "whisper"; '
                'did you mean "piper"? accepted: piper'
            ),
            (
                '9: projects.y.voices.ru.provider: no synthesize route of this project uses "piper"; '
                "there is none to choose from"
            ),
        ],
    ),
}

Read = Callable[..., Deployment]


@pytest.fixture(autouse=True)
def plugins(site: "Site") -> None:
    site.install("speech", SPEECH)
    site.install("idle", 'raise RuntimeError("imported")')


def test_a_part_of_a_right_deployment_is_right(load: "Load", read: Read) -> None:
    text = """
    enable = ["speech"]
    [providers.ears]
    use = "whisper"
    required = true
    [routes]
    recognize = ["ears"]
    synthesize = ["piper"]
    [projects.x.voices.ru]
    provider = "piper"
    """
    whole, loaded = read(text), load("speech")
    for part in (whole, whole.only("recognize"), whole.only("synthesize"), whole.only()):
        assert check_deployment(part, loaded, {}) == []


def test_a_validator_that_breaks_without_a_table_is_told(load: "Load", read: Read, site: "Site") -> None:
    source = """
    class Options(BaseModel):
        model_config = ConfigDict(extra="forbid")
        host: str = ""

        @model_validator(mode="after")
        def _check(self):
            raise KeyError("hosts")

    @hookimpl
    def glottis_register_synthesizers(register):
        register(SynthesizerSpec(name="strict", create=Voice, config=Options))
    """
    site.install("strict", source)
    deployment = read('enable = ["strict"]\n[routes]\nsynthesize = ["strict"]\n')
    (problem,) = check_deployment(deployment, load("strict"), {})
    assert str(problem).startswith(
        "plugins.toml:3: routes.synthesize: \"strict\": checking the options failed: KeyError: 'hosts'"
    )


@pytest.mark.parametrize("mistake", WRONG)
async def test_mistakes_are_told_with_line_and_accepted_values(
    mistake: str, load: "Load", read: Read, mistakes: "Mistakes"
) -> None:
    text, expected = WRONG[mistake]
    told = await mistakes(text)
    assert len(told) == len(expected)
    for line, start in zip(told, expected, strict=True):
        assert line.startswith(f"plugins.toml:{start}")
    deployment = read(text)
    with_plugins = load(*deployment.enable)
    assert [str(problem) for problem in check_deployment(deployment, with_plugins, {})] == told


def test_a_right_deployment_has_no_problems_and_makes_no_provider(
    load: "Load", read: Read, site: "Site"
) -> None:
    text = (
        'enable = ["speech"]\n[providers.a]\nuse = "cloud"\napi_key = "${KEY}"\n[routes]\nrecognize = ["a"]\n'
    )
    environment = {"KEY": "x"}
    loaded = load("speech")
    site.module("speech").Ears.__init__ = None
    assert check_deployment(read(text, environment), loaded, environment) == []


def test_a_variable_that_went_away_is_told(load: "Load", read: Read) -> None:
    text = 'enable = ["speech"]\n[providers.a]\nuse = "cloud"\napi_key = "${KEY}"\n'
    (problem,) = check_deployment(read(text, {"KEY": "x"}), load("speech"), {})
    assert str(problem) == "plugins.toml:2: providers.a: environment variable KEY is not set"


async def test_one_name_may_serve_two_kinds(open_host: "Open") -> None:
    text = """
    enable = ["speech"]
    [providers.a]
    use = "cloud"
    api_key = "${KEY}"
    limits = { timeout_s = 7 }
    [routes]
    recognize = ["a"]
    synthesize = ["a", "piper"]
    """
    async with open_host(text, environment={"KEY": "hunter2"}) as host:
        one, other = host.instance(Kind.RECOGNIZER, "a"), host.instance(Kind.SYNTHESIZER, "a")
        assert one.provider is not None
        assert one.provider is not other.provider
        assert one.provider.config.api_key.get_secret_value() == "hunter2"
        assert (one.where, one.line, one.plugin, one.limits.timeout_s) == ("providers.a", 3, "speech", 7)
        assert one.spec is host.loaded.spec(Kind.RECOGNIZER, "cloud")
        piper = host.instance(Kind.SYNTHESIZER, "piper")
        assert (piper.where, piper.line) == ("routes.synthesize", 9)
        assert len(host.instances) == 3
        with pytest.raises(KeyError):
            host.instance(Kind.RECOGNIZER, "piper")


async def test_routes_of_languages_and_projects_count_as_use(open_host: "Open") -> None:
    text = """
    enable = ["speech"]
    [providers.a]
    use = "whisper"
    [providers.b]
    use = "whisper"
    [providers.unused]
    use = "whisper"
    [routes.language.ru]
    recognize = ["a"]
    [projects.x.routes.language.en]
    recognize = ["b"]
    """
    async with open_host(text) as host:
        assert {one.name: one.state for one in host.instances} == {
            "a": InstanceState.READY,
            "b": InstanceState.READY,
        }


async def test_a_provider_gets_a_folder_and_a_log_of_its_own(open_host: "Open", tmp_path: Path) -> None:
    async with open_host('enable = ["speech"]\n[routes]\nrecognize = ["whisper"]\n') as host:
        provider = host.instance(Kind.RECOGNIZER, "whisper").provider
        assert provider is not None
        assert provider.context.data_dir == tmp_path / "data" / "whisper"
        assert provider.context.data_dir.is_dir()
        assert provider.context.log.name == "glottis.providers.whisper"


async def test_nothing_enabled_is_a_host_without_providers(open_host: "Open") -> None:
    async with open_host("") as host:
        assert host.instances == ()
        assert host.secrets == frozenset()


async def test_plugins_that_are_given_stay_open_for_their_owner(read: Read, tmp_path: Path) -> None:
    from glottis.plugins.host import open_plugins

    loaded = await asyncio.to_thread(load_plugins, ["speech"], load_timeout_s=20)
    for _ in range(2):
        async with open_plugins(
            read('enable = ["speech"]\n[routes]\nrecognize = ["whisper"]\n'),
            environment={},
            data_dir=tmp_path,
            load_timeout_s=20,
            warmup_timeout_s=20,
            loaded=loaded,
        ) as host:
            assert host.loaded is loaded
    assert loaded.spec(Kind.RECOGNIZER, "whisper") is not None
    loaded.close()
