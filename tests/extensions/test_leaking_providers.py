"""What a provider is told in confidence, and lets out in its exceptions."""

from typing import TYPE_CHECKING

import pytest
from glottis.plugins import Kind

if TYPE_CHECKING:
    from tests.extensions.conftest import Mistakes, Open, Site

LEAKS = {
    "create": "def create(context, config):\n    raise OSError(f'bad {config.key.get_secret_value()}')",
    "create, quoted for a URL": (
        "def create(context, config):\n    from urllib.parse import quote\n"
        "    raise OSError('GET https://host/?key=' + quote(config.key.get_secret_value(), safe=''))"
    ),
    "create, as repr": "def create(context, config):\n    raise OSError(repr(config.key.get_secret_value()))",
    "warmup": (
        "class create(Voice):\n    async def warmup(self):\n"
        "        raise ValueError(self.config.key.get_secret_value())"
    ),
    "import": "create = Voice\nimport os\nraise ValueError(os.environ['ACME_KEY'])",
}


@pytest.mark.parametrize("where", LEAKS)
async def test_a_secret_in_the_text_of_an_exception_is_never_shown(
    where: str,
    site: "Site",
    open_host: "Open",
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    secret = "hunt/er'2\\ü"
    monkeypatch.setenv("ACME_KEY", secret)
    site.install_broken(LEAKS[where])
    text = """
    enable = ["broken", "good"]
    [providers.voice]
    use = "broken"
    key = "${ACME_KEY}"
    [routes]
    synthesize = ["voice", "good"]
    """
    caplog.set_level("DEBUG")
    async with open_host(text, environment={"ACME_KEY": secret}) as host:
        assert host.secrets == {secret}
        assert "***" in (host.instance(Kind.SYNTHESIZER, "voice").error or "")
        shown = [repr(host.instances), repr(host.describe()), repr(host.loaded.records)]
    shown += [repr(vars(log_record)) for log_record in caplog.records]
    assert caplog.records
    for leak in ("hunt", "er%272", "er'2"):
        assert not [text for text in shown if leak in text]


async def test_a_secret_in_the_message_of_a_validator_is_never_shown(
    site: "Site", mistakes: "Mistakes"
) -> None:
    source = """
    class Options(BaseModel):
        model_config = ConfigDict(extra="forbid")
        address: str
        port: int

        @field_validator("address")
        @classmethod
        def _check(cls, address):
            raise ValueError(f"{address[7:]} is no host")

    @hookimpl
    def glottis_register_synthesizers(register):
        register(SynthesizerSpec(name="strict", create=Voice, config=Options))
    """
    site.install("strict", source)
    text = """
    enable = ["strict"]
    [providers.voice]
    use = "strict"
    address = "http://${TOKEN}"
    port = "${TOKEN}"
    [routes]
    synthesize = ["voice"]
    """
    assert await mistakes(text, environment={"TOKEN": "hunter2"}) == [
        "plugins.toml:5: providers.voice.address: Value error, *** is no host",
        (
            "plugins.toml:6: providers.voice.port: "
            "Input should be a valid integer, unable to parse string as an integer"
        ),
    ]


async def test_a_validator_that_breaks_is_told(site: "Site", mistakes: "Mistakes") -> None:
    source = """
    class Options(BaseModel):
        model_config = ConfigDict(extra="forbid")
        host: str = ""

        @field_validator("host")
        @classmethod
        def _check(cls, host):
            raise KeyError("hosts")

    @hookimpl
    def glottis_register_synthesizers(register):
        register(SynthesizerSpec(name="strict", create=Voice, config=Options))
    """
    site.install("strict", source)
    text = 'enable = ["strict"]\n[providers.voice]\nuse = "strict"\nhost = "x"\n'
    (mistake,) = await mistakes(text)
    assert mistake.startswith(
        "plugins.toml:2: providers.voice: checking the options failed: KeyError: 'hosts' (acme_strict.py"
    )
