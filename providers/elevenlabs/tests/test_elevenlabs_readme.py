import re
from pathlib import Path

from glottis.config import parse_deployment
from glottis.plugins import ErrorCategory
from glottis_elevenlabs.config import ElevenLabsConfig
from glottis_elevenlabs.expression import EMOTIONS

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")


def test_the_table_of_options_is_the_configuration() -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| (.+?) \|", README, re.MULTILINE))
    told = {name: default.strip("`") for name, default in rows.items()}
    assert list(told) == list(ElevenLabsConfig.model_fields)
    for name, field in ElevenLabsConfig.model_fields.items():
        if field.is_required():
            assert told[name] == "required"
        elif field.default is None:
            assert told[name] == "the voice's own"
        else:
            assert told[name] == str(field.default).replace("True", "true").replace("False", "false")


def test_the_example_is_a_valid_deployment() -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", README, re.DOTALL)
    deployment = parse_deployment(example, file="README.md", environment={"ELEVENLABS_API_KEY": "sk_1"})
    options = {**deployment.entry("eleven").options}
    assert ElevenLabsConfig.model_validate(options).voice_id == "JBFqnCBsd6RMkjVDRZzb"


def test_every_emotion_and_category_is_told() -> None:
    used = set(ErrorCategory) - {ErrorCategory.UNSUPPORTED, ErrorCategory.CANCELLED}
    for word in (EMOTIONS.keys() - {"neutral"}) | used:
        assert word in README
