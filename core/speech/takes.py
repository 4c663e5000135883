"""One sentence being spoken, in memory, until nobody listens any more."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine, MutableMapping
from typing import Any

from glottis.core.audio import LiveLoudness
from glottis.core.routing import Guard
from glottis.core.speech.gains import Gains, Voice
from glottis.core.speech.requests import SpokenSentence
from glottis.core.speech.synthesis import Ear
from glottis.plugins import AudioFrame, SynthesisOptions, Synthesizer

_PIECE_S = 0.1


def pieces_of(frame: AudioFrame) -> list[AudioFrame]:
    """Cut a frame into pieces of at most 0.1 s: little is on its way then when somebody interrupts."""
    size = 2 * max(1, round(_PIECE_S * frame.rate_hz))
    if len(frame.pcm) <= size:
        return [frame]
    return [
        AudioFrame(frame.pcm[start : start + size], frame.rate_hz) for start in range(0, len(frame.pcm), size)
    ]


class _Attempt:
    """What one provider has said so far; `given` hears that there is more of it."""

    def __init__(self, name: str, voice: Voice, gain_db: float | None, given: Callable[[], None]) -> None:
        self.provider = name
        self.voice = voice
        self.frames: list[AudioFrame] = []
        self.loudness = LiveLoudness(gain_db)
        self._rate_hz = 0
        self._given = given

    async def hear(self, frame: AudioFrame) -> None:
        self._rate_hz = frame.rate_hz
        if self.loudness.is_little(frame):
            self._give(self.loudness.push(frame))
        else:
            self._give(await asyncio.to_thread(self.loudness.push, frame))

    async def end(self) -> AudioFrame:
        """Give what was held back; returns all that was given."""
        if self.loudness.is_little():
            self._give(self.loudness.finish())
        else:
            self._give(await asyncio.to_thread(self.loudness.finish))
        return AudioFrame(b"".join(frame.pcm for frame in self.frames), self._rate_hz)

    def _give(self, pcm: bytes) -> None:
        if pcm:
            self.frames += pieces_of(AudioFrame(pcm, self._rate_hz))
        self._given()


class Take:
    """A sentence that a provider speaks at its own pace, to any number of listeners at theirs.

    It stops with the last listener. `gains` are those that the reply has used so far: the same voice is not
    made louder in one sentence than in another.
    """

    is_impatient = True

    def __init__(self, text: str, known: Gains, gains: MutableMapping[Voice, float]) -> None:
        self.text = text
        self._known = known
        self._gains = gains
        self._attempts: list[_Attempt] = []
        self._task: asyncio.Task[None] | None = None
        self._listeners = 0
        self._is_left = False
        self._news = asyncio.Event()

    @property
    def provider(self) -> str | None:
        """Who has spoken last; None before any audio."""
        return next((one.provider for one in reversed(self._attempts) if one.frames), None)

    @property
    def is_open(self) -> bool:
        """Whether it may be joined: it is being spoken."""
        return self._task is not None and not self._task.done() and not self._is_left

    def begin(self, speaking: Coroutine[Any, Any, None]) -> None:
        """Start to speak, which `speaking` does: it has this take listen."""
        self._task = asyncio.create_task(speaking)
        self._task.add_done_callback(self._done)

    def join(self) -> None:
        """Add a listener, who has to `leave`."""
        self._listeners += 1

    def leave(self) -> None:
        """Take a listener away; the last one stops the provider."""
        self._listeners -= 1
        if not self._listeners and self._task is not None:
            self._is_left = True
            self._task.cancel()

    async def stop(self) -> None:
        """Stop, whoever listens."""
        self._is_left = True
        if self._task is not None:
            self._task.cancel()
        await self.left()

    async def left(self) -> None:
        """Wait, having left as the last, until the provider has let go."""
        if self._is_left:
            await self.succeeded()

    async def succeeded(self) -> bool:
        """Wait for the end of it, and tell whether all of it was said."""
        if self._task is None:
            return False
        await asyncio.wait({self._task})
        return not self._task.cancelled() and self._task.exception() is None

    async def listen(self, moved_from: str | None) -> AsyncGenerator[SpokenSentence | AudioFrame, None]:
        """Give the sentence and its frames as they come; both once more if another provider begins again.

        `moved_from` is who spoke before in this reply.

        Raises:
            GlottisError: nobody could speak.
        """
        heard: _Attempt | None = None
        position = 0
        while True:
            now = self._attempts[-1] if self._attempts else None
            if now is not None and now is not heard and now.frames:
                before = moved_from if heard is None else heard.provider
                yield SpokenSentence(
                    self.text,
                    now.provider,
                    cached=False,
                    moved_from=before if before != now.provider else None,
                    is_repeated=heard is not None,
                )
                heard, position = now, 0
            elif heard is not None and now is heard and position < len(heard.frames):
                position += 1
                yield heard.frames[position - 1]
            elif self._task is not None and self._task.done():
                self._task.result()
                return
            else:
                self._news.clear()
                await self._news.wait()

    def attempt(self, guard: Guard[Synthesizer], options: SynthesisOptions) -> Ear:
        voice = (guard.name, options.voice, options.language)
        gain_db = self._gains.get(voice)
        if gain_db is None:
            gain_db = self._known.of(voice)
        self._attempts.append(_Attempt(guard.name, voice, gain_db, self._given))
        return self._attempts[-1].hear

    async def end(self) -> tuple[AudioFrame, Voice]:
        """Give what was held back; returns all that was said, as loud as it was given, and by whom."""
        last = self._attempts[-1]
        return await last.end(), last.voice

    def _done(self, task: asyncio.Task[None]) -> None:
        self._news.set()
        if not task.cancelled():
            task.exception()  # whoever listens is told; if nobody does, it is nobody's

    def _given(self) -> None:
        last = self._attempts[-1]
        if last.loudness.gain_db is not None:
            self._gains.setdefault(last.voice, last.loudness.gain_db)
        self._news.set()
