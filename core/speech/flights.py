"""One synthesis for everybody on this node who wants the same audio, heard while it goes on."""

import asyncio
from collections.abc import Coroutine, MutableMapping
from dataclasses import dataclass
from typing import Any

from glottis.core.audio import LiveLoudness
from glottis.core.routing import Guard
from glottis.core.speech.audio_store import AudioStore
from glottis.core.speech.gains import Gains, Voice
from glottis.core.speech.live_audio import LiveAudio
from glottis.core.speech.requests import SpeechRequest, SpokenAudio, audio_id
from glottis.core.speech.synthesis import Ear
from glottis.plugins import AudioFrame, SynthesisOptions, Synthesizer


@dataclass(frozen=True, slots=True)
class Begun:
    """What is known with the first audio."""

    id: str
    provider: str
    cached: bool


class Flight:
    """Listens to a synthesis and lets others listen; `claimed` are the ids that this node makes meanwhile."""

    is_impatient = False

    def __init__(
        self, request: SpeechRequest, audio: AudioStore, gains: Gains, live: MutableMapping[str, LiveAudio]
    ) -> None:
        self.claimed: set[str] = set()
        self.is_left = False
        self._waiting = 0
        self.voice: Voice = ("", "", "")
        self.begun: asyncio.Future[Begun] = asyncio.get_running_loop().create_future()
        self._request = request
        self._audio = audio
        self._gains = gains
        self._live = live
        self._growing: LiveAudio | None = None

    def start(self, work: Coroutine[Any, Any, SpokenAudio]) -> None:
        """Let it take off, in a task of its own: a caller who goes away must not take the audio with them."""
        self.task = asyncio.create_task(work)
        self.task.add_done_callback(self._landed)

    def join(self) -> None:
        """Add somebody who waits for it."""
        self._waiting += 1

    def leave(self) -> None:
        """Take away somebody who does not want it any more; the last one stops the provider."""
        self._waiting -= 1
        if not self._waiting and not self.task.done():
            self.is_left = True
            self.task.cancel()

    def attempt(self, guard: Guard[Synthesizer], options: SynthesisOptions) -> Ear:
        self._break_off()
        self.voice = (guard.name, options.voice, options.language)

        async def hear(frame: AudioFrame) -> None:
            growing = self._growing or await self._begin(guard)
            growing.push(frame)

        return hear

    def end(self) -> None:
        """Tell the listeners that they have heard all of it, which can be had elsewhere from now on."""
        if self._growing is not None:
            self._growing.end()
            self._forget(self._growing)

    async def _begin(self, guard: Guard[Synthesizer]) -> LiveAudio:
        growing_id = audio_id(guard, self._request)
        if growing_id not in self.claimed:
            # A fallback speaks: its audio has a name of its own.
            self.claimed.add(growing_id)
            await self._audio.try_claim(growing_id)
        growing = self._growing = LiveAudio(
            growing_id,
            scope=self._request.scope,
            format=self._request.format,
            loudness=LiveLoudness(self._gains.of(self.voice)),
        )
        self._live[growing_id] = growing
        if not self.begun.done():
            self.begun.set_result(Begun(growing_id, guard.name, cached=False))
        return growing

    def _break_off(self) -> None:
        if self._growing is not None:
            self._growing.break_off()
            self._forget(self._growing)
            self._growing = None

    def _forget(self, growing: LiveAudio) -> None:
        if self._live.get(growing.id) is growing:
            del self._live[growing.id]

    def _landed(self, task: asyncio.Task[SpokenAudio]) -> None:
        self._break_off()
        # Every caller may have gone away; a failure is theirs to see, not the loop's.
        if task.cancelled():
            self.begun.cancel()
        elif (error := task.exception()) is not None:
            if not self.begun.done():
                self.begun.set_exception(error)
                self.begun.exception()
        elif not self.begun.done():
            spoken = task.result()
            self.begun.set_result(Begun(spoken.id, spoken.provider, spoken.cached))
