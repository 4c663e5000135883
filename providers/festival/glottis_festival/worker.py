"""A Festival process that speaks one sentence after another.

It is run with `--pipe` and told over its standard input what to do. Festival's own server would do as well,
but it evaluates whatever anybody on the machine sends to its port.
"""

import asyncio
import os
import shutil
import sys
from array import array
from dataclasses import dataclass
from itertools import count
from typing import Self

from glottis.plugins import AudioFrame, ErrorCategory, ProviderError

from glottis_festival import scheme

INSTALL = "install Debian's packages festival, festvox-ru (Russian) and festvox-kallpc16k (English)"

_HEAP_CELLS = 2_000_000
"""Room for the Russian dictionary and for work; the default, ten times that, costs 0.5 s and 560 MB more."""

_LONGEST_LINE = 1 << 20


@dataclass(frozen=True, slots=True)
class FoundVoice:
    """A voice as Festival describes it: `language` is "russian", `dialect` may be "nil"."""

    name: str
    language: str
    dialect: str
    gender: str


class Worker:
    """One process, one request at a time.

    A request that is left before its answer has come leaves `is_busy` set: close such a worker. The methods
    that ask something raise `ProviderError` if Festival fails at that, after which it can go on, or ends.
    """

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdin is not None  # noqa: S101  # `start` asks for pipes
        assert process.stdout is not None  # noqa: S101  # as above
        self._process = process
        self._input, self._output = process.stdin, process.stdout
        self._requests = count(1)
        self.is_busy = False

    @classmethod
    async def start(cls, program: str) -> Self:
        """Start Festival, without waiting for it to be ready.

        Raises:
            ProviderError: it is not installed or cannot run.
        """
        path = shutil.which(program)
        if path is None:
            raise ProviderError(ErrorCategory.UNAVAILABLE, f"Festival is not installed: {INSTALL}")
        command = [*_dying_with_us(), path, "--heap", str(_HEAP_CELLS), "--pipe"]
        try:
            process = await asyncio.create_subprocess_exec(
                *command,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                # It quotes what it was to say, which belongs in no log.
                stderr=asyncio.subprocess.DEVNULL,
                limit=_LONGEST_LINE,
                cwd="/",
                # No home, so that nobody's .festivalrc changes how it speaks.
                env={"PATH": os.environ.get("PATH", os.defpath), "HOME": "/nonexistent"},
                # An interrupt at the terminal is for the server, which may have a turn to end first.
                start_new_session=True,
            )
        except OSError as error:
            message = f"Festival cannot be started: {error.strerror}"
            raise ProviderError(ErrorCategory.UNAVAILABLE, message) from error
        worker = cls(process)
        worker._input.write(scheme.DEFINITIONS.encode())
        return worker

    @property
    def is_usable(self) -> bool:
        return self._process.returncode is None and not self.is_busy

    async def voices(self) -> list[FoundVoice]:
        """List the voices that are installed."""
        found = []
        request = self._ask("glottis_voices")
        while (answer := await self._answer(request))[0] == "voice":
            _, name, language, dialect, gender = answer[:5]
            found.append(FoundVoice(name, language, dialect, gender))
        self.is_busy = False
        return found

    async def load(self, voice: str) -> str:
        """Load a voice, which may take a second; return the name of its method: "Cluster", "UniSyn"."""
        method = (await self._answer(self._ask("glottis_load", voice)))[1]
        self.is_busy = False
        return method

    async def speak(self, text: str, *, voice: str, stretch: float = 1.0) -> AudioFrame:
        """Speak a text of one line; `stretch` multiplies its duration, if the voice's method allows that."""
        _, samples, rate_hz = await self._answer(self._ask("glottis_speak", voice, stretch, text))
        try:
            pcm = await self._output.readexactly(2 * int(samples))
        except asyncio.IncompleteReadError:
            raise _ended() from None
        self.is_busy = False
        return AudioFrame(_little_endian(pcm), rate_hz=int(rate_hz))

    async def close(self) -> None:
        """End the process at once and wait until it is gone."""
        if self._process.returncode is None:
            self._process.kill()
        # What is left in the pipe has to be read, or asyncio does not notice the end.
        await self._process.communicate()

    def _ask(self, function: str, *arguments: str | float) -> int:
        request = next(self._requests)
        self.is_busy = True
        self._input.write(scheme.call(function, request, *arguments).encode())
        return request

    async def _answer(self, request: int) -> list[str]:
        """Return the words of the next answer to a request, past whatever else Festival prints."""
        while True:
            try:
                line = await self._output.readline()
            except ValueError:  # a line longer than any answer
                raise _ended() from None
            if not line:
                raise _ended()
            words = line.decode("utf-8", "replace").split()
            if words[:2] != ["glottis", str(request)]:
                continue
            if words[2] == "failed":
                self.is_busy = False
                raise ProviderError(ErrorCategory.INTERNAL, "Festival failed to speak the text")
            return words[2:]


def _dying_with_us() -> list[str]:
    """Give the command that has the kernel kill a process whose parent dies.

    Without it, where there is no Linux, Festival still ends when its input does, after the sentence at hand.
    """
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "KILL", "--"] if setpriv else []


def _ended() -> ProviderError:
    return ProviderError(ErrorCategory.UNAVAILABLE, "Festival ended unexpectedly")


def _little_endian(pcm: bytes) -> bytes:
    if sys.byteorder == "little":
        return pcm
    samples = array("h", pcm)
    samples.byteswap()
    return samples.tobytes()
