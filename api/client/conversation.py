"""A conversation with a server, over whatever connections it takes."""

import asyncio
import base64
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx
from glottis.api.client.errors import ClientError
from glottis.api.client.inbox import Inbox
from glottis.api.client.line import Line
from glottis.api.client.messages import Message
from glottis.api.client.session import Session, end_session, fetch, http_client, start_session
from glottis.api.client.window import Window
from glottis.api.client.wishes import Wishes

_CHUNK_BYTES = 24 * 1024
"""As much as fits, in base64, into a message of any server."""
_PATIENCE_S = 30.0


class Conversation:
    """Talk to it, and iterate over what it says, at the same time: who does not read is not heard for long.

    What is said arrives once and in order, also over a connection that was cut. Every method raises a
    `ClientError` once the conversation has failed.
    """

    def __init__(
        self, session: Session, http: httpx.AsyncClient, *, line: Line, window: Window, inbox: Inbox
    ) -> None:
        self.session = session
        self._http = http
        self._line = line
        self._window = window
        self._inbox = inbox

    async def __aiter__(self) -> AsyncIterator[Message]:
        while (message := await self._inbox.get()) is not None:
            yield message

    async def send_audio(self, audio: bytes, *, is_final: bool = False) -> None:
        """Send what is being said; waits while more is under way than the server takes."""
        for start in range(0, len(audio), _CHUNK_BYTES):
            data = base64.b64encode(audio[start : start + _CHUNK_BYTES]).decode()
            await self._say({"type": "audio_chunk", "data": data})
        if is_final:
            await self.end_of_speech()

    async def end_of_speech(self) -> None:
        """Say that the utterance is over: the server need not wait for silence."""
        await self._say({"type": "audio_chunk", "data": "", "is_final": True}, is_ending=True)

    async def say(self, text: str) -> None:
        """Say something in writing.

        Raises:
            ValueError: there is nothing in it.
        """
        if not text:
            raise ValueError("there is nothing to say in this text")
        await self._say({"type": "text_input", "text": text})

    async def navigate(self, action: str, params: Mapping[str, Any] | None = None) -> None:
        """Tell what the person did on the page."""
        await self._say({"type": "navigation_command", "action": action, "params": dict(params or {})})

    async def interrupt(self) -> None:
        """Stop the answer."""
        await self._say({"type": "interrupt"})

    async def playback(self, position_ms: float) -> None:
        """Tell how much of the answer's audio has been heard, from its start."""
        self._require_well()
        await self._line.whisper({"type": "playback", "position_ms": position_ms})

    async def flush(self) -> None:
        """Wait until the server has taken in everything that was said."""
        await self._window.emptied()
        self._require_well()

    async def fetch(self, audio_url: str) -> bytes:
        """Fetch the audio of an answer, whole."""
        return await fetch(self._http, audio_url)

    async def _say(self, message: Mapping[str, Any], *, is_ending: bool = False) -> None:
        self._require_well()
        await self._window.put(message, is_ending=is_ending)
        self._require_well()

    def _require_well(self) -> None:
        if self._inbox.failure is not None:
            raise self._inbox.failure
        if self._inbox.is_over:
            raise ClientError("the conversation is over")


@asynccontextmanager
async def connect(
    url: str,
    *,
    project: str,
    language: str | None = None,
    user: str | None = None,
    password: str | None = None,
    user_id: str | None = None,
    wishes: Wishes | None = None,
    patience_s: float = _PATIENCE_S,
) -> AsyncIterator[Conversation]:
    """Start a session on the server at a URL, such as `http://127.0.0.1:8080`; it is ended at the end.

    `user` and `password` are those of the server's users, `user_id` is whatever the history is to name. A
    connection that is cut is taken up again, for as long as `patience_s`; the server waits about as long.

    Raises:
        WrongPassword, UnknownProject, ServerAway, Refused, ProtocolError: it cannot begin.
    """
    async with http_client(url, user=user, password=password) as http:
        session = await start_session(http, project=project, language=language, user_id=user_id)
        window, inbox = Window(), Inbox()
        line = Line(
            session.websocket_url, wishes or Wishes(), window=window, inbox=inbox, patience_s=patience_s
        )
        running = asyncio.create_task(line.run(), name="conversation")
        try:
            await line.opened.wait()
            if inbox.failure is not None:
                raise inbox.failure
            yield Conversation(session, http, line=line, window=window, inbox=inbox)
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            await end_session(http, session)
