"""Providers that return what their contracts do not allow."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from glottis.config import Settings, parse_deployment
from glottis.core.audio import encode_clip
from glottis.core.errors import Unprocessable
from glottis.core.platform import open_engine
from glottis.core.speech import speak
from glottis.plugins import (
    Alternative,
    AudioFrame,
    ErrorCategory,
    Kind,
    Match,
    ProviderError,
    RecognitionOptions,
    ReplyAction,
    ReplyText,
    SynthesisOptions,
    Transcript,
)
from glottis.plugins.conformance import (
    ScriptedIntentHandler,
    ScriptedRecognizer,
    ScriptedSynthesizer,
    loaded_with,
    tone,
)
from pydantic import BaseModel, ConfigDict, SecretStr

from .conftest import OpenEngine

TOML = """
[providers.first]
use = "one"
[providers.second]
use = "two"
[routes]
"""
NAN = float("nan")


@pytest.mark.parametrize(
    "wrong",
    [
        None,
        "just text",
        Transcript(None, 0.5, "en"),  # type: ignore[arg-type]  # what is tested
        Transcript("half a \ud800 pair", 0.5, "en"),
        Transcript("sure", NAN, "en"),
        Transcript("very sure", 7.0, "en"),
    ],
)
async def test_a_wrong_transcript_is_followed_by_the_next_recognizer(
    engine_of: OpenEngine, monkeypatch: pytest.MonkeyPatch, wrong: Any
) -> None:
    one, two = ScriptedRecognizer(), ScriptedRecognizer("right")

    async def recognize(*_: Any) -> Any:
        return wrong

    monkeypatch.setattr(one, "recognize", recognize)
    toml = TOML + 'recognize = ["first", "second"]'
    async with engine_of(toml, one.spec("one"), two.spec("two")) as engine:
        heard = await engine.recognition.hear(
            encode_clip(tone(0.5), "wav"), RecognitionOptions(language="en")
        )
    assert (heard.transcript.text, heard.provider) == ("right", "second")


async def test_alternatives_that_nobody_asked_for_are_left_out(engine_of: OpenEngine) -> None:
    many = tuple(Alternative(f"reading {number}", 0.1) for number in range(100))
    one = ScriptedRecognizer(Transcript("hello", 0.9, "en", alternatives=many))
    async with engine_of(TOML + 'recognize = ["first"]', one.spec("one"), one.spec("two")) as engine:
        options = RecognitionOptions(language="en", alternatives=2)
        heard = await engine.recognition.hear(encode_clip(tone(0.5), "wav"), options)
    assert heard.transcript.alternatives == many[:2]


@pytest.mark.parametrize(
    "wrong",
    [
        "navigate",
        Match("navigate", NAN),
        Match("navigate", 0.5, {"where": {1, 2}}),
        Match("navigate", 0.5, {"where": NAN}),
        Match("navigate", 0.5, suggested_action={"at": object()}),
    ],
)
async def test_a_wrong_match_is_followed_by_the_next_handler(engine_of: OpenEngine, wrong: Any) -> None:
    one, two = ScriptedIntentHandler(matches=[(wrong,)]), ScriptedIntentHandler(matches=[Match("right", 1.0)])
    toml = TOML + 'intents = ["first", "second"]'
    async with engine_of(toml, one.spec("one"), two.spec("two")) as engine:
        context = engine.dialogue.context(project="", language="en")
        understood = await engine.dialogue.understand("hello", context)
    assert understood.match.intent == "right"


@pytest.mark.parametrize(
    "wrong",
    [None, 7, ReplyText("\udfff"), ReplyAction("open", {"at": NAN}), ReplyText(None)],  # type: ignore[arg-type]  # what is tested
)
async def test_a_wrong_piece_of_an_answer_is_followed_by_the_next_handler(
    engine_of: OpenEngine, wrong: Any
) -> None:
    one, two = ScriptedIntentHandler(replies=[(wrong,)]), ScriptedIntentHandler(replies=["right"])
    toml = TOML + 'intents = ["first", "second"]'
    async with engine_of(toml, one.spec("one"), two.spec("two")) as engine:
        context = engine.dialogue.context(project="", language="en")
        assert (await engine.dialogue.answer("hello", context)).text == "right"


async def test_an_answer_without_an_end_is_cut_off_and_others_are_served_meanwhile(
    engine_of: OpenEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = ScriptedIntentHandler(), ScriptedIntentHandler(replies=["right"])

    async def respond(*_: Any) -> Any:
        while True:
            yield ReplyText("more ")

    monkeypatch.setattr(one, "respond", respond)
    toml = TOML + 'intents = ["first", "second"]'
    async with engine_of(toml, one.spec("one"), two.spec("two")) as engine:
        context = engine.dialogue.context(project="", language="en")
        answering = asyncio.create_task(engine.dialogue.answer("hello", context))
        await asyncio.sleep(0)
        assert not answering.done(), "the loop turned while the handler went on"
        assert (await answering).text == "right"


@pytest.mark.parametrize("wrong", [None, b"pcm", AudioFrame(bytes(100), 1), AudioFrame(bytes(100), 10**9)])
async def test_wrong_audio_is_followed_by_the_next_synthesizer(engine_of: OpenEngine, wrong: Any) -> None:
    one, two = ScriptedSynthesizer((wrong,)), ScriptedSynthesizer()
    toml = TOML + 'synthesize = ["first", "second"]'
    async with engine_of(toml, one.spec("one"), two.spec("two")) as engine:
        chain = engine.routing.chain(Kind.SYNTHESIZER, language="en", project="")
        assert (await speak(chain, "hello", SynthesisOptions(language="en"))).provider == "second"


async def test_audio_without_an_end_is_cut_off(
    engine_of: OpenEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("glottis.core.speech.synthesis._MOST_BYTES", 100_000)
    one, two = ScriptedSynthesizer(), ScriptedSynthesizer()

    async def synthesize(*_: Any) -> Any:
        while True:
            yield tone(0.1)

    monkeypatch.setattr(one, "synthesize", synthesize)
    toml = TOML + 'synthesize = ["first", "second"]'
    async with engine_of(toml, one.spec("one"), two.spec("two")) as engine:
        chain = engine.routing.chain(Kind.SYNTHESIZER, language="en", project="")
        assert (await speak(chain, "hello", SynthesisOptions(language="en"))).provider == "second"


async def test_a_secret_in_what_a_provider_says_is_hidden(tmp_path: Path) -> None:
    leaking = ScriptedSynthesizer(ProviderError(ErrorCategory.INVALID_REQUEST, "no voice for key s3cr3t-k3y"))

    class Config(BaseModel):
        model_config = ConfigDict(extra="forbid")
        api_key: SecretStr

    spec = replace(leaking.spec("leaking"), config=Config)
    toml = """
enable = ["test"]
[providers.cloud]
use = "leaking"
api_key = "${LEAKING_KEY}"
[routes]
synthesize = ["cloud"]
"""
    environment = {"LEAKING_KEY": "s3cr3t-k3y"}
    deployment = parse_deployment(toml, file="plugins.toml", environment=environment)
    settings, loaded = Settings(data_dir=tmp_path), loaded_with(spec)
    async with open_engine(settings, deployment, environment=environment, loaded=loaded) as engine:
        chain = engine.routing.chain(Kind.SYNTHESIZER, language="en", project="")
        with pytest.raises(Unprocessable, match=r"no voice for key \*\*\*"):
            await speak(chain, "hello", SynthesisOptions(language="en"))


@pytest.mark.parametrize("wrong", [SystemExit(3), KeyboardInterrupt(), asyncio.CancelledError()])
async def test_a_provider_that_would_end_the_server_has_failed(
    engine_of: OpenEngine, wrong: BaseException
) -> None:
    one, two = ScriptedSynthesizer((wrong,)), ScriptedSynthesizer()
    toml = TOML + 'synthesize = ["first", "second"]'
    async with engine_of(toml, one.spec("one"), two.spec("two")) as engine:
        chain = engine.routing.chain(Kind.SYNTHESIZER, language="en", project="")
        assert (await speak(chain, "hello", SynthesisOptions(language="en"))).provider == "second"
