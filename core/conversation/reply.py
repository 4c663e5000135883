"""An answer in the making: its text, and its audio as far as it is made ahead. Nobody has heard any of it."""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass, replace
from enum import StrEnum

from glottis.core.conversation.playback import Playback
from glottis.core.conversation.preference import as_preferred
from glottis.core.dialogue import UNKNOWN, Dialogue, Reply, Understanding
from glottis.core.errors import GlottisError, Unavailable
from glottis.core.routing import Routing
from glottis.core.speech import LiveReply, LiveSpeech, Speaker, SpeechRequest, SpokenSentence
from glottis.core.store import SessionRecord, StoreError
from glottis.plugins import (
    AudioFrame,
    DialogueContext,
    Kind,
    ReplyAction,
    ReplyPiece,
    ReplySource,
    ReplyText,
    is_speakable,
    sentences,
)

log = logging.getLogger(__name__)

_ITEMS_AHEAD = 16
"""Announcements and frames of at most 0.1 s that are made before anybody takes them."""


class AudioMode(StrEnum):
    """How a client wants to hear answers."""

    URL = "url"
    STREAM = "stream"
    NONE = "none"


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """How answers are spoken to one client; `format` is that of the audio behind a URL."""

    mode: AudioMode = AudioMode.URL
    format: str = "mp3"


@dataclass(frozen=True, slots=True)
class Assistant:
    """What answers: the dialogue, and a voice for what it says."""

    dialogue: Dialogue
    routing: Routing
    speaker: Speaker

    def has_voice(self, project: str) -> bool:
        return self.routing.has_route(Kind.SYNTHESIZER, project)


Spoken = SpokenSentence | AudioFrame


class PreparedReply:
    """The answer to a text, made in a task of its own from the moment it is asked for.

    Close it, whether it was used or not: what still runs is cancelled, and providers are freed.
    """

    def __init__(
        self,
        assistant: Assistant,
        session: SessionRecord,
        text: str,
        context: DialogueContext,
        *,
        voice: Voice,
        is_certain: bool = True,
    ) -> None:
        self._committed = asyncio.Event()
        if is_certain:
            self._committed.set()
        self.was_speculated = not is_certain
        self.said = text
        self.playback = Playback()
        self.voice = voice if assistant.has_voice(session.project) else replace(voice, mode=AudioMode.NONE)
        self._assistant = assistant
        self._session = session
        self._context = context
        self._understood = Understanding(UNKNOWN, None)
        self._is_closed = False
        self.is_mute = False
        self._text = ""
        self._sources: list[ReplySource] = []
        self._actions: list[ReplyAction] = []
        self._is_complete = False
        self._grew = asyncio.Event()
        self._text_over = asyncio.Event()
        self._headway = asyncio.Event()
        self._early: LiveReply | None = None
        self._whole: LiveSpeech | None = None
        self._url_known = asyncio.Event()
        self._ready: asyncio.Queue[Spoken | None] = asyncio.Queue(_ITEMS_AHEAD)
        self._failure: GlottisError | None = None
        self._speaking: asyncio.Task[None] | None = None
        self._composing = asyncio.create_task(self._compose())
        self._composing.add_done_callback(self._look_after)

    def commit(self) -> None:
        """Say that the text has been said for certain: now whatever answers it may have effects."""
        self._committed.set()

    async def text(self) -> Reply:
        """Wait for all of the text.

        Raises:
            Unavailable: nobody could answer, or the answer broke off.
        """
        await self._text_over.wait()
        if self._failure is not None:
            raise self._failure
        return self.partly()

    async def audio_id(self) -> str | None:
        """Wait until audio can be fetched, or never can be; for `AudioMode.URL`."""
        if self.voice.mode is not AudioMode.URL:
            return None
        await self._url_known.wait()
        return self._early.id if self._early else self._whole.id if self._whole else None

    async def early_audio_id(self) -> str | None:
        """Wait for audio that begins before the text is complete; None if the text is complete first."""
        await self._headway.wait()
        return self._early.id if self._early and not self._text_over.is_set() else None

    async def made(self) -> None:
        """Wait until nothing is left to make, or for `AudioMode.URL`, nothing that would stop with this."""
        await self._composing
        if self._speaking is not None:
            await self._speaking

    async def measured(self) -> None:
        """Wait until the audio behind a URL is whole, and note how long it lasts."""
        if self._whole is not None:
            with suppress(GlottisError, StoreError):
                spoken = await self._whole.finished()
                self.playback.begin_sentence(self.words_so_far)
                self.playback.add(1_000 * spoken.duration_s)
        self.playback.complete()

    async def spoken(self) -> AsyncGenerator[Spoken, None]:
        """Give sentences and their frames as they are made; for `AudioMode.STREAM`."""
        while (item := await self._ready.get()) is not None:
            yield item

    @property
    def has_failed(self) -> bool:
        """Whether no answer, or no whole answer, came of it."""
        return self._failure is not None

    @property
    def is_whole(self) -> bool:
        """Whether nothing of it is lost when it is closed: it has all words, and audio that goes on alone."""
        return self._is_complete and self.voice.mode is not AudioMode.STREAM and self._early is None

    @property
    def words_so_far(self) -> str:
        return self._text.strip()

    @property
    def is_complete(self) -> bool:
        return self._is_complete

    async def aclose(self) -> None:
        """Stop making it, but for audio behind a URL: whoever plays it is to hear the end. See `abandon`."""
        self._is_closed = True
        tasks = {task for task in (self._composing, self._speaking) if task is not None and not task.done()}
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def abandon(self) -> None:
        """Stop also what is made behind a URL: nobody will hear it."""
        whole, self._whole = self._whole, None
        if whole is not None:
            whole.leave()

    def partly(self) -> Reply:
        """Give as much of the answer as there is."""
        handler = self._understood.handler
        return Reply(
            self._text.strip(),
            self._understood.match.intent,
            handler.name if handler else None,
            tuple(self._sources),
            tuple(self._actions),
        )

    async def _compose(self) -> None:
        try:
            stream = self._assistant.dialogue.stream(self.said, self._context, committed=self._committed)
            async with aclosing(stream) as pieces:
                async for piece in pieces:
                    self._take(piece)
        except GlottisError as error:
            self._failure = error
        self._is_complete = True
        for event in (self._text_over, self._headway, self._grew):
            event.set()
        self._begin_to_speak()

    def _take(self, piece: Understanding | ReplyPiece) -> None:
        if isinstance(piece, Understanding):
            self._understood = piece
            self._sources.clear()
            self._actions.clear()
        elif isinstance(piece, ReplySource):
            self._sources.append(piece)
        elif isinstance(piece, ReplyAction):
            self._actions.append(piece)
        elif isinstance(piece, ReplyText):
            if not self._text and piece.text.strip():
                # Who has all the words at once has them before this is called: then they are spoken as one.
                asyncio.get_running_loop().call_soon(self._begin_to_speak)
            self._text += piece.text
            self._grew.set()

    def _begin_to_speak(self) -> None:
        if self._speaking is None and not self._is_closed:
            self._speaking = asyncio.create_task(self._speak())
            self._speaking.add_done_callback(self._look_after)

    async def _speak(self) -> None:
        try:
            await self._give_voice()
        except (GlottisError, StoreError):
            # It is in the log and the metrics; the person still gets the words.
            self.is_mute = True
        self._url_known.set()
        if self.voice.mode is AudioMode.STREAM:
            await self._ready.put(None)

    def _look_after(self, task: asyncio.Task[None]) -> None:
        """See to it that a mistake of ours leaves nobody waiting for ever."""
        if task.cancelled() or task.exception() is None:
            return
        log.error("an answer crashed", exc_info=task.exception())
        if task is self._composing:
            self._failure = Unavailable("the answer failed; ask again")
            self._is_complete = True
            for event in (self._text_over, self._headway, self._grew):
                event.set()
        self._url_known.set()
        while self._ready.full():
            self._ready.get_nowait()
        self._ready.put_nowait(None)

    async def _give_voice(self) -> None:
        if self.voice.mode is AudioMode.NONE or (self._failure and self._is_complete):
            return
        if self.voice.mode is AudioMode.STREAM:
            await self._each_willing(self._stream)
        elif self._is_complete:
            if is_speakable(self._text):
                await self._each_willing(self._begin_whole)
        else:
            await self._each_willing(self._begin_early)

    async def _each_willing(self, speak: Callable[[SpeechRequest], Awaitable[None]]) -> None:
        await as_preferred(self._session, speak, text=self._text.strip(), format=self.voice.format)

    async def _begin_whole(self, request: SpeechRequest) -> None:
        self._whole = await self._assistant.speaker.begin(request)

    async def _begin_early(self, request: SpeechRequest) -> None:
        """Make the audio of a reply whose words are still coming."""
        live = self._assistant.speaker.open_reply(request)
        provider = ""
        try:
            async with aclosing(self._assistant.speaker.stream(self._sentences(), request)) as items:
                async for item in items:
                    if isinstance(item, SpokenSentence):
                        provider = item.provider
                        self.playback.begin_sentence(item.text, is_repeated=item.is_repeated)
                        continue
                    live.write(item)
                    self.playback.add(1_000 * item.duration_s)
                    if self._early is None:
                        self._early = live
                        self._url_known.set()
                        self._headway.set()
            await live.finish(provider=provider)
        except BaseException:
            await live.abandon()
            raise

    async def _stream(self, request: SpeechRequest) -> None:
        async with aclosing(self._assistant.speaker.stream(self._sentences(), request)) as items:
            async for item in items:
                await self._ready.put(item)

    def _sentences(self) -> AsyncIterator[str]:
        return sentences(self._growth())

    async def _growth(self) -> AsyncIterator[str]:
        taken = 0
        while True:
            self._grew.clear()
            if len(self._text) > taken:
                piece, taken = self._text[taken:], len(self._text)
                yield piece
            elif self._is_complete:
                return
            else:
                await self._grew.wait()
