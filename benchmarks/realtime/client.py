"""Clients in a process of their own: what they are to do comes as JSON, what they saw goes out as JSON.

python -m benchmarks.realtime.client '{"task": "turns", "websocket": ..., "paths": [...], ...}'
"""

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Any

from benchmarks.noop.speech import FRAME_BYTES, FRAME_MS
from benchmarks.noop.websocket import BINARY, TEXT, Socket, connect, frame, message, said

_RESPONSE, _AUDIO_END, _INTERRUPTED = (
    b'{"type":"response"',
    b'{"type":"audio_end"',
    b'{"type":"interrupted"',
)
_AUDIO, _METRICS, _FINAL = b'{"type":"audio",', b'{"type":"metrics"', b'{"type":"transcription"'
_SOON_S = 30.0
_AT_ONCE = 50
_PHASES = 20
"""Clients that speak send their frames at so many different moments of a frame's length."""
_SILENCE = frame(bytes(FRAME_BYTES))
Told = Mapping[str, Any]


class Turns:
    """One client that says the next thing when it has the answer, until told to stop."""

    def __init__(self, text: bytes) -> None:
        self._text = text
        self._said_at = 0.0
        self.socket: Socket | None = None
        self.seconds: list[float] = []
        self.is_over = False

    def say(self) -> None:
        self._said_at = time.perf_counter()
        if self.socket is not None:
            self.socket.send(self._text)

    def __call__(self, opcode: int, payload: bytes) -> None:
        if payload.startswith(_RESPONSE):
            self.seconds.append(time.perf_counter() - self._said_at)
            if not self.is_over:
                self.say()


async def turns(told: Told) -> Told:
    clients = [Turns(message(told["message"])) for _ in told["paths"]]
    sockets = await _connected(told, clients)
    for client, socket in zip(clients, sockets, strict=True):
        client.socket = socket
    for client in clients:
        client.say()
    await asyncio.sleep(told["warm_up_s"])
    await _tell_ready()
    for client in clients:
        client.seconds.clear()
    started, cpu_s = time.perf_counter(), time.process_time()
    await asyncio.sleep(told["seconds"])
    taken_s, cpu_s = time.perf_counter() - started, time.process_time() - cpu_s
    seconds = [each for client in clients for each in client.seconds]
    for client in clients:
        client.is_over = True
    print(json.dumps({"over": True}), flush=True)
    await asyncio.sleep(0.2)  # what was on its way when time was up still counts
    lost = sum(socket.closed.done() for socket in sockets)
    await _leave(sockets)
    return {
        "per_s": len(seconds) / taken_s,
        "ms": _ms(seconds),
        "lost": lost,
        "client_cores": cpu_s / taken_s,
    }


class Streamed:
    """One client that listens to answers: when audio comes, when it ends, whether any comes too late."""

    def __init__(self) -> None:
        self.first_at = self.last_at = self.interrupted_at = 0.0
        self.stale = 0
        self.changed = asyncio.Event()
        self.is_over = False

    def begin(self) -> None:
        self.first_at = self.last_at = self.interrupted_at = 0.0
        self.is_over = False

    def __call__(self, opcode: int, payload: bytes) -> None:
        if opcode == BINARY:
            self.last_at = time.perf_counter()
            if self.interrupted_at:
                self.stale += 1
            if not self.first_at:
                self.first_at = self.last_at
                self.changed.set()
        elif payload.startswith(_INTERRUPTED):
            self.interrupted_at = time.perf_counter()
            self.changed.set()
        elif payload.startswith(_METRICS):
            self.is_over = True
            self.changed.set()

    async def until(self, what: Callable[[], object]) -> None:
        async with asyncio.timeout(_SOON_S):
            while not what():
                self.changed.clear()
                await self.changed.wait()


async def first_audio(told: Told) -> Told:
    """Ask for a short answer, again and again; how long until its first byte.

    All begin in the same instant, or one after another over `spread_s`.
    """
    spread_s, begun = told.get("spread_s", 0.0), count()

    async def ask(client: Streamed, socket: Socket, seconds: list[float]) -> None:
        text = said("text_input", text="hello")
        await asyncio.sleep(spread_s * next(begun) / len(told["paths"]))
        for _ in range(told["turns"]):
            client.begin()
            asked_at = time.perf_counter()
            socket.send(text)
            await client.until(lambda: client.first_at)
            seconds.append(client.first_at - asked_at)
            await client.until(lambda: client.is_over)

    return await _each(told, ask)


async def interrupts(told: Told) -> Told:
    """Interrupt long answers; how long until their last byte, and whether any follows."""

    async def interrupt(client: Streamed, socket: Socket, seconds: list[float]) -> None:
        text, stop = said("text_input", text="a long story"), said("interrupt")
        for number in range(told["turns"]):
            client.begin()
            socket.send(text)
            await client.until(lambda: client.first_at)
            await asyncio.sleep(0.003 * (number % 10))  # in the first burst, and after it
            asked_at = time.perf_counter()
            socket.send(stop)
            await client.until(lambda: client.interrupted_at)
            seconds.append(max(0.0, client.last_at - asked_at))
            told_seconds.append(client.interrupted_at - asked_at)

    told_seconds: list[float] = []
    return {**await _each(told, interrupt), "told_ms": _ms(told_seconds)}


async def _each(
    told: Told, work: Callable[[Streamed, Socket, list[float]], Awaitable[None]]
) -> dict[str, Any]:
    clients = [Streamed() for _ in told["paths"]]
    sockets = await _connected(told, clients)
    seconds: list[float] = []
    await _tell_ready()
    started, cpu_s = time.perf_counter(), time.process_time()
    pairs = zip(clients, sockets, strict=True)
    await asyncio.gather(*(work(client, socket, seconds) for client, socket in pairs))
    taken_s, cpu_s = time.perf_counter() - started, time.process_time() - cpu_s
    print(json.dumps({"over": True}), flush=True)
    await asyncio.sleep(0.1)  # a stale frame would come now
    stale = sum(client.stale for client in clients)
    await _leave(sockets)
    return {
        "ms": _ms(seconds),
        "stale": stale,
        "per_s": len(seconds) / taken_s,
        "client_cores": cpu_s / taken_s,
    }


class Speaker:
    """One client with an open microphone: an utterance, silence, and again."""

    def __init__(self, frames: Sequence[bytes], *, speech: int) -> None:
        self._frames = frames
        self._speech = speech
        self._at = 0
        self._ended_at = 0.0
        self.waits_s: list[float] = []
        self.socket: Socket | None = None
        self.finals = self.responses = self.errors = 0
        self.spoken = 0

    def tick(self) -> None:
        if self.socket is None or self.socket.transport.is_closing():
            return
        self.socket.transport.write(self._frames[self._at])
        self._at += 1
        if self._at == self._speech:
            self._ended_at = time.perf_counter()
        if self._at == len(self._frames):
            self._at = 0
            self.spoken += 1

    def __call__(self, opcode: int, payload: bytes) -> None:
        if opcode == TEXT:
            if payload.startswith(_FINAL) and b'"is_final":true' in payload:
                self.finals += 1
                self.waits_s.append(time.perf_counter() - self._ended_at)
            elif payload.startswith(_RESPONSE):
                self.responses += 1
            elif payload.startswith(b'{"type":"error"'):
                self.errors += 1


async def speaking(told: Told) -> Told:
    """Have sessions speak in real time for a while, and others sit there."""
    speech = _read(told["speech"])
    frames = [frame(speech[at : at + FRAME_BYTES]) for at in range(0, len(speech), FRAME_BYTES)]
    spoken_frames = len(frames)
    frames += [_SILENCE] * (told["silence_ms"] // FRAME_MS)
    paths = told["paths"]
    speakers = [Speaker(frames, speech=spoken_frames) for _ in paths[: told["speakers"]]]
    idle = [Speaker([_SILENCE], speech=0) for _ in paths[told["speakers"] :]]
    sockets = await _connected(told, [*speakers, *idle])
    for speaker, socket in zip([*speakers, *idle], sockets, strict=True):
        speaker.socket = socket
    await _tell_ready()
    started, cpu_s = time.perf_counter(), time.process_time()
    late_ms = await _tick(speakers, told["seconds"])
    taken_s, cpu_s = time.perf_counter() - started, time.process_time() - cpu_s
    print(json.dumps({"over": True}), flush=True)
    await asyncio.sleep(told["tail_s"])
    lost = sum(socket.closed.done() for socket in sockets)
    await _leave(sockets)
    return {
        "spoken": sum(speaker.spoken for speaker in speakers),
        "finals": sum(speaker.finals for speaker in speakers),
        "responses": sum(speaker.responses for speaker in speakers),
        "errors": sum(speaker.errors for speaker in [*speakers, *idle]),
        "lost": lost,
        "final_ms": _ms([each for speaker in speakers for each in speaker.waits_s]),
        "client_late_ms": _ms([late / 1_000 for late in late_ms]),
        "client_cores": cpu_s / taken_s,
        "seconds": taken_s,
    }


async def _tick(speakers: Sequence[Speaker], seconds: float) -> list[float]:
    """Have everybody send a frame every 20 ms, each group at its own moment; they begin over 4 s."""
    groups = [speakers[phase::_PHASES] for phase in range(_PHASES)]
    step_s = FRAME_MS / 1_000 / _PHASES
    begun, late_ms = time.perf_counter(), []
    for number in range(int(seconds / step_s)):
        due = begun + number * step_s
        while (left := due - time.perf_counter()) > 0:  # noqa: ASYNC110  # what is waited for is a time
            await asyncio.sleep(left)
        late_ms.append(1_000 * -left)
        group = groups[number % _PHASES]
        # Not all say the same at the same time.
        shown = min(1.0, (due - begun) / 4.0)
        for speaker in group[: max(1, round(shown * len(group)))]:
            speaker.tick()
        if number % _PHASES == 0:
            await asyncio.sleep(0)
    return late_ms


class Caller:
    """One who speaks to real engines, and notes when the text and the voice of the answer come."""

    def __init__(self) -> None:
        self.final_at = self.audio_at = 0.0
        self.text = ""
        self.speculated = False
        self.is_over = asyncio.Event()

    def __call__(self, opcode: int, payload: bytes) -> None:
        if opcode == BINARY:
            self.audio_at = self.audio_at or time.perf_counter()
        else:
            heard = json.loads(payload)
            if heard["type"] == "transcription" and heard["is_final"]:
                self.final_at, self.text = time.perf_counter(), heard["text"]
            elif heard["type"] == "metrics":
                self.speculated = heard["speculated"]
                self.is_over.set()


async def utterances(told: Told) -> Told:
    """Say sentences one after another, each on a connection of its own, in real time."""
    found = []
    for path, file in zip(told["paths"], told["speeches"], strict=True):
        speech = _read(file)
        caller = Caller()
        (socket,) = await _connected({**told, "paths": [path]}, [caller])
        ended_at = await _say(socket, speech, caller)
        await asyncio.wait({asyncio.ensure_future(caller.is_over.wait())}, timeout=_SOON_S)
        found.append(
            {
                "text": caller.text,
                "final_ms": 1_000 * (caller.final_at - ended_at) if caller.final_at else None,
                "first_audio_ms": 1_000 * (caller.audio_at - ended_at) if caller.audio_at else None,
                "speculated": caller.speculated,
            }
        )
        await socket.close()
    return {"utterances": found}


async def _say(socket: Socket, speech: bytes, caller: Caller) -> float:
    frames = [frame(speech[at : at + FRAME_BYTES]) for at in range(0, len(speech), FRAME_BYTES)]
    before = [_SILENCE] * 15
    begun, ended_at, number = time.perf_counter(), 0.0, 0
    while number < len(before) + len(frames) + 300:
        at = number - len(before)
        socket.send(frames[at] if 0 <= at < len(frames) else _SILENCE)
        number += 1
        if at == len(frames) - 1:
            ended_at = time.perf_counter()
        if caller.audio_at and at > len(frames):
            break
        await asyncio.sleep(max(0.0, begun + number * FRAME_MS / 1_000 - time.perf_counter()))
    return ended_at


async def _connected(told: Told, hear: Sequence[Callable[[int, bytes], None]]) -> list[Socket]:
    paths: Sequence[str] = told["paths"]
    sockets: list[Socket] = []
    for at in range(0, len(paths), _AT_ONCE):
        sockets += await asyncio.gather(
            *(
                connect(told["websocket"] + path, each)
                for path, each in zip(paths[at : at + _AT_ONCE], hear[at : at + _AT_ONCE], strict=True)
            )
        )
    if told.get("start") is not None:
        start = message({"type": "start", **told["start"]})
        for socket in sockets:
            socket.send(start)
    return sockets


async def _leave(sockets: Sequence[Socket]) -> None:
    await asyncio.gather(*(socket.close() for socket in sockets))


async def _tell_ready() -> None:
    """Wait until the benchmark has looked at the server."""
    print(json.dumps({"ready": True}), flush=True)
    await asyncio.to_thread(sys.stdin.readline)


def _read(path: str) -> bytes:
    return Path(path).read_bytes()


def _ms(seconds: Sequence[float]) -> dict[str, float]:
    if not seconds:
        return {}
    ordered = sorted(seconds)
    last = len(ordered) - 1
    shares = {"p50": 0.5, "p95": 0.95, "p99": 0.99, "most": 1.0}
    return {name: 1_000 * ordered[round(share * last)] for name, share in shares.items()} | {
        "count": len(ordered)
    }


_TASKS: Mapping[str, Callable[[Told], Awaitable[Told]]] = {
    "turns": turns,
    "first_audio": first_audio,
    "interrupts": interrupts,
    "speaking": speaking,
    "utterances": utterances,
}


if __name__ == "__main__":
    import uvloop

    _told = json.loads(sys.argv[1])
    print(json.dumps({"result": uvloop.run(_TASKS[_told["task"]](_told))}), flush=True)  # type: ignore[arg-type]  # a coroutine
