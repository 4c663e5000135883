"""One client's WebSocket: what it says goes into its conversation, what it is told comes out of it."""

import asyncio
import json
from contextlib import suppress
from datetime import UTC, datetime

from glottis.api.errors import TOLD
from glottis.api.routes.speech import decode_base64
from glottis.api.trainings import told_of_trainings
from glottis.api.websocket.messages import (
    AudioChunk,
    Counted,
    EndOfSpeech,
    Interrupt,
    NavigationCommand,
    Ping,
    Playback,
    Start,
    TextInput,
    parse,
)
from glottis.config import Settings
from glottis.core.conversation import Entry, Residents, Seat
from glottis.core.errors import GlottisError, SessionGone, TooLarge, Unprocessable
from glottis.core.store import RecordInvalid, StoreUnavailable
from quart import Websocket

GOING_AWAY = 1012
REPLACED = 4409
TOO_SLOW = 4408
_GONE = TOLD[SessionGone].close or 1000
_DECODED_HERE = 64 * 1024
_FIRST_WORDS_S = 1.0
"""How long who has come back to a conversation has to say from where it wants to go on."""
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


class Channel:
    """Serves one connection until it closes."""

    def __init__(
        self,
        socket: Websocket,
        seat: Seat,
        residents: Residents,
        settings: Settings,
        *,
        draining: asyncio.Event,
        ended: asyncio.Event,
    ) -> None:
        self._socket = socket
        self._seat = seat
        self._conversation = seat.conversation
        self._outbox = seat.conversation.outbox
        self._residents = residents
        self._settings = settings
        self._draining = draining
        self._ended = ended
        self._may_write = asyncio.Event()
        self._has_spoken = False
        self._is_closing = False
        self._frames = 0
        self._sending_since: float | None = None

    async def serve(self) -> None:
        """Read and write until the client goes away or has to."""
        if self._seat.is_new:
            self._may_write.set()
        self._conversation.greet()
        work = {
            asyncio.create_task(each())
            for each in (
                self._read,
                self._write,
                self._until_ended,
                self._until_taken,
                self._until_drained,
                self._until_too_slow,
                self._until_stuck,
            )
        }
        try:
            with told_of_trainings(self._conversation):
                done, _ = await asyncio.wait(work, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            for task in work:
                task.cancel()
            await asyncio.gather(*work, return_exceptions=True)
            self._residents.stand_up(self._seat)

    async def _read(self) -> None:
        while True:
            # Who does not read is not read from: else its mistakes would fill the memory with their errors.
            await self._outbox.calm()
            message = await self._socket.receive()
            try:
                await self._take(message)
            except (GlottisError, RecordInvalid, StoreUnavailable) as error:
                self._conversation.tell(error)

    async def _take(self, message: str | bytes | None) -> None:
        self._require_size(message)
        if isinstance(message, str):
            parsed = parse(message)
            if not self._has_spoken:
                await self._first_words(parsed)
            if isinstance(parsed, TextInput | EndOfSpeech | Ping):
                # A pong says that all before it has been taken in: what comes now is for the next server.
                self._require_open()
            if isinstance(parsed, Counted) and parsed.sequence is not None:
                await self._handle_once(parsed, parsed.sequence)
            else:
                await self._handle(parsed)
        elif message:
            # A frame without bytes arrives as None, and says nothing.
            if not self._has_spoken:
                await self._first_words(None)
            await self._conversation.hear(message)

    async def _first_words(self, message: object) -> None:
        """Go on where the client was cut off, if it says so, or begin afresh."""
        self._has_spoken = True
        if isinstance(message, Start) and message.resume_from is not None:
            return
        if not self._seat.is_new:
            await self._conversation.start_afresh()
        self._may_write.set()

    async def _handle(self, message: object) -> None:
        conversation = self._conversation
        match message:
            case Ping():
                self._outbox.put("pong")
            case TextInput(text=text):
                self._require_length(text)
                conversation.say(text)
            case NavigationCommand() as command:
                conversation.navigate(command.action, command.params)
            case AudioChunk() as chunk:
                await self._take_chunk(chunk)
            case EndOfSpeech():
                await conversation.end_of_speech()
            case Interrupt():
                conversation.interrupt()
            case Playback(position_ms=position_ms, turn_id=turn_id):
                conversation.playback(position_ms, turn_id=turn_id)
            case Start() as start:
                await self._start(start)

    async def _start(self, start: Start) -> None:
        await self._conversation.start(start.manners())
        if start.resume_from is None:
            return
        is_complete = self._outbox.rewind(start.resume_from, audio_received=start.audio_received)
        self._outbox.put(
            "resumed",
            resume_from=start.resume_from,
            is_complete=is_complete,
            next_sequence=self._conversation.next_sequence,
            sent_before=self._frames,
        )
        self._may_write.set()

    async def _handle_once(self, message: Counted, sequence: int) -> None:
        """Handle a message if it was not there before, and count it among the chunks of audio."""
        expected = self._conversation.next_sequence
        try:
            if expected is None or sequence >= expected:
                await self._handle(message)
        finally:
            # Last, as it may have to wait, and the connection be gone by then.
            await self._conversation.hear(b"", sequence=sequence)

    async def _take_chunk(self, chunk: AudioChunk) -> None:
        if len(chunk.data) > _DECODED_HERE:
            audio = await asyncio.to_thread(decode_base64, chunk.data, field="data")
        else:
            audio = decode_base64(chunk.data, field="data")
        if chunk.is_final:
            self._require_open()
        await self._conversation.hear(audio, sequence=chunk.sequence, is_final=chunk.is_final)

    async def _write(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(_FIRST_WORDS_S):
                await self._may_write.wait()
        loop = asyncio.get_running_loop()
        while True:
            entry = await self._outbox.take()
            self._sending_since = loop.time()
            self._frames += 1
            await self._send(entry)
            self._sending_since = None

    async def _until_stuck(self) -> None:
        """Watch whether the client takes what it is sent; a time limit for each message would cost more."""
        loop = asyncio.get_running_loop()
        limit_s = self._settings.ws_send_timeout_s
        while True:
            await asyncio.sleep(limit_s / 4)
            if self._sending_since is not None and loop.time() - self._sending_since >= limit_s:
                return

    async def _send(self, entry: Entry) -> None:
        if not self._is_closing:
            await self._socket.send(entry.audio if entry.seq is None else _encode(entry.as_message()))

    async def _until_ended(self) -> None:
        left = self._conversation.session.expires_at - datetime.now(UTC)
        reason = "this session was ended"
        try:
            async with asyncio.timeout(max(0.0, left.total_seconds())):
                await self._ended.wait()
        except TimeoutError:
            reason = "this session has expired"
        await self._residents.end(self._seat)
        await self._close(_GONE, reason)

    async def _until_taken(self) -> None:
        await self._seat.is_taken.wait()
        await self._close(REPLACED, "a newer connection has this conversation")

    async def _until_drained(self) -> None:
        await self._draining.wait()
        await self._conversation.quiet()
        await self._outbox.emptied()
        await self._close(GOING_AWAY, "the server is restarting; connect again")

    async def _until_too_slow(self) -> None:
        await self._outbox.is_overrun.wait()
        await self._close(TOO_SLOW, "too much waits to be read; connect again")

    async def _close(self, code: int, reason: str) -> None:
        # Reasons to close may come together, and amid messages; the protocol takes one, and nothing after it.
        if self._is_closing:
            await asyncio.Event().wait()
        self._is_closing = True
        with suppress(TimeoutError):
            async with asyncio.timeout(self._settings.ws_send_timeout_s):
                await self._socket.close(code, reason)

    def _require_open(self) -> None:
        if self._draining.is_set():
            raise Unprocessable("the server is shutting down; connect again")

    def _require_size(self, message: str | bytes | None) -> None:
        most = self._settings.ws_max_message_bytes
        if message is not None and len(message) > most:
            raise TooLarge(f"a message may have {most} bytes")

    def _require_length(self, text: str) -> None:
        most = self._settings.text_max_chars
        if len(text) > most:
            raise TooLarge(f"text: at most {most} characters are taken")
