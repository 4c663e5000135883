"""The audio of one utterance, which grows while it is being read."""

import asyncio

from glottis.plugins import AudioFrame

RATE_HZ = 16_000
BYTES_PER_S = 2 * RATE_HZ


class Recording:
    """What has been said so far: PCM16, 16 kHz, mono. Positions are in bytes.

    `paused_at` is where the speaker last paused, `ends_at` where the utterance ended.
    """

    def __init__(self) -> None:
        self.pcm = bytearray()
        self.paused_at: int | None = None
        self.ends_at: int | None = None
        self._news = asyncio.Event()
        self._awaited = 0

    def push(self, pcm: bytes) -> None:
        self.pcm += pcm
        if len(self.pcm) >= self._awaited:
            self.tell()

    def pause(self) -> None:
        self.paused_at = len(self.pcm)
        self.tell()

    def end(self, *, at_pause: bool) -> None:
        self.ends_at = self.paused_at if at_pause and self.paused_at is not None else len(self.pcm)
        self.tell()

    def tell(self) -> None:
        """Wake the reader."""
        self._news.set()

    async def news(self, *, length: int) -> None:
        """Wait until the audio is `length` long, or something else happens."""
        self._awaited = length
        if len(self.pcm) < length:
            await self._news.wait()
        self._news.clear()

    def frame(self, start: int, end: int) -> AudioFrame:
        return AudioFrame(bytes(memoryview(self.pcm)[start:end]), RATE_HZ)
