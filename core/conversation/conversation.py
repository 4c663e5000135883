"""The conversation of one session: it listens, answers in turns, and stops when it is interrupted.

Nothing in here knows of sockets: what a client sends comes in through the methods, what it is sent goes into
the outbox. So a conversation outlives a connection, and the next one goes on with it.
"""

import asyncio
import time
from collections.abc import Coroutine, Mapping
from datetime import UTC, datetime
from typing import Any, Self

from glottis.config import Listening
from glottis.core.audio import AudioError
from glottis.core.conversation.barge_in import BargeIn, Verdicts
from glottis.core.conversation.chunk_order import Disorder
from glottis.core.conversation.floor import LETTING_GO_S, Floor, FloorEvents
from glottis.core.conversation.hearing import Hearing
from glottis.core.conversation.intake import Intake
from glottis.core.conversation.journal import TurnJournal, remembered
from glottis.core.conversation.outbox import Outbox
from glottis.core.conversation.reply import PreparedReply
from glottis.core.conversation.speculation import Speculation
from glottis.core.conversation.surroundings import Manners, Surroundings
from glottis.core.conversation.turn import Delivery, Said, Turn
from glottis.core.dialogue import STATUS, in_language
from glottis.core.errors import GlottisError, TooLarge, UnsupportedAudio
from glottis.core.listening import LiveTranscription
from glottis.core.sessions import interaction
from glottis.core.speech import Heard
from glottis.core.store import SessionRecord, StoreError
from glottis.plugins import Kind, Partial, RecognitionOptions, Remembered

_PATIENCE_WITHOUT_START = 2.0
"""Who does not say how to be listened to says where its utterances end: it gets more time to do so."""


class Conversation:
    """One session's; make it on the event loop, and close it."""

    def __init__(
        self,
        session: SessionRecord,
        around: Surroundings,
        *,
        outbox: Outbox | None = None,
        first_turn: int = 1,
        next_sequence: int | None = None,
    ) -> None:
        self.session = session
        self.outbox = outbox or Outbox()
        self.manners = Manners()
        self._around = around
        self._now: tuple[str, int | None] = ("listening", None)
        self._deaf: asyncio.Task[None] | None = None
        self._intake = Intake(self._ear, self._tell_disorder, next_sequence=next_sequence)
        self._hearing: Hearing | None = None
        self._transcriptions: set[LiveTranscription] = set()
        self._aside: set[asyncio.Task[None]] = set()
        self._speculation = Speculation(lambda text: self._prepare(text, is_certain=False))
        self._floor = Floor(
            self._turn,
            FloorEvents(
                failed=self._turn_failed,
                finished=self._turn_finished,
                interrupted=self._turn_interrupted,
                paused=lambda turn: self._extended("paused", turn_id=turn.id),
                resumed=lambda turn: self._extended("resumed_speaking", turn_id=turn.id),
            ),
            first_turn=first_turn,
        )
        self._barge_in = BargeIn(
            self._floor,
            Verdicts(meant=self._begin, nothing=self._no_words, failed=self._unread),
        )

    @classmethod
    def restored(cls, session: SessionRecord, around: Surroundings, state: Mapping[str, Any]) -> Self:
        """Go on with a conversation that another node has begun; `state` is as in `handover`."""
        outbox = Outbox(first_seq=state["next_seq"], sent=state["entries"])
        conversation = cls(
            session,
            around,
            outbox=outbox,
            first_turn=state["next_turn"],
            next_sequence=state["next_sequence"],
        )
        for said in state["unanswered"]:
            conversation._begin(Said(**said))
        return conversation

    async def start(self, manners: Manners) -> None:
        """Take the client's wishes; they hold for what comes after them."""
        is_heard_alike = manners.listens_like(self.manners)
        if manners != self.manners:  # who has only come back says the same once more
            self._speculation.drop()
        self.manners = manners
        if not is_heard_alike:
            await self._stop_hearing()

    async def start_afresh(self) -> None:
        """Take a client that does not go on where the one before it was cut off."""
        self._intake.restart()
        await self._stop_hearing()
        await self.start(Manners())

    async def hear(self, audio: bytes, *, sequence: int | None = None, is_final: bool = False) -> None:
        """Take audio of what is being said; waits while there is more of it than can be worked through."""
        await self._intake.take(audio, sequence=sequence, is_final=is_final)

    async def end_of_speech(self) -> None:
        """End the utterance now."""
        await self.hear(b"", is_final=True)

    def say(self, text: str) -> None:
        """Take what was typed.

        Raises:
            TooLarge: too many turns wait already.
        """
        self._floor.begin(Said(text=text))

    def navigate(self, action: str, params: Mapping[str, Any]) -> None:
        """Write down what the person did on the page."""
        self._spawn(self._navigated({"action": action, "params": params}))

    def interrupt(self) -> bool:
        """Stop the answer; False if there is none."""
        started = time.perf_counter()
        self._speculation.drop()
        is_interrupted = self._floor.interrupt("client")
        self._around.interrupted_in(time.perf_counter() - started)
        return is_interrupted

    def playback(self, position_ms: float, *, turn_id: int | None = None) -> None:
        """Take the client's word on how far it has played the answer; of another turn it comes too late."""
        self._floor.playback(position_ms, turn_id=turn_id)

    def greet(self) -> None:
        """Tell a client that has just connected that it is heard, or what else goes on."""
        self._status(*self._now)

    def tell(self, error: BaseException, *, turn_id: int | None = None) -> None:
        """Tell the client of an error."""
        code, sentence = self._around.explain(error)
        self.outbox.put("error", turn_id=turn_id, message=sentence, code=code)

    @property
    def next_sequence(self) -> int | None:
        return self._intake.next_sequence

    @property
    def next_turn(self) -> int:
        return self._floor.next_turn

    @property
    def is_busy(self) -> bool:
        return self._floor.is_busy

    async def quiet(self) -> None:
        """Wait until no turn runs or waits."""
        await self._floor.quiet()

    async def leave(self) -> tuple[Said, ...]:
        """Stop everything, and do not wait for providers that are slow to let go; `aclose` does.

        What was said is in the history, also of turns that were cut off. Gives what nobody has answered yet.
        """
        self._deaf = self._deaf or asyncio.create_task(self._turn_deaf())
        await asyncio.wait({self._deaf}, timeout=LETTING_GO_S)
        return await self._floor.leave()

    async def aclose(self) -> tuple[Said, ...]:
        """Stop everything, and wait until it has. Gives what nobody has answered yet."""
        unanswered = await self.leave()
        if self._deaf:
            await self._deaf
        await self._floor.aclose()
        await self._speculation.aclose()
        for transcription in self._transcriptions.copy():
            await self._close(transcription)
        while self._aside:
            await asyncio.wait(self._aside)
        return unanswered

    # What is heard

    def speech_began(self) -> None:
        self._speculation.drop()
        self._barge_in.began()

    def speech_persists(self) -> None:
        self._barge_in.persists()

    def speech_resumed(self) -> None:
        self._speculation.drop()

    def speech_faded(self) -> None:
        self._barge_in.faded()

    def speech_ended(self, transcription: LiveTranscription, ended_at: float, *, is_settled: bool) -> None:
        self._transcriptions.add(transcription)

        def drop() -> None:
            if transcription in self._transcriptions:
                self._spawn(self._close(transcription))

        async def final() -> Heard:
            try:
                return await transcription.finish(nothing_since_pause=is_settled)
            finally:
                await self._close(transcription)

        self._barge_in.ended(Said(final=final, ended_at=ended_at, drop=drop))

    def nothing_heard(self) -> None:
        self.outbox.put("transcription", text="", is_final=True, confidence=0.0)
        self._status("listening", None)

    def cannot_hear(self, error: GlottisError) -> None:
        self.tell(error)

    def not_audio(self, error: AudioError) -> None:
        self.tell(UnsupportedAudio(str(error)))
        self._status("error", None)
        self._status("listening", None)

    def _no_words(self) -> None:
        self._speculation.drop()
        self.outbox.put("transcription", text="", is_final=True, confidence=0.0)

    def _unread(self, error: BaseException) -> None:
        self._speculation.drop()
        self.tell(error)

    async def _turn_deaf(self) -> None:
        await self._intake.aclose()
        if self._hearing is not None:
            await self._hearing.aclose()
        await self._barge_in.aclose()

    async def _close(self, transcription: LiveTranscription) -> None:
        self._transcriptions.discard(transcription)
        await transcription.aclose()

    async def _stop_hearing(self) -> None:
        """Drop what is being said."""
        if self._hearing is not None:
            hearing, self._hearing = self._hearing, None
            self._barge_in.faded()
            await hearing.aclose()

    def _begin(self, said: Said) -> None:
        try:
            self._floor.begin(said)
        except TooLarge as error:
            said.drop()
            self.tell(error)

    def _ear(self) -> Hearing:
        if self._hearing is None:
            manners = self.manners
            listening = self._around.listening(self.session.project)
            if manners.listening is not None:
                listening = listening.overridden_by(manners.listening)
            if not manners.is_extended:
                listening = listening.model_copy(
                    update={"silence_ms": _PATIENCE_WITHOUT_START * listening.silence_ms}
                )
            self._hearing = Hearing(
                voice=self._around.voice_activity,
                listening=listening,
                transcribe=lambda: self._transcribe(listening),
                listener=self,
                declared=manners.audio,
                by_voice=manners.by_voice,
                keeps_unvoiced=not manners.is_extended or not manners.by_voice,
            )
        return self._hearing

    def _transcribe(self, listening: Listening) -> LiveTranscription:
        session = self.session
        chain = self._around.assistant.routing.chain(
            Kind.RECOGNIZER, language=session.language, project=session.project
        )
        return LiveTranscription(
            chain,
            RecognitionOptions(language=session.language),
            wants_partials=self.manners.wants_partials,
            partial=self._partial,
            settled=self._settled if listening.speculation else lambda _: None,
        )

    def _partial(self, partial: Partial) -> None:
        self.outbox.put(
            "transcription",
            is_partial=True,
            text=partial.text,
            is_final=False,
            confidence=0.0,
            stable_prefix=partial.stable_prefix,
        )

    def _settled(self, heard: Heard) -> None:
        if not self._floor.is_busy:
            self._speculation.consider(heard.transcript.text)

    def _tell_disorder(self, disorder: Disorder, sentence: str) -> None:
        self.outbox.put("error", message=sentence, code=disorder.value)

    # What is answered

    def _turn(self, turn_id: int, said: Said) -> Turn:
        delivery = Delivery(
            outbox=self.outbox,
            link=self._around.link,
            stream_format=self.manners.stream_format,
            prepare=self._answer_to,
            status=self._status,
        )
        journal = TurnJournal(self._around.history, self.session)
        return Turn(turn_id, said, journal=journal, delivery=delivery)

    def _answer_to(self, text: str) -> PreparedReply:
        prepared = self._speculation.take(text)
        if prepared is None:
            return self._prepare(text, is_certain=True)
        prepared.commit()
        return prepared

    def _prepare(self, text: str, *, is_certain: bool) -> PreparedReply:
        session = self.session

        async def history() -> tuple[Remembered, ...]:
            return await remembered(self._around.history, session.id)

        context = self._around.assistant.dialogue.context(
            project=session.project, language=session.language, history=history, session_id=session.id
        )
        voice = self.manners.voice
        return PreparedReply(
            self._around.assistant, session, text, context, voice=voice, is_certain=is_certain
        )

    async def _navigated(self, content: Mapping[str, Any]) -> None:
        try:
            await self._around.history.append(
                [interaction(self.session, "navigation", content, at=datetime.now(UTC))]
            )
        except StoreError as error:
            self.tell(error)
            return
        if not self._floor.is_busy:
            self._status("listening", None)

    def _turn_finished(self, turn: Turn) -> None:
        self._speculation.drop()  # it was for this turn, and would have been taken
        self._around.observe(self.session, turn)
        self._extended(
            "metrics",
            turn_id=turn.id,
            latencies_ms=turn.times.delays_ms(),
            speculated=turn.times.was_speculated,
        )
        self._status("listening", turn.id)

    def _turn_failed(self, turn: Turn, error: BaseException) -> None:
        turn.end_audio()
        self._speculation.drop()
        self.tell(error, turn_id=turn.id)
        self._status("error", turn.id)
        self._status("listening", turn.id)

    def _turn_interrupted(self, turn: Turn, reason: str) -> None:
        self.outbox.end_audio_of(turn.id)
        now = asyncio.get_running_loop().time()
        self.outbox.put(
            "interrupted",
            turn_id=turn.id,
            reason=reason,
            heard=turn.playback.heard_words(now),
            position_ms=round(turn.playback.heard_ms(now)),
        )
        self._status("listening", None)

    def _status(self, status: str, turn_id: int | None) -> None:
        self._now = (status, turn_id)
        message = in_language(STATUS[status], self.session.language)
        self.outbox.put("status", turn_id=turn_id, status=status, message=message)

    def _extended(self, kind: str, *, turn_id: int, **fields: Any) -> None:
        """Send what only clients know that have said `start`."""
        if self.manners.is_extended:
            self.outbox.put(kind, turn_id=turn_id, **fields)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._aside.add(task)
        task.add_done_callback(self._aside.discard)
