"""Score the understanding of commands on the corpus beside this file.

    python benchmarks/intents/score.py [--half tune|held_out] [--spoken] [--ears whisper] [--ru-voice NAME]

Prints every confusion, and the accuracy by language and half; exits with 1 below the target in a language.
With `--spoken` the texts are first spoken by a synthesizer and heard by a recognizer. Plugins are loaded by
the plugin host, as a server does it.
"""

import argparse
import asyncio
import json
import string
import tempfile
import tomllib
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import Any, cast

import numpy as np
import soxr
from glottis.config import parse_deployment
from glottis.plugins import (
    AudioFrame,
    DialogueContext,
    IntentHandler,
    Kind,
    Provider,
    RecognitionOptions,
    Recognizer,
    Section,
    SynthesisOptions,
    Synthesizer,
    silence,
)
from glottis.plugins.host import PluginHost, open_plugins

CORPUS = Path(__file__).with_name("corpus.toml")
TAGS = {"ru": "ru-RU", "en": "en-US"}
TARGET = 0.92
VOICES = {"ru": "festival", "en": "piper"}
EARS = "whisper"
PAUSE_S = 0.3


@dataclass(frozen=True, slots=True)
class Case:
    """What is said and what is meant; `heard` is what the handler is given.

    `spoken` is the text as a synthesizer has to be given it to say it right.
    """

    language: str
    half: str
    text: str
    spoken: str
    heard: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Outcome:
    case: Case
    understood: str
    confidence: float
    seconds: float

    @property
    def is_right(self) -> bool:
        return self.understood == self.case.meaning


def read_corpus(path: Path) -> tuple[tuple[Section, ...], list[Case]]:
    """Return the sections of the imagined site, and the cases in the order of the file."""
    tree = tomllib.loads(path.read_text(encoding="utf-8"))
    sections = tuple(
        Section(id=name, url=entry["url"], names={tag: tuple(names) for tag, names in entry["names"].items()})
        for name, entry in tree["sections"].items()
    )
    cases = [
        Case(
            language,
            half,
            entry["text"],
            entry.get("spoken", entry["text"]),
            bare(entry["text"]),
            meaning_of(entry),
        )
        for language in TAGS
        for half, entries in tree[language].items()
        for entry in entries
    ]
    return sections, cases


def meaning_of(entry: dict[str, Any]) -> str:
    return f"navigate:{entry['section']}" if "section" in entry else str(entry["intent"])


def bare(text: str) -> str:
    """Drop case and punctuation but for apostrophes within words."""
    dropped = (string.punctuation + "…«»—").replace("'", "")
    return " ".join(text.lower().replace("-", " ").translate(str.maketrans("", "", dropped)).split())


async def speak_and_hear(case: Case, voice: Synthesizer, ears: Recognizer) -> Case:
    """Replace what is heard of a case by what a recognizer hears of a synthesizer's speech."""
    tag = TAGS[case.language]
    frames = [frame async for frame in voice.synthesize(case.spoken, SynthesisOptions(language=tag))]
    rate_hz = ears.capabilities.rate_hz
    samples = np.frombuffer(b"".join(frame.pcm for frame in frames), dtype="<i2")
    speech = soxr.resample(samples, frames[0].rate_hz, rate_hz).astype("<i2").tobytes()
    pause = silence(PAUSE_S, rate_hz=rate_hz).pcm
    clip = AudioFrame(pause + speech + pause, rate_hz)
    transcript = await ears.recognize(clip, RecognitionOptions(language=tag))
    return replace(case, heard=transcript.text)


async def understand(
    handler: IntentHandler, cases: Iterable[Case], sections: tuple[Section, ...]
) -> list[Outcome]:
    """Ask the handler what each case means, and take the time of each."""
    outcomes = []
    for case in cases:
        context = DialogueContext(project="benchmark", language=TAGS[case.language], sections=sections)
        begun = perf_counter()
        match = await handler.match(case.heard, context)
        seconds = perf_counter() - begun
        understood = "none"
        if match:
            target = match.entities.get("target_section")
            understood = f"navigate:{target}" if match.intent == "navigate" else match.intent
        outcomes.append(Outcome(case, understood, match.confidence if match else 0.0, seconds))
    return outcomes


def report(outcomes: Sequence[Outcome]) -> bool:
    """Print the figures; return whether the target is met in each language."""
    by_language: dict[str, list[Outcome]] = defaultdict(list)
    for outcome in outcomes:
        by_language[outcome.case.language].append(outcome)
    for outcome in outcomes:
        if not outcome.is_right:
            case = outcome.case
            heard = "" if case.heard == bare(case.text) else f"  heard: {case.heard}"
            print(
                f"  {case.language} {case.half:8}  {case.meaning} taken for {outcome.understood} "
                f"({outcome.confidence:.2f}): {case.text}{heard}"
            )
    print()
    for language, all_of_it in by_language.items():
        halves = sorted({outcome.case.half for outcome in all_of_it}, reverse=True)
        parts = [
            f"{half} {ratio([outcome for outcome in all_of_it if outcome.case.half == half])}"
            for half in halves
        ]
        print(f"{language}: {ratio(all_of_it)}   " + "   ".join(parts))
    times = sorted(outcome.seconds for outcome in outcomes)
    print(f"all: {ratio(outcomes)}   match p50 {1e3 * times[len(times) // 2]:.2f} ms, ", end="")
    print(f"p95 {1e3 * times[int(len(times) * 0.95)]:.2f} ms")
    return all(share(part) >= TARGET for part in by_language.values())


def share(outcomes: Sequence[Outcome]) -> float:
    return sum(outcome.is_right for outcome in outcomes) / max(len(outcomes), 1)


def ratio(outcomes: Sequence[Outcome]) -> str:
    right = sum(outcome.is_right for outcome in outcomes)
    return f"{right}/{len(outcomes)} = {100 * share(outcomes):.1f} %"


@asynccontextmanager
async def plugins(voices: Sequence[str] = (), ears: str = "") -> AsyncIterator[PluginHost]:
    """Open the rules, and what speaks and hears."""
    routes = ['intents = ["rules"]']
    enable = ["rules"]
    if ears:
        enable = sorted({*enable, *voices, ears})
        routes += [f"synthesize = {json.dumps(sorted(set(voices)))}", f"recognize = {json.dumps([ears])}"]
    text = f"enable = {json.dumps(enable)}\n[routes]\n" + "\n".join(routes)
    deployment = parse_deployment(text, file="benchmark", environment={})
    with tempfile.TemporaryDirectory() as folder:
        async with open_plugins(
            deployment,
            environment={},
            data_dir=Path(folder),
            load_timeout_s=60,
            warmup_timeout_s=300,
        ) as host:
            yield host


def opened(host: PluginHost, kind: Kind, name: str) -> Provider:
    instance = host.instance(kind, name)
    if instance.provider is None:
        raise SystemExit(f"{name} does not start: {instance.error}")
    return instance.provider


async def main() -> bool:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--half", choices=["tune", "held_out"], help="score only this half")
    parser.add_argument("--spoken", action="store_true", help="speak the texts and hear them first")
    for language, name in VOICES.items():
        parser.add_argument(f"--{language}-voice", default=name, help=f"synthesizer, by default {name}")
    parser.add_argument("--ears", default=EARS, help=f"recognizer, by default {EARS}")
    arguments = parser.parse_args()
    names = {language: getattr(arguments, f"{language}_voice") for language in VOICES}
    sections, cases = read_corpus(CORPUS)
    cases = [case for case in cases if arguments.half in {None, case.half}]
    speech = (tuple(names.values()), arguments.ears) if arguments.spoken else ()
    async with plugins(*speech) as host:
        if arguments.spoken:
            ears = cast("Recognizer", opened(host, Kind.RECOGNIZER, arguments.ears))
            voices = {
                language: cast("Synthesizer", opened(host, Kind.SYNTHESIZER, name))
                for language, name in names.items()
            }
            cases = [await speak_and_hear(case, voices[case.language], ears) for case in cases]
        handler = cast("IntentHandler", opened(host, Kind.INTENT_HANDLER, "rules"))
        return report(await understand(handler, cases, sections))


if __name__ == "__main__":
    raise SystemExit(0 if asyncio.run(main()) else 1)
