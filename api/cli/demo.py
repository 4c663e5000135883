"""`glottis demo`: a spoken exchange through the whole of a server, every step over its public API."""

import asyncio
import base64
import os
import signal
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer
from glottis.api.cli.setup import CommandError, ConfigOption, console, notes
from rich.table import Table
from rich.text import Text

_PROJECT = "demo"
_QUESTIONS = {
    "ru-RU": ("Открой страницу доставки", "delivery"),
    "en-US": ("Please show me the pricing page", "pricing"),
}
"""What is asked in each language, and the section that is meant."""
_START_S = 180.0
_STOP_S = 40.0
_REQUEST_S = 60.0
_VOICE = "/api/v1/voice"


@dataclass(frozen=True, slots=True)
class Step:
    """One request of the demo and what came of it."""

    language: str
    what: str
    result: str
    provider: str
    seconds: float
    is_well: bool


class Conversation:
    """Talks to the server in one language and notes each step."""

    def __init__(self, client: httpx.AsyncClient, language: str, folder: Path) -> None:
        self._client = client
        self._language = language
        self._folder = folder
        self.steps: list[Step] = []

    async def hold(self, question: str, section: str) -> None:
        """Ask aloud, be heard, be understood, be answered aloud; then ask again."""
        session = await self._post("open a session", f"{_VOICE}/session/start", {"project": _PROJECT})
        self._note("open a session", session["initial_greeting"])
        asked = await self._speak("speak the question", question)
        recording = await self._save(asked["audio_url"], "question")
        heard = await self._post(
            "hear it", f"{_VOICE}/recognize", {"audio_base64": base64.b64encode(recording).decode()}
        )
        self._note("hear it", heard["text"], heard["provider"], is_well=bool(heard["text"]))
        text = heard["text"] or question
        intent = await self._post(
            "understand it", f"{_VOICE}/dialog/intent", {"project": _PROJECT, "text": text}
        )
        wanted = intent["entities"].get("target_section") == section
        detail = f"{intent['intent']} {intent['suggested_action'] or ''}"
        self._note("understand it", detail, intent["provider"], is_well=wanted)
        said = {"project": _PROJECT, "text": text, "session_id": session["session_id"]}
        answer = await self._post("answer it", f"{_VOICE}/dialog/respond", said)
        self._note("answer it", answer["text"], is_well=bool(answer["audio_url"]))
        spoken = await self._save(answer["audio_url"], "answer")
        self._note("fetch the answer", f"{len(spoken):,} bytes of MP3", is_well=_is_mp3(spoken))
        again = await self._speak("ask again", question)
        self._note(
            "ask again", "from the cache" if again["cached"] else "NOT cached", is_well=again["cached"]
        )
        await self._history(session["session_id"])

    async def _history(self, session_id: str) -> None:
        started = time.perf_counter()
        response = await self._client.get(f"{_VOICE}/session/{session_id}/history")
        kinds = [item["type"] for item in response.raise_for_status().json()["items"]]
        await self._client.delete(f"{_VOICE}/session/{session_id}")
        self._took = time.perf_counter() - started
        self._note("history, then end", ", ".join(kinds), is_well=kinds == ["user", "assistant"])

    async def _speak(self, what: str, text: str) -> dict[str, Any]:
        spoken = await self._post(what, f"{_VOICE}/synthesize", {"text": text})
        if not spoken["cached"]:
            self._note(what, f"{text} ({spoken['duration_seconds']} s)", spoken["provider"])
        return spoken

    async def _post(self, what: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
        started = time.perf_counter()
        response = await self._client.post(path, json={"language": self._language, **body})
        self._took = time.perf_counter() - started
        if response.is_error:
            raise CommandError(f"{self._language}: {what}: {response.status_code}: {response.text}")
        answer: dict[str, Any] = response.json()
        return answer

    async def _save(self, url: str, name: str) -> bytes:
        started = time.perf_counter()
        response = (await self._client.get(url)).raise_for_status()
        self._took = time.perf_counter() - started
        path = self._folder / f"{name}-{self._language}.mp3"
        await asyncio.to_thread(path.write_bytes, response.content)
        return response.content

    def _note(self, what: str, result: str, provider: str | None = None, *, is_well: bool = True) -> None:
        self.steps.append(Step(self._language, what, result, provider or "", self._took, is_well))


def demo(
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for the audio files.")] = Path(
        "demo-audio"
    ),
    config: ConfigOption = None,
) -> None:
    """Start a server of its own, hold a conversation in Russian and in English, and show each step."""
    out.mkdir(parents=True, exist_ok=True)
    steps, started_s = asyncio.run(_run(out, config))
    table = Table("", "language", "step", "result", "by", "time", box=None, pad_edge=False)
    for step in steps:
        mark = "[green]ok[/]" if step.is_well else "[red]FAILED[/]"
        table.add_row(
            mark,
            step.language,
            step.what,
            Text(step.result),
            Text(step.provider),
            f"{1_000 * step.seconds:.0f} ms",
        )
    console.print(table)
    console.print(
        f"\nThe server was ready after {started_s:.1f} s. The audio is in {out.resolve()}", markup=False
    )
    failed = sum(not step.is_well for step in steps)
    if failed:
        raise CommandError(f"{failed} of {len(steps)} steps failed")


async def _run(out: Path, config: Path | None) -> tuple[list[Step], float]:
    steps: list[Step] = []
    started = time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="glottis-demo-") as folder:
        async with _server(Path(folder), config) as address:
            started_s = time.perf_counter() - started
            async with httpx.AsyncClient(base_url=address, timeout=_REQUEST_S) as client:
                for language, (question, section) in _QUESTIONS.items():
                    conversation = Conversation(client, language, out)
                    await conversation.hold(question, section)
                    steps += conversation.steps
    return steps, started_s


@asynccontextmanager
async def _server(data_dir: Path, config: Path | None) -> AsyncIterator[str]:
    """Run `glottis serve` on a free port and give its address."""
    notes.print("Starting a server with its own MongoDB ...", style="dim")
    options = ["--port", "0", "--host", "127.0.0.1", "--data-dir", str(data_dir)]
    if config is not None:
        options += ["--config", str(config)]
    environment = {**os.environ, "GLOTTIS_LOG_FORMAT": "text", "GLOTTIS_LOG_LEVEL": "warning"}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "glottis.api.cli",
        "serve",
        *options,
        stdout=asyncio.subprocess.PIPE,
        env=environment,
    )
    try:
        yield await _address(process)
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(_STOP_S):
            status = await process.wait()
    if status != 0:
        raise CommandError(f"the server did not stop cleanly: status {status}")


async def _address(process: asyncio.subprocess.Process) -> str:
    if process.stdout is None:
        raise CommandError("the server's output cannot be read")
    async with asyncio.timeout(_START_S):
        line = (await process.stdout.readline()).decode()
        if not line:
            await process.wait()
    _, found, address = line.strip().partition(" listening on ")
    if not found:
        raise CommandError("the server did not start; see its messages above")
    return address


def _is_mp3(audio: bytes) -> bool:
    return audio[:3] == b"ID3" or (len(audio) > 1 and audio[0] == 0xFF and audio[1] & 0xE0 == 0xE0)
