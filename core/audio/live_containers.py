"""A container that arrives in pieces, decoded as far as it has come."""

import asyncio
import threading
from collections.abc import Callable
from types import MappingProxyType

import av.error
from glottis.core.audio.containers import damaged, open_container, sound_of
from glottis.core.audio.errors import AudioError, AudioTooLong, UndecodableAudio
from glottis.core.audio.formats import Container
from glottis.core.audio.gathering import as_mono_pcm16, require_sane
from glottis.core.audio.resampling import RateMatcher
from glottis.plugins import AudioFrame

# FFmpeg would read up to 5 seconds to learn what the header says anyway.
_OPENED_AT_ONCE = MappingProxyType({"probesize": "32", "analyzeduration": "0"})
_MUTE_BYTES = 8 * 2**20  # a tag with a picture may be a few megabytes


class LiveContainer:
    """Decodes one recording in a thread of its own, in lockstep with who brings its bytes.

    `decode` returns when the thread has used up what it was given and asks for more. So nothing piles up:
    what is not yet decoded is one chunk, what is decoded is what came out of it.
    """

    def __init__(self, container: Container, *, rate_hz: int, max_s: float) -> None:
        self._container = container
        self._max_s = max_s
        self._rate_hz = rate_hz
        self._rates = RateMatcher(rate_hz)
        self._loop = asyncio.get_running_loop()
        self._feed = _Feed(self._ask)
        self._asked: asyncio.Future[None] | None = None
        self._pcm = bytearray()
        self._mute_bytes = 0
        self._error: AudioError | None = None
        self._thread: threading.Thread | None = None

    @property
    def is_over(self) -> bool:
        """Whether no more can come of it: it has ended, broken, or been abandoned."""
        return self._feed.is_over

    @property
    def is_running(self) -> bool:
        """Whether its thread lives."""
        return self._thread is not None and self._thread.is_alive()

    async def decode(self, data: bytes) -> bytes:
        """Give the PCM16 that becomes decodable with these bytes.

        Raises:
            UndecodableAudio: it cannot be read, or there is no sound in it.
            AudioTooLong: these bytes stand for more than `max_s` seconds.
        """
        self._mute_bytes += len(data)
        pcm = await self._exchange(data, is_last=False)
        if pcm:
            self._mute_bytes = 0
        elif self._mute_bytes > _MUTE_BYTES:
            self.abandon()
            raise UndecodableAudio(damaged(self._container))
        return pcm

    async def finish(self) -> bytes:
        """Say that no more comes, and give the rest; raises as `decode` does."""
        return await self._exchange(b"", is_last=True)

    def abandon(self) -> None:
        """Let the thread end as soon as it notices; it is waited for by `aclose`."""
        self._feed.abandon()

    async def aclose(self) -> None:
        """Abandon it and wait for the thread's end."""
        self.abandon()
        if self._thread:
            await asyncio.to_thread(self._thread.join)

    async def _exchange(self, data: bytes, *, is_last: bool) -> bytes:
        if self.is_over or not (data or is_last):
            return b""
        asked = self._asked = self._loop.create_future()
        self._feed.put(data, is_last=is_last)
        if self._thread is None:
            self._thread = threading.Thread(target=self._read, name="live-audio", daemon=True)
            self._thread.start()
        try:
            await asked
        except asyncio.CancelledError:
            self.abandon()
            raise
        finally:
            self._asked = None
        if self._error:
            raise self._error
        pcm, self._pcm = bytes(self._pcm), bytearray()
        return pcm

    def _ask(self) -> None:
        """Tell, out of the thread, that there is nothing more to do in it."""
        self._loop.call_soon_threadsafe(self._answer)

    def _answer(self) -> None:
        if self._asked and not self._asked.done():
            self._asked.set_result(None)

    def _read(self) -> None:
        try:
            with open_container(self._feed, self._container, options=_OPENED_AT_ONCE) as opened:
                for samples, rate_hz in sound_of(opened, self._container):
                    if self._feed.is_abandoned:
                        return
                    require_sane(samples, rate_hz)
                    self._keep(self._rates.push(AudioFrame(as_mono_pcm16(samples), rate_hz)))
                self._keep(self._rates.finish())
        except AudioError as error:
            self._error = error
        except av.error.FFmpegError as error:
            self._error = UndecodableAudio(damaged(self._container))
            self._error.__cause__ = error
        finally:
            self._feed.close()

    def _keep(self, pcm: bytes) -> None:
        # A few bytes of a codec may stand for minutes of silence.
        if len(self._pcm) + len(pcm) > 2 * self._rate_hz * self._max_s:
            raise AudioTooLong(self._max_s)
        self._pcm += pcm


class _Feed:
    """A file without an end in sight: `read` waits for more, and tells that it does."""

    def __init__(self, ask: Callable[[], None]) -> None:
        self._ask = ask
        self._changed = threading.Condition()
        self._data = bytearray()
        self._is_last = False
        self.is_abandoned = False
        self.is_over = False

    def put(self, data: bytes, *, is_last: bool) -> None:
        with self._changed:
            self._data += data
            self._is_last = is_last
            self._changed.notify()

    def abandon(self) -> None:
        with self._changed:
            self.is_abandoned = self.is_over = self._is_last = True
            self._data.clear()
            self._changed.notify()

    def read(self, size: int, /) -> bytes:
        with self._changed:
            if not self._data and not self._is_last:
                self._ask()
                self._changed.wait_for(lambda: self._data or self._is_last)
            data = bytes(self._data[:size])
            del self._data[:size]
            return data

    def close(self) -> None:
        """Say that nothing will be read any more."""
        with self._changed:
            self.is_over = True
            self._data.clear()
        self._ask()
