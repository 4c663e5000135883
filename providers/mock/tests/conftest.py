import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from glottis.plugins import AudioFrame, ProviderContext, SynthesisOptions
from glottis_mock import plugin
from glottis_mock.intents import MockIntentHandler
from glottis_mock.recognizer import MockRecognizer
from glottis_mock.synthesizer import MockSynthesizer


def _create(registrar: Callable[[Any], None], data_dir: Path, options: dict[str, Any]) -> Any:
    specs: list[Any] = []
    registrar(specs.append)
    context = ProviderContext("mock", data_dir, specs[0].capabilities, logging.getLogger("mock"))
    return specs[0].create(context, specs[0].config.model_validate(options))


@pytest.fixture
def make_synthesizer(tmp_path: Path) -> Callable[..., MockSynthesizer]:
    return lambda **options: _create(plugin.glottis_register_synthesizers, tmp_path, options)


@pytest.fixture
def make_recognizer(tmp_path: Path) -> Callable[..., MockRecognizer]:
    return lambda **options: _create(plugin.glottis_register_recognizers, tmp_path, options)


@pytest.fixture
def make_intent_handler(tmp_path: Path) -> Callable[..., MockIntentHandler]:
    return lambda **options: _create(plugin.glottis_register_intent_handlers, tmp_path, options)


@pytest.fixture
def recognizer(make_recognizer: Callable[..., MockRecognizer]) -> MockRecognizer:
    return make_recognizer()


@pytest.fixture
def speak(make_synthesizer: Callable[..., MockSynthesizer]) -> Callable[..., Any]:
    """Speak a text and put the frames together."""

    async def spoken(text: Any, options: SynthesisOptions | None = None, **config: Any) -> AudioFrame:
        synthesizer = make_synthesizer(**config)
        frames = [frame async for frame in synthesizer.synthesize(text, options or SynthesisOptions())]
        return AudioFrame(b"".join(frame.pcm for frame in frames), synthesizer.config.rate_hz)

    return spoken
