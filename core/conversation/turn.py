"""One turn as it is delivered to a client: what was said, the answer, its audio, and the record of it all."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from glottis.core.conversation.journal import TurnJournal, extras_of
from glottis.core.conversation.outbox import Outbox
from glottis.core.conversation.playback import Playback
from glottis.core.conversation.reply import AudioMode, PreparedReply
from glottis.core.conversation.streaming import AudioOut, StreamFormat
from glottis.core.dialogue import Reply
from glottis.core.speech import Heard, SpokenSentence

_LEAD_MS = 1_000
"""How far ahead of what it plays a client gets audio: enough for a poor network, little to throw away."""
_MOMENT_S = 0.001
"""The shortest time that is worth waiting."""


@dataclass(slots=True)
class TurnTimes:
    """When what happened in a turn, on the clock of `time.perf_counter`; None for what did not."""

    speech_ended: float
    final: float | None = None
    reply: float | None = None
    first_audio: float | None = None
    done: float | None = None
    was_speculated: bool = False

    @property
    def seconds(self) -> float:
        """How long the turn took in all, so far as it has come."""
        return (self.done or time.perf_counter()) - self.speech_ended

    def delays_ms(self) -> dict[str, float]:
        """How long after the end of speech (or the arrival of the text) each thing came."""
        moments = {
            "final": self.final,
            "reply": self.reply,
            "first_audio": self.first_audio,
            "done": self.done,
        }
        return {
            name: round(1_000 * (moment - self.speech_ended), 2)
            for name, moment in moments.items()
            if moment is not None
        }


@dataclass(slots=True, kw_only=True)
class Said:
    """What a person contributes: a typed text, or an utterance whose final reading may still be under way."""

    text: str | None = None
    final: Callable[[], Awaitable[Heard]] | None = None
    is_written: bool = False
    """It is in the history already: another node had begun to answer it."""
    ended_at: float = field(default_factory=time.perf_counter)
    drop: Callable[[], None] = lambda: None
    """Call it if `final` is not called, or was cancelled: nobody will ask for it any more."""


@dataclass(slots=True, kw_only=True)
class Delivery:
    """How a turn reaches its client; shared by all turns of a connection."""

    outbox: Outbox
    link: Callable[[str], str]
    stream_format: StreamFormat
    prepare: Callable[[str], PreparedReply]
    status: Callable[[str, int], None]


class Turn:
    """Runs in a task of its own: cancel it to interrupt, and then call `settle`."""

    def __init__(self, turn_id: int, said: Said, *, journal: TurnJournal, delivery: Delivery) -> None:
        self.id = turn_id
        self.said = said
        self.times = TurnTimes(said.ended_at)
        self.is_cut = False
        self.reply: PreparedReply | None = None
        self._journal = journal
        self._delivery = delivery
        self._silence = Playback()
        self._flowing = asyncio.Event()
        self._flowing.set()
        self._answer: Reply | None = None
        self._url: str | None = None
        self._is_told = False
        self._is_audio_over = False
        if said.text is not None and not said.is_written:
            journal.heard(said.text, None, seq=None)

    @property
    def playback(self) -> Playback:
        """How far the answer has been spoken."""
        return self._silence if self.reply is None else self.reply.playback

    @property
    def remains(self) -> Said | None:
        """What somebody else would have to answer, if this turn ends now."""
        said = self.said.text if self.reply is None else self.reply.said
        if not said or self._answer is not None or self.playback.has_started:
            return None
        return Said(text=said, is_written=True)

    @property
    def is_held(self) -> bool:
        return not self._flowing.is_set()

    @property
    def is_streaming(self) -> bool:
        """Whether audio of it is going out over the socket."""
        return (
            self.reply is not None and self.reply.voice.mode is AudioMode.STREAM and self.playback.has_started
        )

    def hold(self) -> None:
        """Send nothing for the moment: somebody may be interrupting."""
        self._flowing.clear()
        self.playback.hold(_now())

    def release(self) -> None:
        """Go on: nobody was."""
        self.playback.release(_now())
        self._flowing.set()

    def cut(self) -> None:
        """Send nothing any more; what runs is to be cancelled."""
        self.is_cut = True

    def end_audio(self) -> None:
        """Tell the client that no more audio comes, if it has not been told."""
        if self.is_streaming and not self._is_audio_over:
            self._is_audio_over = True
            self._put("audio_end", duration_ms=round(self.playback.sent_ms))

    async def run(self) -> None:
        """Hear, answer, speak.

        Raises:
            GlottisError, StoreError: it failed; what was said is in the history all the same.
        """
        self._status("thinking")
        try:
            text = self.said.text if self.said.final is None else await self._hear(self.said.final)
            if text:
                self.reply = self._delivery.prepare(text)
                self.times.was_speculated = self.reply.was_speculated
                await self._deliver(self.reply)
        finally:
            self.times.done = time.perf_counter()
            if self.reply is not None:
                await self.reply.aclose()

    async def settle(self) -> None:
        """Write down a turn that was cut off, or failed, or is left, as far as it came."""
        in_hand = None if self.is_cut or self._is_told else self._answer
        if in_hand is not None and self.reply is not None and self.reply.is_whole:
            await self._journal.finish()
        else:
            await self._settle_part()
        if in_hand is not None:
            self._tell(in_hand)  # it was being written down: who leaves takes it along

    async def _settle_part(self) -> None:
        if self.reply is not None:
            self.reply.abandon()
        if self.reply is None or (self._answer is None and not self.playback.has_started):
            await self._journal.finish()
            return
        now = _now()
        reply = self._answer or self.reply.partly()
        heard = self.playback.heard_words(now)
        sent = self.reply.words_so_far if not self.is_streaming else self.playback.sent_words()
        heard_ms = self.playback.heard_ms(now)
        times = self.times.delays_ms()
        await self._journal.interrupted(reply, times, sent=sent, heard=heard, heard_ms=heard_ms)

    async def _hear(self, final: Callable[[], Awaitable[Heard]]) -> str:
        heard = await final()
        transcript = heard.transcript
        self.times.final = time.perf_counter()
        seq = self._put(
            "transcription",
            text=transcript.text,
            is_final=True,
            confidence=round(transcript.confidence, 4),
        )
        if transcript.text:
            self._journal.heard(transcript.text, heard, seq=seq)
        return transcript.text

    async def _deliver(self, reply: PreparedReply) -> None:
        if reply.voice.mode is AudioMode.STREAM:
            await self._deliver_streamed(reply)
            return
        early = await reply.early_audio_id()
        if early is not None:
            await self._begin_early(reply, early)
        audio_id = early or await reply.audio_id()
        if audio_id is not None and early is None:
            self._url = self._delivery.link(audio_id)
            await self._flowing.wait()
            self._audio_begins()
        await self._deliver_text(reply, audio_id)
        await reply.made()

    async def _deliver_streamed(self, reply: PreparedReply) -> None:
        audio = asyncio.create_task(self._stream_audio(reply))
        try:
            await self._deliver_text(reply, None)
            await audio
        finally:
            audio.cancel()
            await asyncio.wait({audio})

    async def _begin_early(self, reply: PreparedReply, audio_id: str) -> None:
        # The response names it again: by the same URL, or a player would start anew.
        self._url = self._delivery.link(audio_id)
        await self._flowing.wait()
        self._audio_begins()
        self._put(
            "audio",
            format=reply.voice.format,
            audio_url=self._url,
            text=reply.words_so_far,
        )

    async def follow(self) -> None:
        """Learn how long the audio behind a URL lasts, so as to know what of it has been heard."""
        if self.reply is not None:
            await self.reply.measured()

    def _audio_begins(self) -> None:
        self.times.first_audio = time.perf_counter()
        self.playback.start(_now())
        self._status("speaking")

    async def _deliver_text(self, reply: PreparedReply, audio_id: str | None) -> None:
        answer = await reply.text()
        self.times.reply = time.perf_counter()
        await self._flowing.wait()
        self._answer = answer
        content = {} if audio_id is None else {"audio_id": audio_id}
        # Should this node die before it is sent, another one sends it in its place: by this number.
        seq = self._delivery.outbox.last_seq + 1
        await self._journal.answered(answer, self.times.delays_ms(), seq=seq, **content)
        self._tell(answer)

    def _tell(self, answer: Reply) -> None:
        self._is_told = True
        self._put(
            "response",
            text=answer.text,
            audio_url=self._url,
            **extras_of(answer),
            intent=answer.intent,
        )

    async def _stream_audio(self, reply: PreparedReply) -> None:
        out = AudioOut(self._delivery.stream_format)
        async for item in reply.spoken():
            await self._flowing.wait()
            if not self.playback.has_started:
                self._audio_begins()
                self._put("audio", **out.description())
            if isinstance(item, SpokenSentence):
                self._announce(item)
                continue
            self.playback.add(1_000 * item.duration_s)
            await self._send(out.encode(item))
            await self._keep_pace()
        if self.playback.has_started:
            await self._send(out.finish())
            self.playback.complete()
            self.end_audio()
            await self._journal.timed(self.times.delays_ms())
            await self._until_played()

    def _announce(self, sentence: SpokenSentence) -> None:
        self.playback.begin_sentence(sentence.text, is_repeated=sentence.is_repeated)
        moved: dict[str, Any] = {} if sentence.moved_from is None else {"moved_from": sentence.moved_from}
        self._put(
            "sentence",
            text=sentence.text,
            position_ms=round(self.playback.sent_ms),
            provider=sentence.provider,
            **moved,
        )

    def _status(self, status: str) -> None:
        if not self.is_cut:
            self._delivery.status(status, self.id)

    def _put(self, kind: str, **fields: Any) -> int | None:
        # The tasks of a turn that is cut off run a step more, each, before they notice.
        return None if self.is_cut else self._delivery.outbox.put(kind, turn_id=self.id, **fields)

    async def _send(self, data: bytes) -> None:
        if data:
            await self._delivery.outbox.put_audio(data, turn_id=self.id)

    async def _keep_pace(self) -> None:
        """Stay no more than the lead ahead of what is being played."""
        while (ahead_ms := self.playback.ahead_ms(_now())) > _LEAD_MS or self.is_held:
            await self._flowing.wait()
            await asyncio.sleep(max(_MOMENT_S, (ahead_ms - _LEAD_MS) / 1_000))

    async def _until_played(self) -> None:
        """Wait until the client should have played everything: until then it can be interrupted."""
        while self.playback.is_audible(_now()):
            await self._flowing.wait()
            await asyncio.sleep(max(_MOMENT_S, self.playback.left_ms(_now()) / 1_000))


def _now() -> float:
    """Return the time of the event loop: what a client plays goes by it, in tests in virtual time too."""
    return asyncio.get_running_loop().time()
