"""One utterance, read while it is being said."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from glottis.core.errors import GlottisError
from glottis.core.listening.batch_reading import BatchReading
from glottis.core.listening.recording import Recording
from glottis.core.listening.stable_prefix import StablePrefix
from glottis.core.listening.stream_reading import StreamReading
from glottis.core.routing import Answered, Guard, first_answer
from glottis.core.speech import Heard
from glottis.plugins import Partial, RecognitionOptions, Recognizer, Transcript


class LiveTranscription:
    """Reads one utterance while it is being said, by the first recognizer of a chain that can.

    One that fails on the way is followed by the next, which gets all that was said so far.

    `partial` hears what seems to have been said so far; the stable prefix of one never changes in those
    after it, nor in the final. `settled` hears what is read up to a pause, as `finish` would give it; more
    than once where better readings come. Both are called on the event loop, and never after `finish` has
    been called. Make it on the event loop, and close it.
    """

    def __init__(
        self,
        chain: Sequence[Guard[Recognizer]],
        options: RecognitionOptions,
        *,
        wants_partials: bool,
        partial: Callable[[Partial], None],
        settled: Callable[[Heard], None],
    ) -> None:
        self._chain, self._options, self._wants_partials = chain, options, wants_partials
        self._partial, self._settled = partial, settled
        self._recording = Recording()
        self._prefix = StablePrefix()
        self._last: Partial | None = None
        self._paused = 0.0
        self._reading: asyncio.Task[Answered[Transcript]] | None = None

    def push(self, pcm: bytes) -> None:
        """Hand over PCM16, 16 kHz, mono; never waits."""
        self._recording.push(pcm)
        if self._reading is None and pcm:
            self._reading = asyncio.create_task(self._read())

    def pause(self) -> None:
        """Say that the speaker pauses: what there is, is read as if this were the end, and `settled` told."""
        self._paused = time.perf_counter()
        self._recording.pause()

    async def finish(self, *, nothing_since_pause: bool = False) -> Heard:
        """Say that the utterance is over, and give the final; `Heard.seconds` is how long that took.

        With `nothing_since_pause`, nobody has spoken since the last `pause`: its reading is the final.

        Raises:
            Unprocessable: every recognizer refused the request itself.
            Unavailable: every recognizer failed.
        """
        started = time.perf_counter()
        reading, gave_up = self._reading, self._reading is not None and self._reading.done()
        self._recording.end(at_pause=nothing_since_pause)
        if reading is None:
            return Heard(Transcript("", 0.0, self._options.language), None, 0.0)
        if gave_up:
            # Nobody could read it while it was said; it is all here, and they may be well again.
            await self._drop()
            reading = self._reading = asyncio.create_task(self._read())
        answered = await reading
        return self._heard(answered.result, answered.provider, started)

    async def aclose(self) -> None:
        """Drop everything; calls under way are cancelled."""
        await self._drop()

    async def _read(self) -> Answered[Transcript]:
        return await first_answer(self._chain, self._read_with, what="recognize")

    async def _read_with(self, guard: Guard[Recognizer]) -> Transcript:
        def settled(transcript: Transcript) -> None:
            if self._recording.ends_at is None:
                self._settled(self._heard(transcript, guard.name, self._paused))

        # What has been said already is read faster in one go, and then a busy recognizer is waited for.
        if guard.capabilities.streaming and self._recording.ends_at is None:
            streaming = StreamReading(guard, self._recording, self._options, told=self._take, settled=settled)
            return await streaming.read()
        batch = BatchReading(
            guard,
            self._recording,
            self._options,
            wants_partials=self._wants_partials,
            told=self._tell,
            settled=settled,
        )
        return await batch.read()

    def _tell(self, text: str, certain: str) -> None:
        self._pass_on(self._prefix.read(text, certain=certain))

    def _take(self, partial: Partial) -> None:
        if self._wants_partials:
            self._pass_on(self._prefix.take(partial))

    def _pass_on(self, partial: Partial) -> None:
        if partial.text and partial != self._last and self._recording.ends_at is None:
            self._last = partial
            self._partial(partial)

    def _heard(self, transcript: Transcript, provider: str, started: float) -> Heard:
        fitted = replace(transcript, text=self._prefix.fitted(transcript.text))
        return Heard(fitted, provider, time.perf_counter() - started)

    async def _drop(self) -> None:
        if self._reading is None:
            return
        self._reading.cancel()
        await asyncio.wait({self._reading})
        if not self._reading.cancelled():
            error = self._reading.exception()
            if error is not None and not isinstance(error, GlottisError):
                raise error
