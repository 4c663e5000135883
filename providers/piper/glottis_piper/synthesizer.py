"""Piper behind the contract of synthesizers."""

import asyncio
import os
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from importlib.metadata import version as installed_version
from typing import cast

from glottis.plugins import (
    DEFAULT_VOICE,
    AudioFrame,
    ErrorCategory,
    ProviderContext,
    ProviderError,
    SynthesisOptions,
    Synthesizer,
    SynthesizerCapabilities,
    VoiceInfo,
    best_match,
    is_speakable,
    iterate_in_thread,
    sentences,
)

from glottis_piper.configuration import PiperConfig
from glottis_piper.pieces import pieces
from glottis_piper.sources import find_sources
from glottis_piper.voice import LoadedVoice, Manner

SLOWEST, QUICKEST = 0.25, 4.0


class Piper(Synthesizer):
    """Speaks sentence by sentence, in threads of its own."""

    capabilities: SynthesizerCapabilities
    config: PiperConfig

    def __init__(self, context: ProviderContext, config: PiperConfig) -> None:
        super().__init__(context, config)
        cores = os.cpu_count() or 1
        at_once = config.max_concurrency or cores
        self._threads = config.threads or min(2, cores)
        self.capabilities = replace(self.capabilities, max_concurrency=at_once)
        self._executor = ThreadPoolExecutor(at_once, thread_name_prefix=f"{context.instance}-piper")
        self._voices: tuple[LoadedVoice, ...] = ()
        self._loading: asyncio.Future[tuple[LoadedVoice, ...]] | None = None

    async def warmup(self) -> None:
        """Load every voice and let it say a word, which makes its first real sentence quick."""
        await self._loaded()

    async def health(self) -> None:
        voice = (await self._loaded())[0]
        async for _ in iterate_in_thread(partial(voice.speak, "a", Manner()), executor=self._executor):
            pass

    async def aclose(self) -> None:
        await asyncio.to_thread(self._executor.shutdown, cancel_futures=True)
        self._voices = ()

    async def voices(self) -> Sequence[VoiceInfo]:
        return [info for voice in await self._loaded() for info in voice.infos]

    @property
    def version(self) -> str:
        sums = " ".join(f"{voice.name}@{voice.sha256[:12]}" for voice in self._voices)
        return f"piper-tts {installed_version('piper-tts')} {sums}".strip()

    async def synthesize(
        self, text: str | AsyncIterator[str], options: SynthesisOptions
    ) -> AsyncGenerator[AudioFrame, None]:
        voice, manner = self._choose(await self._loaded(), options)
        async with aclosing(self._pieces(text)) as spoken:
            async for piece in spoken:
                speaking = iterate_in_thread(partial(voice.speak, piece, manner), executor=self._executor)
                async with aclosing(speaking) as frames:
                    async for frame in frames:
                        yield frame

    async def _pieces(self, text: str | AsyncIterator[str]) -> AsyncGenerator[str, None]:
        async with aclosing(cast("AsyncGenerator[str, None]", sentences(text))) as whole:
            async for sentence in whole:
                for piece in pieces(sentence, longest=self.config.longest_piece):
                    if is_speakable(piece):
                        yield piece

    def _choose(
        self, voices: tuple[LoadedVoice, ...], options: SynthesisOptions
    ) -> tuple[LoadedVoice, Manner]:
        if not SLOWEST <= options.speed <= QUICKEST:
            raise ProviderError(
                ErrorCategory.INVALID_REQUEST, f"speed is {SLOWEST:g} to {QUICKEST:g}, not {options.speed:g}"
            )
        if options.voice == DEFAULT_VOICE:
            return self._for_language(voices, options.language), Manner(speed=options.speed)
        for voice in voices:
            if options.voice == voice.name:
                return voice, Manner(speed=options.speed)
            speaker = options.voice.removeprefix(f"{voice.name}/")
            if speaker != options.voice and speaker in voice.speakers:
                return voice, Manner(speed=options.speed, speaker=speaker)
        accepted = ", ".join(voice.name for voice in voices)
        raise ProviderError(
            ErrorCategory.INVALID_REQUEST,
            f'no voice is called "{options.voice}"; there are: {DEFAULT_VOICE}, {accepted}',
        )

    def _for_language(self, voices: tuple[LoadedVoice, ...], language: str) -> LoadedVoice:
        """Pick the first voice of a language: the configured default one wins where it can."""
        found = best_match(language, [voice.language for voice in voices])
        if found is None:
            spoken = ", ".join(sorted(self.capabilities.languages))
            raise ProviderError(
                ErrorCategory.UNSUPPORTED, f"{self.context.instance} speaks {spoken}, not {language}"
            )
        return next(voice for voice in voices if voice.language == found)

    async def _loaded(self) -> tuple[LoadedVoice, ...]:
        """Give the voices; the first caller loads them, and one after a failure tries again."""
        if not self._voices:
            if self._loading is None:
                loop = asyncio.get_running_loop()
                self._loading = loop.run_in_executor(self._executor, self._load)
            try:
                # A thread cannot be cancelled: whoever comes next waits for the same one.
                self._voices = await asyncio.shield(self._loading)
            finally:
                if self._loading is not None and self._loading.done():
                    self._loading = None
            languages = frozenset(voice.language for voice in self._voices)
            self.capabilities = replace(self.capabilities, languages=languages)
        return self._voices

    def _load(self) -> tuple[LoadedVoice, ...]:
        voices = tuple(
            LoadedVoice(
                source,
                self.config,
                threads=self._threads,
                log=self.context.log,
                download_dir=self.context.data_dir,
            )
            for source in find_sources(self.config, self.context.log)
        )
        for voice in voices:
            for _ in voice.speak("a", Manner()):
                pass
        return voices
