"""Where `glottis talk` hears and is heard: microphone, speaker, files. Mono PCM16 throughout."""

import asyncio
import wave
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Protocol, Self

from glottis.api.cli.setup import CommandError
from glottis.core.audio import AudioError, decode

HEARD_HZ = 16_000
SPOKEN_HZ = 24_000
_BLOCK_S = 0.04
_BLOCK_BYTES = int(2 * HEARD_HZ * _BLOCK_S)
_LONGEST_S = 3_600.0
_MOST_BLOCKS = 256
"""How much of the microphone is kept while the server takes nothing: ten seconds."""


class Source(Protocol):
    """Gives what is to be heard, block by block."""

    def blocks(self) -> AsyncGenerator[bytes, None]: ...


class Sink:
    """Plays nothing. Positions are in milliseconds from the start of an answer."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Leave nothing open."""

    def begin(self) -> None:
        """Make ready for the next answer."""

    def play(self, pcm: bytes) -> None:
        """Take more of the answer."""

    def pause(self) -> None:
        """Be silent at once, and keep what there is."""

    def go_on(self) -> None:
        """Sound again."""

    def cut_off(self, position_ms: float) -> None:
        """Be silent at once, and drop the answer; so much of it was heard, says the server."""

    def position_ms(self) -> float | None:
        """Tell how much of the answer was heard; None if it takes no time to play."""
        return None


class FileSource:
    """Reads a recording of any usual format; as fast as it was spoken, or as fast as it is taken."""

    def __init__(self, path: Path, *, is_fast: bool) -> None:
        try:
            self._pcm = decode(path.read_bytes(), rate_hz=HEARD_HZ, max_s=_LONGEST_S).pcm
        except OSError as error:
            raise CommandError(f"{path}: {error.strerror or 'cannot be read'}") from None
        except AudioError as error:
            raise CommandError(f"{path}: {error}") from None
        self._is_fast = is_fast

    async def blocks(self) -> AsyncGenerator[bytes, None]:
        loop = asyncio.get_running_loop()
        due = loop.time()
        for start in range(0, len(self._pcm), _BLOCK_BYTES):
            if not self._is_fast:
                await asyncio.sleep(due - loop.time())
                due += _BLOCK_S
            yield self._pcm[start : start + _BLOCK_BYTES]


class FileSink(Sink):
    """Writes what is heard of the answers, one after the other, into a WAV file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._answer = bytearray()

    def __enter__(self) -> Self:
        try:
            self._written = self._path.open("wb")
        except OSError as error:
            raise CommandError(f"{self._path}: {error.strerror or 'cannot be written'}") from None
        self._file = wave.open(self._written, "wb")
        self._file.setnchannels(1)
        self._file.setsampwidth(2)
        self._file.setframerate(SPOKEN_HZ)
        return self

    def __exit__(self, *_: object) -> None:
        self.begin()
        self._file.close()
        self._written.close()

    def begin(self) -> None:
        self._file.writeframes(self._answer)
        self._answer.clear()

    def play(self, pcm: bytes) -> None:
        self._answer += pcm

    def cut_off(self, position_ms: float) -> None:
        del self._answer[2 * int(position_ms * SPOKEN_HZ / 1_000) :]
        self.begin()


def sound_library() -> ModuleType:
    """Load what reaches the sound card.

    Raises:
        CommandError: it is not installed; says what is to be.
    """
    try:
        import sounddevice
    except ImportError:
        raise CommandError(
            "microphone and speaker need a library more: pip install 'glottis[talk]'; "
            "or give files with --input and --output, or type with --text"
        ) from None
    except OSError:
        raise CommandError(
            "microphone and speaker need PortAudio: apt install libportaudio2; "
            "or give files with --input and --output, or type with --text"
        ) from None
    library: ModuleType = sounddevice
    return library


class Microphone:
    """Records from the sound card. What nobody takes in time is dropped, the oldest first."""

    def __init__(self) -> None:
        self._library = sound_library()
        self._recorded: deque[bytes] = deque(maxlen=_MOST_BLOCKS)
        self._came = asyncio.Event()

    async def blocks(self) -> AsyncGenerator[bytes, None]:
        loop = asyncio.get_running_loop()

        def record(block: object, *_: object) -> None:
            with suppress(RuntimeError):  # the loop has just been closed
                loop.call_soon_threadsafe(self._keep, bytes(block))  # type: ignore[call-overload]  # a buffer

        try:
            stream = self._library.RawInputStream(
                samplerate=HEARD_HZ, channels=1, dtype="int16", blocksize=_BLOCK_BYTES // 2, callback=record
            )
        except (self._library.PortAudioError, ValueError) as error:
            raise CommandError(f"there is no microphone: {error}; give a file with --input") from None
        with stream:
            while True:
                while self._recorded:
                    yield self._recorded.popleft()
                self._came.clear()
                await self._came.wait()

    def _keep(self, block: bytes) -> None:
        self._recorded.append(block)
        self._came.set()


class Speaker(Sink):
    """Plays on the sound card; silent the moment that it is told to be."""

    def __init__(self) -> None:
        self._library = sound_library()
        self._waiting = bytearray()
        self._played = 0
        self._is_paused = False

    def __enter__(self) -> Self:
        try:
            self._stream = self._library.RawOutputStream(
                samplerate=SPOKEN_HZ, channels=1, dtype="int16", latency="low", callback=self._fill
            )
        except (self._library.PortAudioError, ValueError) as error:
            raise CommandError(f"there is no speaker: {error}; give a file with --output") from None
        self._stream.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.abort()
        self._stream.close()

    def begin(self) -> None:
        self._played = -len(self._waiting)  # the end of the answer before may still be playing

    def play(self, pcm: bytes) -> None:
        self._waiting += pcm

    def pause(self) -> None:
        self._is_paused = True

    def go_on(self) -> None:
        self._is_paused = False

    def cut_off(self, position_ms: float) -> None:
        self._waiting = bytearray()
        self._is_paused = False

    def position_ms(self) -> float | None:
        return max(0, self._played) / (2 * SPOKEN_HZ) * 1_000

    def _fill(self, wanted: memoryview, *_: object) -> None:
        """Give the sound card, in its own thread, what comes next; silence where there is nothing."""
        waiting = self._waiting
        taken = b"" if self._is_paused else bytes(waiting[: len(wanted)])
        del waiting[: len(taken)]
        self._played += len(taken)
        wanted[:] = taken.ljust(len(wanted), b"\0")
