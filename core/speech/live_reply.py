"""The audio of one reply, made from frames while the reply is still being thought of."""

import asyncio
import uuid
from collections.abc import Callable

from glottis.core.audio import encode_clip, wav_clip
from glottis.core.speech.audio_store import AudioStore, recorded
from glottis.core.speech.live_audio import LiveAudio
from glottis.core.speech.requests import SpeechRequest, SpokenAudio
from glottis.plugins import AudioFrame


class LiveReply:
    """Audio that can be fetched by its id from now on, and hears its frames as they come.

    Finish or abandon it: until then the other nodes keep whoever asks for it waiting.
    """

    def __init__(self, audio: AudioStore, request: SpeechRequest, *, closed: Callable[[str], None]) -> None:
        self.id = uuid.uuid4().hex
        self.content_type = request.content_type
        self.live = LiveAudio(self.id, scope=request.scope, format=request.format)
        self._audio = audio
        self._request = request
        self._closed = closed
        self._is_over = False
        self._holding = asyncio.create_task(self._hold())

    def write(self, frame: AudioFrame) -> None:
        """Append a frame; never waits. Frames may change their sample rate."""
        self.live.push(frame)

    async def finish(self, *, provider: str) -> SpokenAudio | None:
        """Store all of it; None, and nothing stored, if there was no audio.

        Raises:
            TooLarge: the audio would not fit the cache.
        """
        if self._is_over or not self.live.duration_s:
            await self.abandon()
            return None
        try:
            self.live.end()
            data = await self.live.whole()
            if self._request.format == "wav":
                data = encode_clip(wav_clip(data), "wav")  # a stream's header did not know its length
            record = recorded(self.id, data, self.live.duration_s, provider, self._request)
            await self._stop_holding()
            await self._audio.keep_unclaimed(record)
        finally:
            await self.abandon()
        return SpokenAudio(self.id, record.duration_s, provider, record.content_type, cached=False)

    async def abandon(self) -> None:
        """Drop it: whoever listens hears it end in an error, and its id names nothing any more.

        What is finished stays as it is.
        """
        if self._is_over:
            return
        self._is_over = True
        self.live.break_off()
        self._closed(self.id)
        await self._stop_holding()
        # Nothing is left to give back of what has been stored.
        self._audio.chore(self._audio.abandon(self.id))

    async def _stop_holding(self) -> None:
        self._holding.cancel()
        await asyncio.wait({self._holding})

    async def _hold(self) -> None:
        await self._audio.try_claim(self.id)
        async with self._audio.renewing({self.id}):
            await asyncio.Event().wait()
