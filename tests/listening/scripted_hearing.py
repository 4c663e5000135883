"""Guards around scripted recognizers, and an ear that notes what a live transcription tells."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from glottis.config import Settings, parse_deployment
from glottis.core.listening.transcription import LiveTranscription
from glottis.core.platform import open_engine
from glottis.core.routing import Guard
from glottis.core.speech import Heard
from glottis.plugins import (
    Kind,
    Partial,
    RecognitionOptions,
    Recognizer,
    RecognizerCapabilities,
)
from glottis.plugins.conformance import ScriptedRecognizer, loaded_with, tone

from tests.virtual_time import in_real_time

ENGLISH = RecognitionOptions(language="en-US")
STREAMING = RecognizerCapabilities(streaming=True, partials=True)
FRAME_S = 0.02


@asynccontextmanager
async def chain_of(
    folder: Path, *recognizers: ScriptedRecognizer, limits: str = "retries = 0, timeout_s = 5.0"
) -> AsyncIterator[list[Guard[Recognizer]]]:
    """Open an engine over recognizers, and give their guards in this order."""
    names = [f"ear{number}" for number in range(len(recognizers))]
    toml = 'enable = ["test"]\n' + "".join(
        f'[providers.{name}]\nuse = "{name}"\nlimits = {{ {limits} }}\n' for name in names
    )
    deployment = parse_deployment(
        f"{toml}[routes]\nrecognize = {names}\n", file="plugins.toml", environment={}
    )
    specs = [one.spec(name) for one, name in zip(recognizers, names, strict=True)]
    settings = Settings(data_dir=folder)
    async with AsyncExitStack() as stack:
        with in_real_time():
            engine = await stack.enter_async_context(
                open_engine(settings, deployment, environment={}, loaded=loaded_with(*specs))
            )
        try:
            yield list(engine.routing.chain(Kind.RECOGNIZER, language="en-US", project=""))
        finally:
            with in_real_time():
                await stack.aclose()


@dataclass
class Ear:
    """A live transcription and what it told; speech is said in real time by the clock of the event loop."""

    live: LiveTranscription
    partials: list[Partial] = field(default_factory=list)
    settled: list[Heard] = field(default_factory=list)

    async def say(self, seconds: float, *, loudly: bool = True) -> None:
        sound = tone(FRAME_S).pcm
        for _ in range(round(seconds / FRAME_S)):
            self.live.push(sound if loudly else bytes(len(sound)))
            await asyncio.sleep(FRAME_S)

    @property
    def prefixes(self) -> list[str]:
        return [partial.stable_prefix for partial in self.partials]


@asynccontextmanager
async def listening(
    chain: Sequence[Guard[Recognizer]],
    *,
    wants_partials: bool = True,
    options: RecognitionOptions = ENGLISH,
) -> AsyncIterator[Ear]:
    partials: list[Partial] = []
    settled: list[Heard] = []
    live = LiveTranscription(
        chain, options, wants_partials=wants_partials, partial=partials.append, settled=settled.append
    )
    try:
        yield Ear(live, partials, settled)
    finally:
        await live.aclose()
