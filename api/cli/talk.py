"""`glottis talk`: a conversation with a running server, by voice or by keyboard."""

import asyncio
import os
import sys
from collections.abc import Coroutine
from contextlib import aclosing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from glottis.api.cli.setup import CommandError, LanguageOption, is_terminal, notes
from glottis.api.cli.sound import HEARD_HZ, SPOKEN_HZ, FileSink, FileSource, Microphone, Sink, Source, Speaker
from glottis.api.cli.transcript import Transcript
from glottis.api.cli.typed import typed_lines
from glottis.api.client import (
    Audio,
    AudioData,
    Conversation,
    Interrupted,
    Message,
    Metrics,
    Paused,
    Problem,
    ResumedSpeaking,
    ServerAway,
    Status,
    Wishes,
    connect,
)

_REPORT_S = 0.25
_QUIET_S = 2.0
"""After a recording's end, no turn that is still to come begins later than this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Server:
    url: str
    project: str
    language: str | None
    user: str | None


def talk(
    url: Annotated[str, typer.Option(help="The server.")] = "http://127.0.0.1:8080",
    project: Annotated[str, typer.Option(help="Talk to the assistant of this project.")] = "demo",
    language: LanguageOption = None,
    user: Annotated[
        str | None, typer.Option(help="A user of the server; the password is read from GLOTTIS_PASSWORD.")
    ] = None,
    recording: Annotated[
        Path | None, typer.Option("--input", "-i", help="Speak this audio file instead of the microphone.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write the answers into this WAV file.")
    ] = None,
    text: Annotated[bool, typer.Option("--text", help="Type, line by line, instead of speaking.")] = False,
    fast: Annotated[bool, typer.Option("--fast", help="Send the file faster than it was spoken.")] = False,
) -> None:
    """Talk to a running server: speak, or type, and hear the answers; Ctrl-C ends it."""
    if text and recording is not None:
        raise CommandError("either --text or --input: one cannot do both")
    if output is not None and output.suffix.lower() != ".wav":
        raise CommandError(f"{output}: choose the ending .wav")
    source: Source | None = None
    if recording is not None:
        source = FileSource(recording, is_fast=fast)
    elif not text:
        source = Microphone()
    if output is not None:
        sink: Sink = FileSink(output)
    else:
        sink = Sink() if text or recording is not None else Speaker()
    server = _Server(url=url, project=project, language=language, user=user)
    is_heard = output is not None or isinstance(sink, Speaker)
    # Ctrl-C is how one hangs up.
    with suppress(KeyboardInterrupt):
        asyncio.run(_talk(server, source, sink, is_heard=is_heard))


async def _talk(server: _Server, source: Source | None, sink: Sink, *, is_heard: bool) -> None:
    wishes = Wishes(
        encoding="pcm16",
        rate_hz=HEARD_HZ,
        reply="stream" if is_heard else "none",
        reply_format="pcm16" if is_heard else None,
        reply_rate_hz=SPOKEN_HZ,
    )
    opening = connect(
        server.url,
        project=server.project,
        language=server.language,
        user=server.user,
        password=os.environ.get("GLOTTIS_PASSWORD"),
        wishes=wishes,
    )
    has_begun = False
    try:
        with sink:
            async with opening as conversation:
                has_begun = True
                await _Talk(conversation, sink).hold(source)
    except ServerAway as error:
        if has_begun:
            raise
        raise CommandError(f"{error}; start one with `glottis serve`, or name another with --url") from None


class _Talk:
    """One conversation, as it is heard, shown and played."""

    def __init__(self, conversation: Conversation, sink: Sink) -> None:
        self._conversation = conversation
        self._sink = sink
        self._shown = Transcript()
        self._playing: int | None = None
        self._open: set[int | None] = set()
        self._finished: set[str] = set()
        self._changed = asyncio.Event()

    async def hold(self, source: Source | None) -> None:
        self._shown.greet(self._conversation.session.initial_greeting)
        speaking = self._type() if source is None else self._speak(source)
        try:
            await _first_of(speaking, self._listen(), self._report())
        finally:
            self._shown.close()

    async def _speak(self, source: Source) -> None:
        if isinstance(source, Microphone):
            notes.print("Speak; Ctrl-C ends the conversation.", style="dim")
        async with aclosing(source.blocks()) as blocks:
            async for block in blocks:
                await self._conversation.send_audio(block)
        await self._conversation.end_of_speech()
        await self._conversation.flush()
        await self._until_quiet()

    async def _type(self) -> None:
        is_watched = is_terminal(sys.stdin)
        said = 0
        async with aclosing(typed_lines()) as lines:
            async for line in lines:
                await self._conversation.say(line)
                said += 1
                if not is_watched:  # who pipes lines in wants all of them answered, and none cut off
                    await self._until_finished(said)
        await self._until_finished(said)

    async def _listen(self) -> None:
        async for message in self._conversation:
            self._play(message)
            self._shown.show(message)
            self._note(message)

    async def _report(self) -> None:
        """Tell the server how much of an answer was really heard."""
        while True:
            await asyncio.sleep(_REPORT_S)
            position_ms = self._sink.position_ms()
            if self._playing is not None and position_ms:
                await self._conversation.playback(position_ms)

    def _play(self, message: Message) -> None:
        match message:
            case Audio():
                self._playing = message.turn_id
                self._sink.begin()
            case AudioData():
                self._sink.play(message.data)
            case Paused():
                self._sink.pause()
            case ResumedSpeaking():
                self._sink.go_on()
            case Interrupted() if message.turn_id == self._playing:
                self._playing = None
                self._sink.cut_off(message.position_ms)
            case Interrupted():
                self._sink.go_on()

    def _note(self, message: Message) -> None:
        match message:
            case Status(status="thinking") | Paused():
                self._open.add(message.turn_id)
            case Metrics() | Interrupted() | Problem():
                self._open.discard(message.turn_id)
                # What has no turn, such as a text that is too long, will never have one.
                self._finished.add(f"turn {message.turn_id}" if message.turn_id else f"seq {message.seq}")
        self._changed.set()

    async def _until_finished(self, turns: int) -> None:
        while len(self._finished) < turns:
            self._changed.clear()
            await self._changed.wait()

    async def _until_quiet(self) -> None:
        """Wait until all is answered that was heard: no turn runs, and none begins for a while."""
        while True:
            self._changed.clear()
            try:
                async with asyncio.timeout(None if self._open else _QUIET_S):
                    await self._changed.wait()
            except TimeoutError:
                return


async def _first_of(*works: Coroutine[Any, Any, None]) -> None:
    """Run things together until one of them is done, or fails."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
