"""Providers that do nothing: what a conversation costs besides them."""

import asyncio
import json
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path

import httpx

from benchmarks.realtime.figures import Row, at_least, at_most, middle, plain
from benchmarks.realtime.measuring import VOICE, Bench, Sample, healthz, percentiles

Tell = Callable[[str], None]
STREAM = {"audio": {"encoding": "pcm16"}, "reply": {"audio": "stream"}}
_SAID = {"type": "text_input", "text": "hello there, how are you?"}
_JUDGED = 16
_TURNS_PER_S = 1_700
_TURN_S = 0.23
"""How long a turn with a short answer takes, so that so many sessions are never in step."""
_HTTP_REQUESTS = 300
_BLOCKING = 8


@dataclass(frozen=True, slots=True)
class Plan:
    """How much to measure."""

    rounds: int
    seconds: float
    concurrency: tuple[int, ...]
    turns: int
    speakers: tuple[int, ...]
    speaking_s: float
    idle: int


async def typed_turns(bench: Bench, bare: Bench, plan: Plan, tell: Tell) -> list[Row]:
    """Measure typed turns a second, and the CPU time of one, beside the bare echo."""
    kinds = {"echo": None, "bare turn": None, "no audio": {"reply": {"audio": "none"}}, "audio_url": {}}
    found: dict[tuple[str, int], list[Sample]] = {}
    for number in range(plan.rounds):
        tell(f"typed turns: round {number + 1} of {plan.rounds}")
        order = [(kind, count) for count in plan.concurrency for kind in kinds]
        for kind, count in order if number % 2 == 0 else reversed(order):
            is_bare = kind in {"echo", "bare turn"}
            where, path = (bare, "/echo" if kind == "echo" else "/turns") if is_bare else (bench, "")
            sample = await where.run(
                "turns",
                has_probe=False,
                paths=[path] * count if is_bare else await bench.paths(count),
                start=kinds[kind],
                message={"type": "response", "text": _SAID["text"]} if is_bare else _SAID,
                warm_up_s=0.5,
                seconds=plan.seconds,
            )
            found.setdefault((kind, count), []).append(sample)
    return [_turn_row(kind, count, samples, found) for (kind, count), samples in found.items()]


def _turn_row(
    kind: str, count: int, samples: list[Sample], found: dict[tuple[str, int], list[Sample]]
) -> Row:
    per_s = middle(samples, "per_s")
    cost_us = _cost_us(samples)
    text = f"{per_s:,.0f}/s, {cost_us:,.0f} us, p99 {middle(samples, 'ms', 'p99'):.1f} ms"
    if kind in {"echo", "bare turn"}:
        return plain(f"{kind}, c{count}", text, samples=samples)
    text += f", {cost_us / _cost_us(found['bare turn', count]):.1f} x bare turn"
    if count != _JUDGED or kind != "audio_url":
        return plain(f"typed turn, {kind}, c{count}", text, samples=samples)
    judged = at_least(f"typed turn, {kind}, c{count}", _TURNS_PER_S, per_s, "/s", samples=samples)
    return Row(judged.what, judged.budget, text, judged.is_met, samples)


def _cost_us(samples: list[Sample]) -> float:
    return statistics.median(sample.server_us(sample.told["per_s"] * sample.seconds) for sample in samples)


async def first_audio(bench: Bench, plan: Plan, tell: Tell) -> list[Row]:
    """Measure from the text to the first byte of its answer's audio."""
    rows = []
    for count, limit_ms in ((1, 5.0), (50, 20.0)):
        tell(f"first audio: {count} session(s)")
        turns = plan.turns if count == 1 else max(3, plan.turns // 10)
        paths = await bench.paths(count)
        sample = await bench.run("first_audio", paths=paths, start=STREAM, turns=turns)
        ms = sample.told["ms"]
        row = at_most(f"text -> first audio byte, {count} session(s), p95", limit_ms, ms["p95"], "ms")
        measured = f"{row.measured} (p50 {ms['p50']:.1f} ms, {sample.told['per_s']:.0f} turns/s)"
        rows.append(Row(row.what, row.budget, measured, row.is_met, [sample]))
    tell("first audio: 50 sessions, not all at once")
    spread = await bench.run(
        "first_audio", paths=await bench.paths(50), start=STREAM, turns=turns, spread_s=_TURN_S
    )
    ms = spread.told["ms"]
    text = f"p95 {ms['p95']:.1f} ms (p50 {ms['p50']:.1f} ms, {spread.told['per_s']:.0f} turns/s)"
    rows.append(plain("text -> first audio byte, 50 sessions, not all at once", text, samples=[spread]))
    return rows


async def interrupts(bench: Bench, plan: Plan, tell: Tell) -> list[Row]:
    """Measure from `interrupt` to the last byte of audio."""
    rows = []
    for count in (1, 20):
        tell(f"interrupt: {count} session(s)")
        paths = await bench.paths(count)
        turns = plan.turns if count == 1 else max(3, plan.turns // 5)
        sample = await bench.run("interrupts", paths=paths, start=STREAM, turns=turns)
        ms, heard = sample.told["ms"], sample.told["told_ms"]
        row = at_most(f"interrupt -> last audio byte, {count} session(s), p99", 20.0, ms["p99"], "ms")
        measured = f"{row.measured} (p50 {ms['p50']:.1f}; `interrupted` after p99 {heard['p99']:.1f} ms)"
        rows.append(Row(row.what, row.budget, measured, row.is_met, [sample]))
        stale = sample.told["stale"]
        rows.append(Row(f"frames after `interrupted`, {count} session(s)", "0", str(stale), stale == 0))
    return rows


async def cached_synthesis(bench: Bench, tell: Tell) -> list[Row]:
    """Measure cached synthesis over HTTP: until the URL is told, and by URL until the first byte."""
    tell("cached synthesis")
    asked, fetched = await asyncio.to_thread(_synthesized, bench.server.address.removeprefix("http://"))
    return [
        at_most("cached synthesis -> audio_url, c1, p95", 5.0, asked["p95"], "ms", samples=[asked]),
        at_most("audio_url -> first byte, c1, p95", 5.0, fetched["p95"], "ms", samples=[fetched]),
    ]


def _synthesized(address: str) -> tuple[dict[str, float], dict[str, float]]:
    connection = HTTPConnection(address, timeout=60)
    body = '{"text":"Hello there, how are you?","language":"en-US"}'
    asked, fetched = [], []
    for _ in range(_HTTP_REQUESTS):
        began = time.perf_counter()
        connection.request("POST", f"{VOICE}/synthesize", body, {"Content-Type": "application/json"})
        url = json.loads(connection.getresponse().read())["audio_url"]
        asked.append(time.perf_counter() - began)
        began = time.perf_counter()
        connection.request("GET", url)
        answer = connection.getresponse()
        answer.read(1)
        fetched.append(time.perf_counter() - began)
        answer.read()
    connection.close()
    return percentiles(asked[10:]), percentiles(fetched[10:])


async def speaking(bench: Bench, plan: Plan, speech: Path, tell: Tell, *, project: str = "demo") -> list[Row]:
    """Have many sessions speak in real time: sessions a core, how late the event loop is."""
    rows = []
    for count in plan.speakers:
        tell(f"{count} sessions speak for {plan.speaking_s:.0f} s")
        sample = await bench.run(
            "speaking",
            beats=True,
            paths=await bench.paths(count, project=project),
            speakers=count,
            start=STREAM,
            speech=str(speech),
            silence_ms=2_400,
            seconds=plan.speaking_s,
            tail_s=2.0,
        )
        rows += _speaking_rows(f"{count} sessions speak", sample, count=count)
    return rows


def _speaking_rows(what: str, sample: Sample, *, count: int) -> list[Row]:
    told, pulse, final = sample.told, sample.pulse_ms, sample.told["final_ms"]
    per_core = count / sample.server_cores
    is_enough = told["lost"] == 0 and sample.server_cores < 0.98
    client = f"client {told['client_cores']:.2f} cores, late p99 {told['client_late_ms']['p99']:.1f} ms"
    return [
        Row(
            f"{what}: a core bears",
            ">= 100",
            f"{per_core:,.0f} ({sample.server_cores:.2f} cores; {client})",
            per_core >= 100 and is_enough,
            [sample],
        ),
        Row(
            f"{what}: event loop late, p99",
            "<= 20 ms",
            f"{pulse['p99']:.1f} ms (most {pulse['most']:.0f}, longest collection {pulse['gc']:.0f} ms)",
            pulse["p99"] <= 20.0,
        ),
        plain(f"{what}: end of speech -> final", f"p50 {final['p50']:.0f} ms, p99 {final['p99']:.0f} ms"),
        plain(f"{what}: /healthz p99", f"{sample.healthz_ms['p99']:.1f} ms"),
        Row(
            f"{what}: connections lost",
            "0",
            f"{told['lost']}; {told['spoken']} spoken, {told['finals']} finals, {told['errors']} errors",
            told["lost"] == 0,
        ),
    ]


async def held_open(
    bench: Bench, speech: Path, tell: Tell, *, sessions: int, speakers: int, seconds: float
) -> list[Row]:
    """Hold many sessions open while some of them speak, to the mock recognizer."""
    tell(f"{sessions} sessions, {speakers} of them speaking for {seconds:.0f} s")
    what = f"{sessions} sessions, {speakers} speak"
    sample = await bench.run(
        "speaking",
        beats=True,
        paths=await bench.paths(sessions, project="mock"),
        speakers=speakers,
        start=STREAM,
        speech=str(speech),
        silence_ms=2_400,
        seconds=seconds,
        tail_s=3.0,
    )
    rows = _speaking_rows(what, sample, count=speakers)
    share = 100 * (1 - sample.told["lost"] / sessions)
    rows[-1] = Row(
        f"{what}: end without a drop", ">= 99.9 %", f"{share:.2f} %; {rows[-1].measured}", share >= 99.9
    )
    return rows


async def idle_memory(bench: Bench, sessions: int, tell: Tell) -> list[Row]:
    """Measure what a session takes that only sits there."""
    tell(f"memory of {sessions} idle sessions")

    async def sit(count: int) -> Sample:
        paths = await bench.paths(count)
        return await bench.run(
            "speaking",
            paths=paths,
            speakers=0,
            start=STREAM,
            speech="/dev/null",
            silence_ms=20,
            seconds=1,
            tail_s=0,
        )

    await sit(50)  # what is loaded once, is loaded
    before_mb = bench.memory_mb()
    sample = await sit(sessions)
    kilobytes = 1_000 * (sample.memory_mb - before_mb) / sessions
    return [at_most("memory of an idle session", 100, kilobytes, "KB", samples=[sample])]


async def blocked(bench: Bench, tell: Tell) -> list[Row]:
    """Ask for /healthz while syntheses block threads: waiting, or computing in Python."""
    rows = []
    for kind in ("waiting", "computing"):
        tell(f"/healthz beside {_BLOCKING} syntheses that are {kind}")
        async with httpx.AsyncClient(base_url=bench.server.address, timeout=120) as client:
            beating = asyncio.create_task(healthz(client))
            bodies = [
                {"text": f"{kind}, number {number}", "language": "en-US", "options": {"provider": kind}}
                for number in range(_BLOCKING)
            ]
            asked = [client.post(f"{VOICE}/synthesize", json=body) for body in bodies]
            for answer in await asyncio.gather(*asked):
                answer.raise_for_status()
            beating.cancel()
            ms = await beating
        what = f"/healthz beside {_BLOCKING} syntheses {kind}, most"
        if kind == "waiting":
            rows.append(at_most(what, 50, ms["most"], "ms", samples=[ms]))
        else:  # nine threads take turns of 5 ms: nothing here can help that
            rows.append(plain(what, f"{ms['most']:.1f} ms", samples=[ms]))
    return rows
