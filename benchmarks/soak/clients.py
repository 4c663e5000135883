"""Clients of every kind that servers suffer from; each goes on until it is told to stop."""

import asyncio
import json
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx

from benchmarks.noop.websocket import BINARY, TEXT, Socket, connect, frame, said

VOICE = "/api/v1/voice"
_SOON_S = 30.0
_PCM_20_MS = bytes(640)
STREAMED = {"audio": {"encoding": "pcm16"}, "reply": {"audio": "stream"}}
START = frame(json.dumps({"type": "start", **STREAMED}).encode(), TEXT)


@dataclass(slots=True)
class Soak:
    """What clients share. `done` counts what each kind came through; `wrong` says what should not be."""

    client: httpx.AsyncClient
    websocket: str
    speech: bytes
    stop: asyncio.Event
    chance: random.Random
    done: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    async def session(self) -> str:
        answer = await self.client.post(
            f"{VOICE}/session/start", json={"project": "demo", "language": "en-US"}
        )
        return str(answer.raise_for_status().json()["session_id"])

    async def end(self, session_id: str) -> None:
        (await self.client.delete(f"{VOICE}/session/{session_id}")).raise_for_status()


class Ears:
    """Collects what comes, and lets one wait for it."""

    def __init__(self) -> None:
        self.messages: list[dict[str, object]] = []
        self.audio_bytes = 0
        self.stale_bytes = 0
        self._is_cut = False
        self._came = asyncio.Event()

    def __call__(self, opcode: int, payload: bytes) -> None:
        if opcode == BINARY:
            self.audio_bytes += len(payload)
            self.stale_bytes += len(payload) if self._is_cut else 0
        else:
            message = json.loads(payload)
            self._is_cut = message["type"] == "interrupted" or (self._is_cut and message["type"] != "audio")
            self.messages.append(message)
        self._came.set()

    async def until(self, kind: str, *, count: int = 1) -> dict[str, object]:
        """Wait until so many messages of a type have come; give the last."""
        async with asyncio.timeout(_SOON_S):
            while len(found := [message for message in self.messages if message["type"] == kind]) < count:
                await self._wait()
        return found[-1]

    async def until_audio(self) -> None:
        async with asyncio.timeout(_SOON_S):
            while not self.audio_bytes:
                await self._wait()

    @property
    def last_seq(self) -> int:
        numbers = [int(str(message["seq"])) for message in self.messages if message.get("seq")]
        return max(numbers, default=0)

    async def _wait(self) -> None:
        self._came.clear()
        await self._came.wait()


async def seat(soak: Soak, session_id: str, *, hello: bytes = START) -> tuple[Socket, Ears]:
    ears = Ears()
    socket = await connect(f"{soak.websocket}{VOICE}/ws/{session_id}", ears)
    socket.send(hello)
    return socket, ears


async def talker(soak: Soak) -> None:
    """Speak at twice the usual speed, hear the answer, and go."""
    session_id = await soak.session()
    socket, ears = await seat(soak, session_id)
    for at in range(0, len(soak.speech), 640):
        socket.send(frame(soak.speech[at : at + 640]))
        await asyncio.sleep(0.01)
    socket.send(said("end_of_speech"))
    await ears.until("response")
    await ears.until("audio_end")
    await socket.close()
    await soak.end(session_id)


async def vanisher(soak: Soak) -> None:
    """Vanish in the midst of anything, and never come back."""
    socket, _ = await seat(soak, await soak.session())
    socket.send(said("text_input", text=soak.chance.choice(["a long story", "hello"])))
    for _ in range(soak.chance.randrange(40)):
        socket.send(frame(_PCM_20_MS))
    await asyncio.sleep(soak.chance.random())
    socket.transport.abort()


async def flooder(soak: Soak) -> None:
    """Send as much as can be sent, and read nothing."""
    socket, _ = await seat(soak, await soak.session())
    socket.transport.pause_reading()
    rubbish = [
        said("dance"),
        said("ping"),
        said("text_input", text="long"),
        frame(soak.speech[:6_400]),
        frame(b"x" * 60_000),
        said("interrupt"),
    ]
    for _ in range(300):
        if socket.transport.is_closing():
            break
        if socket.transport.get_write_buffer_size() < 200_000:
            socket.send(b"".join(soak.chance.choices(rubbish, k=20)))
        await asyncio.sleep(0.005)
    socket.transport.abort()


async def staller(soak: Soak) -> None:
    """Stop reading in mid-answer, ask for more, and wait until the server has had enough."""
    socket, ears = await seat(soak, await soak.session())
    socket.send(said("text_input", text="a long story"))
    await ears.until_audio()
    socket.transport.pause_reading()
    for _ in range(60):
        if socket.transport.is_closing():
            break
        socket.send(said("text_input", text="long"))
        await asyncio.sleep(0.05)
    socket.transport.abort()


async def sleeper(soak: Soak) -> None:
    """Fall silent without a word, like somebody in a tunnel: not even pings are answered."""
    socket, _ = await seat(soak, await soak.session())
    socket.refuse_pings()
    async with asyncio.timeout(_SOON_S):
        await asyncio.shield(socket.closed)
    socket.transport.abort()


async def interrupter(soak: Soak) -> None:
    """Interrupt again and again; nothing of what was interrupted may follow."""
    session_id = await soak.session()
    socket, ears = await seat(soak, session_id)
    for turn in range(1, 6):
        ears.audio_bytes = 0
        socket.send(said("text_input", text=f"a long story, {turn}"))
        await ears.until_audio()
        await asyncio.sleep(soak.chance.random() / 5)
        socket.send(said("interrupt"))
        await ears.until("interrupted", count=turn)
    if ears.stale_bytes:
        soak.wrong.append(f"{ears.stale_bytes} bytes of audio after `interrupted`")
    await socket.close()
    await soak.end(session_id)


async def resumer(soak: Soak) -> None:
    """Lose the connection while an answer comes, come back, and want the rest."""
    session_id = await soak.session()
    socket, ears = await seat(soak, session_id)
    socket.send(said("text_input", text="a long story"))
    await ears.until_audio()
    for _ in range(3):
        socket.transport.abort()
        await asyncio.sleep(soak.chance.random() / 5)
        hello = frame(json.dumps({"type": "start", **STREAMED, "resume_from": ears.last_seq}).encode(), TEXT)
        socket, ears = await seat(soak, session_id, hello=hello)
        resumed = await ears.until("resumed")
        if not resumed["is_complete"]:
            soak.wrong.append("what was missed was not kept")
    if soak.chance.random() < 0.5:
        socket.send(said("interrupt"))
        await ears.until("interrupted")
    await socket.close()


async def listener(soak: Soak) -> None:
    """Have audio made over HTTP, and take some of it, or all."""
    text = f"a long text, number {soak.chance.randrange(10**9)}"
    answer = await soak.client.post(f"{VOICE}/synthesize", json={"text": text, "language": "en-US"})
    async with soak.client.stream("GET", answer.raise_for_status().json()["audio_url"]) as audio:
        async for _ in audio.aiter_bytes(1_024):
            if soak.chance.random() < 0.2:
                break


KINDS: dict[Callable[[Soak], Awaitable[None]], int] = {
    talker: 4,
    vanisher: 4,
    flooder: 2,
    staller: 2,
    sleeper: 2,
    interrupter: 4,
    resumer: 4,
    listener: 2,
}
"""How many of each are there at once."""


async def crowd(soak: Soak) -> None:
    """Run clients of all kinds until the soak stops."""
    async with asyncio.TaskGroup() as group:
        for kind, count in KINDS.items():
            for _ in range(count):
                group.create_task(_again(soak, kind))


async def _again(soak: Soak, kind: Callable[[Soak], Awaitable[None]]) -> None:
    name = getattr(kind, "__name__", "client")
    while not soak.stop.is_set():
        with _told(soak, name):
            await kind(soak)
            soak.done[name] += 1


@contextmanager
def _told(soak: Soak, name: str) -> Iterator[None]:
    try:
        yield
    except (TimeoutError, ConnectionError, httpx.HTTPError, json.JSONDecodeError) as error:
        soak.wrong.append(f"{name}: {type(error).__name__} {error}")
