"""Which chain serves a request."""

import pytest
from glottis.core.errors import Unprocessable
from glottis.plugins import Kind
from glottis.plugins.conformance import ScriptedSynthesizer

from .conftest import OpenEngine

TOML = """
[providers.a]
use = "x"
[providers.b]
use = "x"
[providers.c]
use = "x"
[providers.d]
use = "x"
[routes]
synthesize = ["a"]
[routes.language."ru"]
synthesize = ["b"]
[routes.language."ru-BY"]
synthesize = ["c"]
[projects.shop.routes]
synthesize = ["d", "a"]
[projects.shop.routes.language."ru-BY"]
synthesize = ["a"]
[projects.plain]
"""


@pytest.mark.parametrize(
    ("language", "project", "names"),
    [
        ("en-US", "", ["a"]),
        ("ru", "", ["b"]),
        ("ru-RU", "", ["b"]),
        ("ru-BY", "", ["c"]),
        ("RU_by", "", ["c"]),
        ("ru-RU", "plain", ["b"]),
        ("ru-RU", "unlisted", ["b"]),
        ("ru-RU", "shop", ["d", "a"]),
        ("ru-BY", "shop", ["a"]),
    ],
)
async def test_a_project_wins_over_the_deployment_and_a_longer_tag_over_a_shorter(
    engine_of: OpenEngine, language: str, project: str, names: list[str]
) -> None:
    async with engine_of(TOML, ScriptedSynthesizer().spec("x")) as engine:
        chain = engine.routing.chain(Kind.SYNTHESIZER, language=language, project=project)
    assert [guard.name for guard in chain] == names


async def test_work_without_a_route_is_refused(engine_of: OpenEngine) -> None:
    async with engine_of(TOML, ScriptedSynthesizer().spec("x")) as engine:
        assert not engine.routing.has_route(Kind.RECOGNIZER, "")
        with pytest.raises(Unprocessable, match="no provider to recognize en"):
            engine.routing.chain(Kind.RECOGNIZER, language="en", project="")
