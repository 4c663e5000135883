"""The speakers whose voices are learnt: Flite's, which are not the base voice and read the same each time."""

import asyncio
import shutil
import subprocess
import tempfile
import tomllib
import wave
from dataclasses import dataclass
from pathlib import Path

from glottis.plugins import AudioFrame

_SENTENCES = Path(__file__).with_name("sentences.toml")
SPEAKERS = {"slt": "a woman", "rms": "a man"}


@dataclass(frozen=True, slots=True)
class Corpus:
    """What is read: one part to learn from, the other to measure with."""

    language: str
    training: list[str]
    measured: list[str]


def read_corpus() -> Corpus:
    return Corpus(**tomllib.loads(_SENTENCES.read_text(encoding="utf-8")))


async def read_aloud(speaker: str, sentences: list[str]) -> list[AudioFrame]:
    """Have a speaker read sentences, at 16 kHz."""
    return await asyncio.to_thread(_read_aloud, speaker, sentences)


def _read_aloud(speaker: str, sentences: list[str]) -> list[AudioFrame]:
    if shutil.which("flite") is None:
        raise SystemExit("the speakers are not installed: apt-get install flite")
    clips = []
    with tempfile.TemporaryDirectory(prefix="glottis-bench-") as folder:
        file = Path(folder) / "said.wav"
        for sentence in sentences:
            subprocess.run(["flite", "-voice", speaker, "-t", sentence, "-o", str(file)], check=True)
            with wave.open(str(file)) as said:
                clips.append(AudioFrame(said.readframes(said.getnframes()), said.getframerate()))
    return clips
