"""Audio that is heard while it is still being made."""

import asyncio
import threading
from collections import deque
from collections.abc import AsyncGenerator

from glottis.core.audio import CONTENT_TYPES, Encoder, LiveLoudness
from glottis.plugins import AudioFrame

_ENCODED_HERE_BYTES = 8 * 1024
"""Up to 0.2 s: encoding that takes as long as handing it to a thread does."""
_READ_BYTES = 64 * 1024


class AudioBrokenOff(Exception):  # it is no error of whoever asked
    """The audio ends before its end: nobody goes on making it."""


class LiveAudio:
    """Frames in, bytes of a file out, to any number of readers, each from the start and at its own pace.

    Nothing is encoded until somebody reads: what nobody listens to costs a list of frames.
    """

    def __init__(
        self,
        audio_id: str,
        *,
        scope: str,
        format: str,  # noqa: A002  # the API's own word for it
        loudness: LiveLoudness | None = None,
    ) -> None:
        self.id = audio_id
        self.scope = scope
        self.content_type = CONTENT_TYPES[format]
        self.duration_s = 0.0
        self._format = format
        self._loudness = loudness
        self._encoder: Encoder | None = None
        self._rate_hz = 0
        self._pending: deque[AudioFrame] = deque()
        self._pending_bytes = 0
        self._encoded = bytearray()
        self._is_over = self._is_encoded = self._is_broken = False
        self._encoding = threading.Lock()
        self._news = asyncio.Event()

    def push(self, frame: AudioFrame) -> None:
        """Append a frame."""
        self.duration_s += frame.duration_s
        self._pending.append(frame)
        self._pending_bytes += len(frame.pcm)
        self._news.set()

    def end(self) -> None:
        """Say that this was all."""
        self._is_over = True
        self._news.set()

    def break_off(self) -> None:
        """Say that no more will come, though this was not all."""
        self._is_broken = not self._is_over
        self._news.set()

    async def read(self) -> AsyncGenerator[bytes, None]:
        """Give the bytes of the file as they come, in pieces of at most 64 KiB.

        Raises:
            AudioBrokenOff: there will not be more.
        """
        position = 0
        while True:
            piece = bytes(self._encoded[position : position + _READ_BYTES])
            if piece:
                position += len(piece)
                yield piece
            elif self._is_broken:
                raise AudioBrokenOff
            elif self._is_encoded and position == len(self._encoded):
                return
            elif self._pending or self._is_over:
                await self._encode_pending()
            else:
                self._news.clear()
                await self._news.wait()

    async def whole(self) -> bytes:
        """Wait for all of the file.

        Raises:
            AudioBrokenOff: it never will be there.
        """
        return b"".join([piece async for piece in self.read()])

    async def _encode_pending(self) -> None:
        is_little = self._pending_bytes <= _ENCODED_HERE_BYTES
        self._pending_bytes = 0
        # A reader who leaves meanwhile leaves the thread to its work: the next waits for it at the lock.
        if is_little and self._encoding.acquire(blocking=False):
            try:
                self._encode()
            finally:
                self._encoding.release()
        else:
            await asyncio.to_thread(self._encode_in_turn)

    def _encode_in_turn(self) -> None:
        with self._encoding:
            self._encode()

    def _encode(self) -> None:
        is_last = self._is_over  # read before the frames: those that are pushed first belong to it
        while self._pending:
            frame = self._pending.popleft()
            self._encoder = self._encoder or Encoder(self._format, rate_hz=frame.rate_hz)
            pcm = frame.pcm if self._loudness is None else self._loudness.push(frame)
            self._encoded += self._encoder.push(AudioFrame(pcm, frame.rate_hz))
            self._rate_hz = frame.rate_hz
        if is_last and not self._is_encoded:
            if self._encoder is not None:
                rest = b"" if self._loudness is None else self._loudness.finish()
                self._encoded += self._encoder.push(AudioFrame(rest, self._rate_hz))
                self._encoded += self._encoder.finish()
            self._is_encoded = True
