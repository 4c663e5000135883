import re
from pathlib import Path

import pytest
from glottis.config import parse_deployment
from glottis_mock.configuration import MockConfig

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```toml\n(.*?)```", README, re.DOTALL)


def test_every_option_has_its_row() -> None:
    rows = re.findall(r"^\| `(\w+)` \|", README, re.MULTILINE)

    assert rows == list(MockConfig.model_fields)


@pytest.mark.parametrize("block", BLOCKS)
def test_every_example_is_accepted(block: str) -> None:
    deployment = parse_deployment(block, file="README.md", environment={})

    for entry in deployment.providers.values():
        MockConfig.model_validate(dict(entry.options))
