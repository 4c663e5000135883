"""A warm Whisper, ways to make others, and speech for them to hear."""

import logging
from collections.abc import AsyncIterator, Callable, Mapping
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytest_asyncio
import soxr
from glottis.plugins import (
    AudioFrame,
    ProviderContext,
    Recognizer,
    RecognizerSpec,
    SynthesisOptions,
    SynthesizerSpec,
)

ENGLISH = (
    "Please show me the section with prices.",
    "The delivery arrived two days late and the box was damaged.",
    "Can you tell me how to return a product that I bought last week?",
    "I would like to talk to a person about my order.",
    "The weather is fine today, so we will walk in the park with the children.",
    "Which documents do I have to bring to the meeting?",
)


def offered(plugin: str, kind: str) -> Any:
    """Give the spec that a plugin registers."""
    (entry,) = entry_points(group="glottis.plugins", name=plugin)
    specs: list[Any] = []
    getattr(entry.load(), f"glottis_register_{kind}")(specs.append)
    return specs[0]


def make_whisper(data_dir: Path, **options: Any) -> Recognizer:
    spec: RecognizerSpec = offered("whisper", "recognizers")
    context = ProviderContext("whisper-test", data_dir, spec.capabilities, logging.getLogger("whisper-test"))
    provider = spec.create(context, spec.config.model_validate(options))
    assert isinstance(provider, Recognizer)
    return provider


@pytest.fixture(scope="session")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder in which the model is put together once for all tests."""
    return tmp_path_factory.mktemp("whisper")


@pytest.fixture
def make(data_dir: Path) -> Callable[..., Recognizer]:
    return lambda **options: make_whisper(data_dir, **options)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def whisper(data_dir: Path) -> AsyncIterator[Recognizer]:
    provider = make_whisper(data_dir)
    await provider.warmup()
    yield provider
    await provider.aclose()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def spoken(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, AudioFrame]:
    """Let Piper speak; give each text's speech at 16 kHz."""
    spec: SynthesizerSpec = offered("piper", "synthesizers")
    context = ProviderContext(
        "piper-test", tmp_path_factory.mktemp("piper"), spec.capabilities, logging.getLogger("piper-test")
    )
    steady = spec.config(noise_scale=0.0, noise_w_scale=0.0)  # the same sound each time
    piper: Any = spec.create(context, steady)
    clips: dict[str, AudioFrame] = {}
    for text in ENGLISH:
        frames = [frame async for frame in piper.synthesize(text, SynthesisOptions(language="en-US"))]
        samples = np.frombuffer(b"".join(frame.pcm for frame in frames), "<i2")
        heard = soxr.resample(samples, frames[0].rate_hz, 16_000).astype("<i2")
        clips[text] = AudioFrame(heard.tobytes(), 16_000)
    await piper.aclose()
    return clips
