"""Speech from espeak-ng, given on as it is made."""

import asyncio
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from importlib.metadata import PackageNotFoundError, version

from glottis.plugins import (
    AudioFrame,
    ProviderContext,
    SynthesisOptions,
    Synthesizer,
    VoiceInfo,
)

from glottis_espeak.config import EspeakConfig
from glottis_espeak.library import EspeakLibrary, espeak_library
from glottis_espeak.passages import passages
from glottis_espeak.prosody import prosody
from glottis_espeak.voices import Catalogue


class EspeakSynthesizer(Synthesizer):
    """Speaks sentence by sentence in a thread of its own; callers at once take turns after each sentence.

    Closing the iterator stops a sentence at its next 60 ms of sound, which takes espeak-ng about 0.1 ms.
    """

    def __init__(self, context: ProviderContext, config: EspeakConfig) -> None:
        super().__init__(context, config)
        self._config = config
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=f"espeak-{context.instance}")
        self._opened: tuple[EspeakLibrary, Catalogue] | None = None

    @property
    def version(self) -> str:
        try:
            return version("espeakng-loader")
        except PackageNotFoundError:
            return ""

    async def warmup(self) -> None:
        await self._open()

    async def health(self) -> None:
        await self._open()

    async def aclose(self) -> None:
        # All calls have ended, so the thread has nothing to finish and ends by itself.
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def voices(self) -> Sequence[VoiceInfo]:
        """List a man and a woman for each language; `en-GB+Annie` names another of espeak-ng's variants."""
        _, catalogue = await self._open()
        return catalogue.infos()

    async def synthesize(
        self, text: str | AsyncIterator[str], options: SynthesisOptions
    ) -> AsyncGenerator[AudioFrame, None]:
        library, catalogue = await self._open()
        voice = catalogue.choose(options.voice, language=options.language, gender=self._config.gender)
        speak = partial(library.speak, voice=voice, prosody=prosody(self._config, options))
        async with aclosing(passages(text)) as cut:
            async for passage in cut:
                async with aclosing(self._stream(partial(speak, passage))) as pieces:
                    async for pcm in pieces:
                        yield AudioFrame(pcm, rate_hz=library.rate_hz)

    async def _open(self) -> tuple[EspeakLibrary, Catalogue]:
        if self._opened is None:
            library, catalogue = await asyncio.get_running_loop().run_in_executor(self._thread, _load)
            self.capabilities = replace(self.capabilities, languages=catalogue.languages)
            self._opened = library, catalogue
        return self._opened

    async def _stream(self, speak: Callable[..., None]) -> AsyncGenerator[bytes, None]:
        """Run `speak` in the thread and give what it hands to its `take`; closing stops it."""
        loop = asyncio.get_running_loop()
        pieces: asyncio.Queue[bytes] = asyncio.Queue()  # as long as a passage, at the most
        is_unwanted = threading.Event()

        def take(pcm: bytes) -> bool:
            loop.call_soon_threadsafe(pieces.put_nowait, pcm)
            return not is_unwanted.is_set()

        def work() -> None:
            try:
                if not is_unwanted.is_set():
                    speak(take=take)
            finally:
                loop.call_soon_threadsafe(pieces.put_nowait, b"")

        job = loop.run_in_executor(self._thread, work)
        try:
            while pcm := await pieces.get():
                yield pcm
        finally:
            is_unwanted.set()
            await asyncio.wait({job})
            failure = job.exception()
        if failure is not None:
            raise failure


def _load() -> tuple[EspeakLibrary, Catalogue]:
    library = espeak_library()
    return library, Catalogue(library.voices(), library.variants())
