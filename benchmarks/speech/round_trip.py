"""Have sentences spoken and heard again, by the providers that a deployment would use."""

import asyncio
import time
import tomllib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from glottis.config import Settings, load_deployment
from glottis.core.audio import encode_clip, normalize
from glottis.core.platform import Engine, open_engine
from glottis.core.speech import DEFAULT_FORMAT, speak
from glottis.plugins import AudioFrame, Kind, RecognitionOptions, SynthesisOptions
from glottis.plugins.host import load_plugins

from benchmarks.machine import ForeignLoad

SENTENCES = Path(__file__).with_name("sentences.toml")


@dataclass(frozen=True, slots=True)
class Sentence:
    """What is to be said; `language` is "en" or "ru", `tag` the whole BCP 47 tag."""

    language: str
    tag: str
    text: str


@dataclass(frozen=True, slots=True)
class Trip:
    """A sentence on its way through both engines; `clip` is what a caller gets to hear."""

    sentence: Sentence
    spoken_by: str
    spoken_s: float
    raw: AudioFrame
    clip: AudioFrame
    heard: str
    heard_by: str
    heard_s: float
    foreign_cores: float


def read_sentences(path: Path = SENTENCES) -> list[Sentence]:
    tree = tomllib.loads(path.read_text(encoding="utf-8"))
    return [
        Sentence(language, entry["language"], text)
        for language, entry in tree.items()
        for text in entry["sentences"]
    ]


@asynccontextmanager
async def engine(config: Path, *, data_dir: Path) -> AsyncIterator[Engine]:
    """Start the recognizers and synthesizers of a deployment."""
    settings = Settings(config=config, data_dir=data_dir)
    deployment = load_deployment(config, {}).only("recognize", "synthesize")
    loaded = await asyncio.to_thread(
        load_plugins, deployment.enable, load_timeout_s=settings.plugin_load_timeout_s
    )
    try:
        async with open_engine(settings, deployment, environment={}, loaded=loaded) as running:
            yield running
    finally:
        loaded.close()


async def go(running: Engine, sentence: Sentence) -> Trip:
    """Speak a sentence, make of it the file that a caller gets, and have that recognized.

    Raises:
        SystemExit: another provider than the first of the route had to speak.
    """
    load = ForeignLoad()
    chain = running.routing.chain(Kind.SYNTHESIZER, language=sentence.tag, project="")
    started = time.perf_counter()
    spoken = await speak(chain, sentence.text, SynthesisOptions(language=sentence.tag))
    spoken_s = time.perf_counter() - started
    if spoken.provider != chain[0].name:
        raise SystemExit(f"{chain[0].name} could not speak: {sentence.text}")
    clip = await asyncio.to_thread(normalize, spoken.clip)
    audio = await asyncio.to_thread(encode_clip, clip, DEFAULT_FORMAT)
    heard = await running.recognition.hear(audio, RecognitionOptions(language=sentence.tag))
    return Trip(
        sentence=sentence,
        spoken_by=spoken.provider,
        spoken_s=spoken_s,
        raw=spoken.clip,
        clip=clip,
        heard=heard.transcript.text,
        heard_by=heard.provider or "silence",
        heard_s=heard.seconds,
        foreign_cores=round(load.cores(), 3),
    )


async def go_all(running: Engine, sentences: Sequence[Sentence]) -> list[Trip]:
    """Make the trips one after another, each language after one that does not count."""
    firsts = {sentence.language: sentence for sentence in reversed(sentences)}
    for sentence in firsts.values():
        await go(running, sentence)
    return [await go(running, sentence) for sentence in sentences]
