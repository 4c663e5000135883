"""Every deployment in the documentation is one, and every piece of Python runs."""

import asyncio
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from glottis.config import ConfigError, load_deployment, parse_deployment
from glottis.plugins.host import check_deployment, load_plugins

from tests.docs.blocks import DOCS, ROOT, Block, blocks, blocks_of, titled
from tests.program import install

AUTHORING = DOCS / "providers-authoring.md"
MISTAKEN = {"mistakes.toml", "shape.toml"}
NO_DEPLOYMENT = {"pyproject.toml"}
OF_THE_GUIDE = "shout"  # the plugin that providers-authoring.md makes
WITHIN_S = 60
DEPLOYMENTS = [block for block in blocks("toml") if block.title not in MISTAKEN | NO_DEPLOYMENT]
SCRIPTS = [block for block in blocks("python") if block.title is None]


def secrets_in(text: str) -> dict[str, str]:
    return dict.fromkeys(re.findall(r"\$\{(\w+)\}", text), "x" * 12)


@pytest.mark.parametrize("block", DEPLOYMENTS, ids=str)
def test_every_deployment_is_valid(block: Block) -> None:
    environment = secrets_in(block.text)
    deployment = parse_deployment(block.text, file=str(block), environment=environment)
    if OF_THE_GUIDE in deployment.enable:
        return
    loaded = load_plugins(deployment.enable, load_timeout_s=30.0)
    try:
        assert check_deployment(deployment, loaded, environment) == []
    finally:
        loaded.close()


def test_the_deployment_that_is_shipped_is_valid() -> None:
    deployment = load_deployment(ROOT / "plugins.toml", {})
    loaded = load_plugins(deployment.enable, load_timeout_s=30.0)
    try:
        assert check_deployment(deployment, loaded, {}) == []
    finally:
        loaded.close()


def test_what_is_shown_as_misshapen_is() -> None:
    with pytest.raises(ConfigError):
        parse_deployment(titled(DOCS / "configuration.md", "shape.toml"), file="shape.toml", environment={})


def python(*arguments: str, folder: Path, path: Path | None = None) -> str:
    """Run Python in a folder and return what it prints."""
    done = subprocess.run(
        [sys.executable, "-W", "error", *arguments],
        check=False,
        capture_output=True,
        text=True,
        cwd=folder,
        env={"PYTHONDONTWRITEBYTECODE": "1", "PATH": os.environ["PATH"], "PYTHONPATH": str(path or "")},
        timeout=WITHIN_S,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.slow
@pytest.mark.parametrize("block", SCRIPTS, ids=str)
def test_every_piece_of_python_runs(block: Block, tmp_path: Path) -> None:
    promised = re.findall(r"print\(.*\)  # (.+)", block.text)
    assert python("-c", block.text, folder=tmp_path).splitlines() == promised


@pytest.mark.slow
async def test_the_provider_of_the_guide_passes_the_conformance_kit(tmp_path: Path) -> None:
    folder, target = tmp_path / "glottis-shout", tmp_path / "target"
    files: dict[str, str] = {}
    for block in blocks_of(AUTHORING):
        if block.title and block.language in {"python", "toml"}:
            files.setdefault(block.title, block.text)
    for name, text in {**files, "glottis_shout/__init__.py": ""}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    await install(folder, target)
    checked = await asyncio.to_thread(python, "-m", "pytest", "-q", folder=folder, path=target)
    assert re.search(r"^\d+ passed", checked, re.MULTILINE), checked
    for module in ("config", "blocking"):
        code = f"import glottis_shout.{module}"
        await asyncio.to_thread(python, "-c", code, folder=folder, path=target)
