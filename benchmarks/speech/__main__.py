"""Measure speech with real engines: what is spoken is heard again; see benchmarks/README.md.

python -m benchmarks.speech [--runs 7] [--config plugins.toml] [--json FILE]
"""

import argparse
import asyncio
import os
import sys
import tempfile
from pathlib import Path

from rich.console import Console

from benchmarks.speech.figures import (
    SpeechFigures,
    accuracy_of,
    print_figures,
    spread_of,
    verdicts,
    write_json,
)
from benchmarks.speech.latency import CLIP_S, first_audio, five_seconds, recognition_latency
from benchmarks.speech.round_trip import engine, go_all, read_sentences

_ROOT = Path(__file__).parents[2]
_JSON = _ROOT / "benchmarks" / "results" / "speech.json"
_WIDTH = 130
_TEXTS = {
    "en-US": (
        "Yes.",
        "Your order will be delivered on Thursday, before noon.",
        "Your order will be delivered on Thursday. The courier calls you an hour before. What else can I do?",
    ),
    "ru-RU": (
        "Да.",
        "Ваш заказ привезут в четверг до полудня.",
        "Ваш заказ привезут в четверг до полудня. Курьер позвонит вам за час. Могу ли я ещё чем-то помочь?",
    ),
}


async def _measure(config: Path, *, runs: int, console: Console) -> SpeechFigures:
    with tempfile.TemporaryDirectory(prefix="glottis-bench-") as folder:
        async with engine(config, data_dir=Path(folder)) as running:
            sentences = read_sentences()
            console.print(f"speaking and hearing {len(sentences)} sentences")
            trips = await go_all(running, sentences)
            console.print("waiting for first audio")
            voices = [
                await first_audio(running, text, tag=tag, runs=runs)
                for tag, texts in _TEXTS.items()
                for text in texts
            ]
            console.print(f"recognizing {CLIP_S:g} s of audio")
            english = [trip.clip for trip in trips if trip.sentence.language == "en"]
            latency = await recognition_latency(
                running,
                five_seconds(english),
                tag="en-US",
                model=await asyncio.to_thread(_model, Path(folder)),
                threads=os.cpu_count() or 1,
                runs=runs,
            )
    languages = list(dict.fromkeys(sentence.language for sentence in sentences))
    return SpeechFigures(
        accuracy=[accuracy_of([t for t in trips if t.sentence.language == tag]) for tag in languages],
        spreads=[
            spread_of(trips),
            *(spread_of([t for t in trips if t.sentence.language == tag]) for tag in languages),
        ],
        latency=latency,
        first_audio=voices,
        trips=trips,
    )


def _model(folder: Path) -> Path:
    """Find the model that the recognizer has put into its data folder, to load it once more."""
    models = sorted(folder.glob("providers/**/model.bin"))
    if not models:
        raise SystemExit("the recognizer keeps no model that faster-whisper could load beside it")
    return models[0].parent


def main() -> int:
    """Return 1 where a target is missed."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.speech", description=__doc__.partition("\n")[0]
    )
    parser.add_argument("--runs", type=int, default=7, help="runs of each latency")
    parser.add_argument("--config", type=Path, default=_ROOT / "plugins.toml", help="the deployment")
    parser.add_argument("--json", type=Path, default=_JSON, help="where to write everything")
    arguments = parser.parse_args()
    notes = Console(stderr=True, highlight=False)
    figures = asyncio.run(_measure(arguments.config, runs=arguments.runs, console=notes))
    console = Console(highlight=False, width=_WIDTH)
    print_figures(figures, console=console)
    write_json(arguments.json, figures)
    console.print(f"\nAll of it: {arguments.json}")
    return 0 if all(verdict.is_met for verdict in verdicts(figures)) else 1


if __name__ == "__main__":
    sys.exit(main())
