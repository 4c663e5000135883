"""Learn the voices of two synthetic speakers, and judge what comes of it; see benchmarks/training/README.md.

python -m benchmarks.training [--json FILE] [--audio FOLDER]
"""

import argparse
import asyncio
import sys
import tempfile
import wave
from pathlib import Path

from glottis.plugins import AudioFrame
from rich.console import Console

from benchmarks.machine import ForeignLoad
from benchmarks.training.course import Said, hear, say, school, train
from benchmarks.training.figures import SpeakerFigures, figures_of, is_met, print_figures, write_json
from benchmarks.training.judge import Judge
from benchmarks.training.speakers import SPEAKERS, read_aloud, read_corpus

_ROOT = Path(__file__).parents[2]
_JSON = _ROOT / "benchmarks" / "results" / "training.json"
_WIDTH = 150


async def _measure(audio: Path | None, *, console: Console) -> list[SpeakerFigures]:
    judge, corpus = Judge(), read_corpus()
    language = corpus.language
    found = []
    with tempfile.TemporaryDirectory(prefix="glottis-bench-") as folder:
        async with school(Path(folder)) as engine:
            await say(engine, corpus.measured[0], language=language, voice=None)
            base = [await say(engine, text, language=language, voice=None) for text in corpus.measured]
            for speaker in SPEAKERS:
                load = ForeignLoad()
                console.print(f"learning {speaker}, {SPEAKERS[speaker]}")
                clips = await read_aloud(speaker, corpus.training)
                work_dir = Path(folder) / speaker
                work_dir.mkdir()
                trained = await train(engine, speaker, clips, language=language, folder=work_dir)
                console.print(f"speaking as {speaker}")
                await say(engine, corpus.measured[0], language=language, voice=speaker)
                voice = [
                    await say(engine, text, language=language, voice=speaker) for text in corpus.measured
                ]
                real = [
                    Said(text, clip, 0.0, await hear(engine, clip, language=language))
                    for text, clip in zip(
                        corpus.measured, await read_aloud(speaker, corpus.measured), strict=True
                    )
                ]
                foreign_cores = round(load.cores(), 3)
                if audio is not None:
                    await asyncio.to_thread(_keep, audio, speaker, base, voice, real)
                console.print("judging")
                found.append(
                    await asyncio.to_thread(
                        figures_of,
                        judge,
                        speaker=speaker,
                        clips=clips,
                        trained=trained,
                        base=base,
                        voice=voice,
                        real=real,
                        foreign_cores=foreign_cores,
                    )
                )
    return found


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
    parser.add_argument("--audio", type=Path, help="a folder for WAV files of what was said")
    arguments = parser.parse_args()
    notes = Console(stderr=True, highlight=False)
    figures = asyncio.run(_measure(arguments.audio, console=notes))
    console = Console(highlight=False, width=_WIDTH)
    print_figures(figures, console=console)
    write_json(arguments.json, figures)
    console.print(f"\nAll of it: {arguments.json}")
    return 0 if is_met(figures) else 1


if __name__ == "__main__":
    sys.exit(main())
