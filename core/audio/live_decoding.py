"""What a client streams, chunk by chunk, as mono PCM16."""

import asyncio
from contextlib import suppress
from typing import Protocol

from glottis.core.audio import raw_pcm
from glottis.core.audio.decoding import decode
from glottis.core.audio.errors import AudioError, UndecodableAudio
from glottis.core.audio.formats import (
    ACCEPTED,
    Container,
    PcmFormat,
    begins_anew,
    container_of,
    foreign_name,
    is_enough_to_tell,
    text_name,
)
from glottis.core.audio.gathering import as_mono_pcm16
from glottis.core.audio.live_containers import LiveContainer
from glottis.core.audio.mp4_claims import Mp4Gate, can_be_read_as_it_comes
from glottis.core.audio.resampling import RateMatcher
from glottis.core.audio.wav_header import wav_header
from glottis.plugins import AudioFrame

_AT_ONCE_BYTES = 65_536  # resampled in a millisecond; more goes to a thread
_LONGEST_HEAD = 8 * 2**20  # a tag with a picture before the first sound of an MP3
_LARGEST_FILE = 32 * 2**20
_LOST = "this is a part of a recording without its beginning: send a recording from its start"


class LiveDecoder:
    """Turns what a client streams into mono PCM16 at `rate_hz`, as soon as it can be decoded.

    What it is shows in the first bytes, as for `decode`; raw samples are those `declared`, or 16 kHz mono.
    A chunk that begins another recording ends the one before. WebM and Ogg go on over utterances without
    another beginning, as MediaRecorder sends them; other recordings hold an utterance each. An MP4 whose
    description stands at its end, as in a file that was not made for streaming, is read when it is complete.

    One call at a time. A call that fails or is cancelled drops the recording; the next begins afresh.
    `max_s` bounds what one chunk may stand for.
    """

    def __init__(
        self, *, declared: PcmFormat | None = None, rate_hz: int = 16_000, max_s: float = 600.0
    ) -> None:
        self._declared = declared
        self._rate_hz = rate_hz
        self._max_s = max_s
        self._source: _Source | None = None
        self._head = b""  # bytes that do not tell yet what they are
        self._is_lost = False  # the recording broke off: what comes may be the rest of it
        self._dropped: list[LiveContainer] = []

    async def decode(self, chunk: bytes) -> bytes:
        """Give the PCM that became decodable with this chunk, which may be none.

        Raises:
            UndecodableAudio: it is no such audio; says what it is, where that is known.
            AudioTooLong: it stands for more than `max_s` seconds.
        """
        try:
            return await self._decode(chunk) if chunk else b""
        except (AudioError, asyncio.CancelledError):
            self._drop(is_lost=True)
            raise

    async def end_utterance(self) -> bytes:
        """Give what can still be had of the utterance that has ended; raises as `decode` does."""
        try:
            rest = b""
            if self._source is None and self._head:
                rest = await self._start(self._head, is_whole=True)
            if self._source is not None:
                rest += await self._source.end_utterance()
                if self._source.is_over:
                    self._drop()
            elif not self._head:
                self._is_lost = False
            return rest
        except (AudioError, asyncio.CancelledError):
            self._drop()
            raise

    async def aclose(self) -> None:
        """Leave nothing behind, no thread either."""
        self._drop()
        while self._dropped:
            await self._dropped[-1].aclose()
            self._dropped.pop()

    async def _decode(self, chunk: bytes) -> bytes:
        before = b""
        if self._source is not None and self._source.is_over:
            self._drop(is_lost=True)
        if self._source is not None and self._is_another(chunk):
            with suppress(AudioError):  # it is of no interest any more why the old one broke off
                before = await self._source.finish()
            self._drop()
        if self._source is not None:
            return before + await self._source.decode(chunk)
        return before + await self._start(self._head + chunk, is_whole=False)

    def _is_another(self, chunk: bytes) -> bool:
        container = begins_anew(chunk)
        # An Ogg stream that holds several begins with the first page of each.
        return container is not None and not (
            container is Container.OGG and self._source is not None and self._source.is_silent_ogg
        )

    async def _start(self, head: bytes, *, is_whole: bool) -> bytes:
        """Find out what begins here and decode it; nothing comes out while that cannot be told."""
        self._head = head
        found = self._recognise(head, is_whole=is_whole)
        if found is None:
            if len(head) > _LONGEST_HEAD:
                raise UndecodableAudio("no sound begins in the first megabytes of this")
            return b""
        self._source, skipped = found
        self._head, self._is_lost = b"", False
        return await self._source.decode(head[skipped:])

    def _recognise(self, head: bytes, *, is_whole: bool) -> "tuple[_Source, int] | None":
        """Choose how to read what begins so, and how many bytes of it to skip; `None` if it does not tell."""
        container = container_of(head)
        if self._declared and container is Container.MP3 and not head.startswith(b"ID3"):
            container = None  # as in `decode`
        elif not is_whole and not is_enough_to_tell(head):
            return None
        if container is None:
            return self._raw(head), 0
        return self._contained(container, head, is_whole=is_whole)

    def _contained(
        self, container: Container, head: bytes, *, is_whole: bool
    ) -> "tuple[_Source, int] | None":
        if container is Container.WAV:
            header = wav_header(head)
            if header is None and not is_whole:
                return None
            if header and header.pcm:
                return _Samples(header.pcm, self._rate_hz, left=header.data_bytes), header.data_at
        if container is Container.MP4:
            is_live = can_be_read_as_it_comes(head)
            if is_live is None and not is_whole:
                return None
            if not is_live:
                return _WholeFile(self._rate_hz, self._max_s), 0
        live = LiveContainer(container, rate_hz=self._rate_hz, max_s=self._max_s)
        return _Recording(container, live), 0

    def _raw(self, head: bytes) -> "_Samples":
        if self._declared is None:
            found = foreign_name(head) or text_name(head)
            if found:
                raise UndecodableAudio(f"this is {found}, not audio that is accepted here: send {ACCEPTED}")
            if self._is_lost:
                raise UndecodableAudio(_LOST)
        return _Samples(self._declared or PcmFormat(), self._rate_hz, left=None)

    def _drop(self, *, is_lost: bool = False) -> None:
        if self._source is not None:
            self._is_lost = is_lost and not isinstance(self._source, _Samples)
        if isinstance(self._source, _Recording):
            self._source.live.abandon()
            self._dropped = [*(each for each in self._dropped if each.is_running), self._source.live]
        self._source, self._head = None, b""


class _Source(Protocol):
    """What is being read."""

    @property
    def is_over(self) -> bool:
        """Whether no more can come of it."""
        ...

    @property
    def is_silent_ogg(self) -> bool:
        """Whether it is Ogg, none of which has been heard yet."""
        ...

    async def decode(self, data: bytes) -> bytes: ...
    async def end_utterance(self) -> bytes: ...
    async def finish(self) -> bytes: ...


class _Samples:
    """Raw samples, or those of a WAV file: `left` bytes of them, or any number."""

    is_silent_ogg = False

    def __init__(self, pcm: PcmFormat, rate_hz: int, *, left: int | None) -> None:
        self._pcm = pcm
        self._left = left
        self._rates = RateMatcher(rate_hz)
        self._carry = b""  # half a sample
        self.is_over = False

    async def decode(self, data: bytes) -> bytes:
        if self._left is not None:
            data = data[: self._left]
            self._left -= len(data)
        pending = self._carry + data
        whole = len(pending) - len(pending) % (2 * self._pcm.channels)
        self._carry = pending[whole:]
        if whole > _AT_ONCE_BYTES:
            return await asyncio.to_thread(self._convert, pending[:whole])
        return self._convert(pending[:whole])

    async def end_utterance(self) -> bytes:
        self.is_over = self._left is not None
        return await self.finish()

    async def finish(self) -> bytes:
        self._carry = b""
        return self._rates.finish()

    def _convert(self, data: bytes) -> bytes:
        mono = as_mono_pcm16(raw_pcm.samples_of(data, self._pcm)) if self._pcm.channels > 1 else data
        return self._rates.push(AudioFrame(mono, self._pcm.sample_rate))


class _Recording:
    """A container that FFmpeg reads as it comes."""

    def __init__(self, container: Container, live: LiveContainer) -> None:
        self.live = live
        self._container = container
        self._gate = Mp4Gate() if container is Container.MP4 else None
        self._has_sounded = False

    @property
    def is_over(self) -> bool:
        return self.live.is_over

    @property
    def is_silent_ogg(self) -> bool:
        return self._container is Container.OGG and not self._has_sounded

    async def decode(self, data: bytes) -> bytes:
        pcm = await self.live.decode(self._gate.admit(data) if self._gate else data)
        self._has_sounded = self._has_sounded or bool(pcm)
        return pcm

    async def end_utterance(self) -> bytes:
        if self._container in {Container.WEBM, Container.OGG, Container.MP4}:
            return b""  # a recorder may go on, without another beginning
        return await self.finish()

    async def finish(self) -> bytes:
        return await self.live.finish()


class _WholeFile:
    """An MP4 that can be read only when all of it is there."""

    is_silent_ogg = False

    def __init__(self, rate_hz: int, max_s: float) -> None:
        self._rate_hz = rate_hz
        self._max_s = max_s
        self._data = bytearray()
        self.is_over = False

    async def decode(self, data: bytes) -> bytes:
        self._data += data
        if len(self._data) > _LARGEST_FILE:
            raise UndecodableAudio(f"an MP4 file of more than {_LARGEST_FILE >> 20} MiB is not accepted here")
        return b""

    async def end_utterance(self) -> bytes:
        return await self.finish()

    async def finish(self) -> bytes:
        self.is_over = True
        data = bytes(self._data)
        frame = await asyncio.to_thread(decode, data, rate_hz=self._rate_hz, max_s=self._max_s)
        return frame.pcm
