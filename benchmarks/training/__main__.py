"""Learn the voices of synthetic speakers, and judge what comes of it; see benchmarks/training/README.md.

python -m benchmarks.training [--language ru] [--json FILE] [--audio FOLDER]
"""

import argparse
import asyncio
import sys
import tempfile
import wave
from collections.abc import Sequence
from pathlib import Path

from glottis.core.platform import Engine
from glottis.plugins import AudioFrame, ProviderError
from rich.console import Console

from benchmarks.machine import ForeignLoad
from benchmarks.training.course import Course, Said, hear, say, school, train
from benchmarks.training.figures import SpeakerFigures, figures_of, is_met, print_figures, write_json
from benchmarks.training.judge import Judge
from benchmarks.training.speakers import SPEAKERS, Corpus, Speaker, read_corpus

_ROOT = Path(__file__).parents[2]
_JSON = _ROOT / "benchmarks" / "results" / "training.json"
_WIDTH = 150


async def _measure(
    speakers: Sequence[Speaker], audio: Path | None, *, console: Console
) -> list[SpeakerFigures]:
    judge, found = Judge(), []
    with tempfile.TemporaryDirectory(prefix="glottis-bench-") as folder:
        async with school(Path(folder)) as engine:
            for name in dict.fromkeys(speaker.corpus for speaker in speakers):
                corpus = read_corpus(name)
                base = await _said(engine, corpus, voice=None)
                for speaker in speakers:
                    if speaker.corpus != name:
                        continue
                    work_dir = Path(folder) / speaker.name
                    work_dir.mkdir()
                    try:
                        lesson = await _taught(engine, speaker, corpus, folder=work_dir, console=console)
                    except ProviderError as error:
                        console.print(f"{speaker.name} is not learnt: {error.public_message}")
                        continue
                    if audio is not None:
                        await asyncio.to_thread(_keep, audio, speaker.name, base, lesson.voice, lesson.real)
                    console.print("judging")
                    found.append(
                        await asyncio.to_thread(figures_of, judge, lesson, corpus.language, base=base)
                    )
    return found


async def _taught(
    engine: Engine, speaker: Speaker, corpus: Corpus, *, folder: Path, console: Console
) -> Course:
    """Learn a voice, and have it and its speaker say what was not trained on."""
    load, language = ForeignLoad(), corpus.language
    console.print(f"learning {speaker.name}, {speaker.who}")
    clips = await speaker.reads(engine, corpus.training)
    trained = await train(engine, speaker.name, clips, language=language, folder=folder)
    console.print(f"speaking as {speaker.name}")
    voice = await _said(engine, corpus, voice=speaker.name)
    real = [
        Said(text, clip, 0.0, await hear(engine, clip, language=language))
        for text, clip in zip(corpus.measured, await speaker.reads(engine, corpus.measured), strict=True)
    ]
    return Course(speaker.name, clips, trained, voice, real, round(load.cores(), 3))


async def _said(engine: Engine, corpus: Corpus, *, voice: str | None) -> list[Said]:
    """Say what was not trained on; the first sentence once more before, so that everything is warm."""
    said = [corpus.measured[0], *corpus.measured]
    return [await say(engine, text, language=corpus.language, voice=voice) for text in said][1:]


def _keep(folder: Path, speaker: str, *spoken: list[Said]) -> None:
    """Write the base voice, the trained voice and the speaker side by side, to be listened to."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, said in zip(("base", "trained", "real"), spoken, strict=True):
        for number, each in enumerate(said):
            _write(folder / f"{speaker}-{number}-{name}.wav", each.audio)


def _write(path: Path, audio: AudioFrame) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(audio.rate_hz)
        file.writeframes(audio.pcm)


def main() -> int:
    """Return 1 where a voice is not similar enough."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.training", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("--json", type=Path, default=_JSON, help="where to write everything")
    corpora = sorted({speaker.corpus for speaker in SPEAKERS})
    parser.add_argument("--language", choices=corpora, help="learn the speakers of one language alone")
    parser.add_argument("--audio", type=Path, help="a folder for WAV files of what was said")
    arguments = parser.parse_args()
    notes = Console(stderr=True, highlight=False)
    speakers = [each for each in SPEAKERS if arguments.language in {None, each.corpus}]
    figures = asyncio.run(_measure(speakers, arguments.audio, console=notes))
    console = Console(highlight=False, width=_WIDTH)
    print_figures(figures, console=console)
    write_json(arguments.json, figures)
    console.print(f"\nAll of it: {arguments.json}")
    return 0 if is_met(figures) else 1


if __name__ == "__main__":
    sys.exit(main())
