"""One client's WebSocket: what it says, what it is answered, and when it has to go."""

import asyncio
import json
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from typing import Any

from glottis.api.errors import TOLD, told
from glottis.api.replies import audio_url
from glottis.api.routes.dialogue import answered
from glottis.api.routes.speech import decode_base64
from glottis.api.websocket.messages import AudioChunk, NavigationCommand, Ping, TextInput, parse
from glottis.core.access import ANYONE
from glottis.core.conversation import Chunk, Utterance
from glottis.core.dialogue import STATUS, in_language
from glottis.core.errors import GlottisError, SessionGone, TooLarge, Unprocessable
from glottis.core.platform import Platform
from glottis.core.speech import Heard
from glottis.core.store import RecordInvalid, SessionRecord, StoreError, StoreUnavailable
from glottis.plugins import RecognitionOptions
from quart import Websocket

GOING_AWAY = 1012
_TURNS_WAITING = 8
_DECODED_HERE = 64 * 1024
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode

Turn = Callable[[], Coroutine[Any, Any, None]]


class Channel:
    """Serves one connection until it closes. Turns run one after another, in the order in which they came."""

    def __init__(
        self,
        socket: Websocket,
        session: SessionRecord,
        platform: Platform,
        *,
        draining: asyncio.Event,
        ended: asyncio.Event,
    ) -> None:
        self._socket = socket
        self._session = session
        self._platform = platform
        self._draining = draining
        self._ended = ended
        self._settings = platform.engine.settings
        self._utterance = Utterance(self._settings.audio_max_bytes)
        self._turns: asyncio.Queue[Turn] = asyncio.Queue(_TURNS_WAITING)
        self._sent = 0
        self._is_closing = False
        self._turn: int | None = None
        self._turns_begun = 0

    async def serve(self) -> None:
        """Greet, then read until the client goes away or has to."""
        await self._status("listening")
        helpers = [
            asyncio.create_task(work())
            for work in (
                self._run_turns,
                self._close_when_ended,
                self._close_when_expired,
                self._close_when_draining,
            )
        ]
        reader = asyncio.create_task(self._read())
        try:
            done, _ = await asyncio.wait({reader, *helpers}, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in (reader, *helpers):
                task.cancel()
            await asyncio.gather(reader, *helpers, return_exceptions=True)

    async def _read(self) -> None:
        while True:
            message = await self._socket.receive()
            try:
                self._require_size(message)
                if isinstance(message, str):
                    await self._handle(message)
                elif message:
                    # A frame without bytes arrives as None, and says nothing.
                    self._add_audio(message, sequence=None)
            except (GlottisError, RecordInvalid, StoreUnavailable) as error:
                await self._tell(error)

    async def _handle(self, message: str) -> None:
        match parse(message):
            case Ping():
                await self._send("pong")
            case TextInput(text=text):
                self._require_length(text)
                self._begin(lambda: self._answer(text))
            case NavigationCommand() as command:
                self._begin(lambda: self._navigated(command))
            case AudioChunk() as chunk:
                await self._take_chunk(chunk)

    async def _take_chunk(self, chunk: AudioChunk) -> None:
        if len(chunk.data) > _DECODED_HERE:
            audio = await asyncio.to_thread(decode_base64, chunk.data)
        else:
            audio = decode_base64(chunk.data)
        outcome = self._add_audio(audio, sequence=chunk.sequence)
        if outcome is Chunk.AFTER_GAP:
            await self._error("sequence_gap", f"chunks before {chunk.sequence} are missing")
        if chunk.is_final:
            spoken = self._utterance.take()
            self._begin(lambda: self._hear_and_answer(spoken))

    def _add_audio(self, audio: bytes, *, sequence: int | None) -> Chunk:
        return self._utterance.add(audio, sequence=sequence)

    def _begin(self, turn: Turn) -> None:
        if self._draining.is_set():
            raise Unprocessable("the server is shutting down; connect again")
        try:
            self._turns.put_nowait(turn)
        except asyncio.QueueFull:
            raise TooLarge(f"{_TURNS_WAITING} turns are waiting already; this one was dropped") from None

    async def _run_turns(self) -> None:
        """Run turns until the session is gone."""
        while True:
            turn = await self._turns.get()
            self._turns_begun += 1
            self._turn = self._turns_begun
            try:
                await self._platform.sessions.live(self._session.id, ANYONE)
                await turn()
            except SessionGone as error:
                await self._close(TOLD[SessionGone].close or 1000, error.detail)
                return
            except (GlottisError, RecordInvalid, StoreUnavailable) as error:
                await self._tell(error)
                await self._status("error")
            finally:
                self._turns.task_done()
            await self._status("listening")
            self._turn = None

    async def _hear_and_answer(self, audio: bytes) -> None:
        await self._status("thinking")
        session = self._session
        heard = await self._platform.engine.recognition.hear(
            audio, RecognitionOptions(language=session.language), project=session.project
        )
        transcript = heard.transcript
        await self._send(
            "transcription",
            text=transcript.text,
            is_final=True,
            confidence=round(transcript.confidence, 4),
        )
        if transcript.text:
            await self._answer(transcript.text, heard)

    async def _answer(self, text: str, heard: Heard | None = None) -> None:
        if heard is None:
            await self._status("thinking")
        answer = await self._platform.turns.answer(self._session, text, heard=heard)
        url = None
        if answer.audio is not None:
            # A player in a page has no password: the link carries its permission.
            url = f"{audio_url(answer.audio.id)}?{self._platform.links.query(answer.audio.id)}"
            await self._status("speaking")
        await self._send("response", **answered(answer, url))

    async def _navigated(self, command: NavigationCommand) -> None:
        content = {"action": command.action, "params": command.params}
        await self._platform.sessions.log(self._session, "navigation", content)

    async def _close_when_ended(self) -> None:
        await self._ended.wait()
        await self._close(TOLD[SessionGone].close or 1000, "this session was ended")

    async def _close_when_expired(self) -> None:
        left = self._session.expires_at - datetime.now(UTC)
        await asyncio.sleep(max(0.0, left.total_seconds()))
        await self._close(TOLD[SessionGone].close or 1000, "this session has expired")

    async def _close_when_draining(self) -> None:
        await self._draining.wait()
        await self._turns.join()
        await self._close(GOING_AWAY, "the server is restarting; connect again")

    async def _close(self, code: int, reason: str) -> None:
        # Reasons to close may come together, and amid answers; the protocol takes one, and nothing after it.
        if not self._is_closing:
            self._is_closing = True
            await self._socket.close(code, reason)

    async def _status(self, status: str) -> None:
        await self._send("status", status=status, message=in_language(STATUS[status], self._session.language))

    async def _tell(self, error: GlottisError | StoreError) -> None:
        how, detail = told(error)
        await self._error(error.code if isinstance(error, GlottisError) else how.code, detail)

    async def _error(self, code: str, message: str) -> None:
        await self._send("error", message=message, code=code)

    async def _send(self, kind: str, **fields: object) -> None:
        if self._is_closing:
            return
        self._sent += 1
        message = {"type": kind, **fields, "seq": self._sent}
        if self._turn is not None:
            message["turn_id"] = self._turn
        await self._socket.send(_encode(message))

    def _require_size(self, message: str | bytes | None) -> None:
        most = self._settings.ws_max_message_bytes
        if message is not None and len(message) > most:
            raise TooLarge(f"a message may have {most} bytes")

    def _require_length(self, text: str) -> None:
        most = self._settings.text_max_chars
        if len(text) > most:
            raise TooLarge(f"text: at most {most} characters are taken")
