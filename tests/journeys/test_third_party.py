"""A provider that is written outside the tree, as the documentation tells, is installed, enabled and used."""

import json
import re
from pathlib import Path

import httpx

from tests.program import MOCK, VOICE, Program, install

from .conftest import ROOT

GUIDE = ROOT / "docs" / "providers-authoring.md"
TITLED = re.compile(r'^```\w+ title="(?P<path>[^"]+)"\n(?P<text>.*?)^```$', re.MULTILINE | re.DOTALL)
BEEP_S = 0.05


def write_what_the_guide_writes(folder: Path) -> None:
    """Follow the first section of the guide: an empty package, its module, its pyproject.toml."""
    blocks: dict[str, str] = {}
    for block in TITLED.finditer(GUIDE.read_text(encoding="utf-8")):
        blocks.setdefault(block["path"], block["text"])
    (folder / "glottis_shout").mkdir(parents=True)
    (folder / "glottis_shout" / "__init__.py").touch()
    for name in ("pyproject.toml", "glottis_shout/plugin.py"):
        (folder / name).write_text(blocks[name], encoding="utf-8")


async def test_the_provider_of_the_guide_speaks_in_a_server(program: Program, tmp_path: Path) -> None:
    target = tmp_path / "target"
    write_what_the_guide_writes(tmp_path / "glottis-shout")
    await install(tmp_path / "glottis-shout", target)
    path = {"PYTHONPATH": str(target)}

    listed = json.loads((await program.run("plugins", "list", "--json", **path)).out)
    assert [plugin["state"] for plugin in listed if plugin["name"] == "shout"] == ["available"]
    program.deploy(
        MOCK.replace('enable = ["mock"]', 'enable = ["mock", "shout"]').replace(
            'synthesize = ["mock"]', 'synthesize = ["shout"]'
        )
    )
    said = await program.run("say", "Good morning", "--out", "morning.wav", **path)
    assert (said.status, said.err) == (0, "")
    assert "by shout" in said.out

    async with program.serving(**path) as server:
        listed = (await server.client.get("/api/v1/plugins")).json()["plugins"]
        (shout,) = [plugin for plugin in listed if plugin["name"] == "shout"]
        assert (shout["distribution"], shout["version"], shout["state"]) == (
            "glottis-shout",
            "0.1.0",
            "loaded",
        )
        spoken = await server.client.post(f"{VOICE}/synthesize", json={"text": "Good morning"})
        assert spoken.json()["provider"] == "shout"
        assert abs(spoken.json()["duration_seconds"] - BEEP_S * len("Good morning")) < BEEP_S
        audio: httpx.Response = await server.client.get(spoken.json()["audio_url"])
        assert audio.headers["Content-Type"] == "audio/mpeg"
