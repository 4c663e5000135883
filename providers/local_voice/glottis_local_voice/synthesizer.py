"""The synthesizer: another one speaks, and its voice is turned into a trained one, sentence by sentence."""

import asyncio
import os
import re
import unicodedata
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from dataclasses import replace
from functools import partial
from importlib.metadata import version as installed_version
from typing import TypeVar, cast

from glottis.plugins import (
    DEFAULT_VOICE,
    AudioFrame,
    ErrorCategory,
    ProviderContext,
    ProviderError,
    SynthesisOptions,
    Synthesizer,
    SynthesizerCapabilities,
    TrainedVoice,
    is_speakable,
    sentences,
)

from glottis_local_voice.artefact import VERSION, ArtefactError, LocalVoice, read_voice
from glottis_local_voice.configuration import LocalVoiceConfig
from glottis_local_voice.libraries import SPEAKING, load, look_for
from glottis_local_voice.speaking import converted

T = TypeVar("T")

SLOWEST, QUICKEST = 0.25, 4.0

_CLAUSE = re.compile(r"(?<=[,;:–—])\s+|\s+")


class LocalVoiceSynthesizer(Synthesizer):
    """Speaks with the voices that were installed; "default" is the base voice as it is."""

    capabilities: SynthesizerCapabilities
    config: LocalVoiceConfig

    def __init__(self, context: ProviderContext, config: LocalVoiceConfig) -> None:
        super().__init__(context, config)
        at_once = config.max_concurrency or os.cpu_count() or 1
        self.capabilities = replace(self.capabilities, max_concurrency=at_once)
        self._executor = ThreadPoolExecutor(at_once, thread_name_prefix=context.instance)
        self._voices: dict[str, LocalVoice] = {}

    async def warmup(self) -> None:
        await self._run(look_for, SPEAKING)

    async def health(self) -> None:
        await self._run(load, SPEAKING)

    async def aclose(self) -> None:
        await asyncio.to_thread(self._executor.shutdown, cancel_futures=True)
        self._voices.clear()

    @property
    def version(self) -> str:
        return f"pyworld {installed_version('pyworld-prebuilt')} format {VERSION}"

    async def install(self, voice: TrainedVoice) -> None:
        if voice.artefact is None:
            raise ProviderError(ErrorCategory.INVALID_REQUEST, f'the voice "{voice.voice_id}" has no file')
        try:
            read = await self._run(read_voice, voice.artefact)
        except ArtefactError as error:
            raise ProviderError(ErrorCategory.INVALID_REQUEST, str(error)) from error
        self._voices[voice.voice_id] = read

    async def remove(self, voice_id: str) -> None:
        self._voices.pop(voice_id, None)

    async def synthesize(
        self, text: str | AsyncIterator[str], options: SynthesisOptions
    ) -> AsyncGenerator[AudioFrame, None]:
        if not SLOWEST <= options.speed <= QUICKEST:
            raise ProviderError(
                ErrorCategory.INVALID_REQUEST, f"speed is {SLOWEST:g} to {QUICKEST:g}, not {options.speed:g}"
            )
        speaking = self._plainly if options.voice == DEFAULT_VOICE else self._converting
        async with aclosing(speaking(text, options)) as frames:
            async for frame in frames:
                yield frame

    async def _plainly(
        self, text: str | AsyncIterator[str], options: SynthesisOptions
    ) -> AsyncGenerator[AudioFrame, None]:
        """Let the base voice speak, where the configuration names one."""
        base = self.config.base
        if base is None:
            raise ProviderError(
                ErrorCategory.UNSUPPORTED,
                f"{self.context.instance} speaks with trained voices: name one, or set its option base",
            )
        async with aclosing(self._pieces(text)) as pieces:
            async for piece in pieces:
                async with aclosing(self.context.peers.speak(base, piece, options)) as frames:
                    async for frame in frames:
                        yield frame

    async def _converting(
        self, text: str | AsyncIterator[str], options: SynthesisOptions
    ) -> AsyncGenerator[AudioFrame, None]:
        voice = self._voices.get(options.voice)
        if voice is None:
            # The others are not listed: they may be another project's.
            raise ProviderError(ErrorCategory.INVALID_REQUEST, f'no voice is called "{options.voice}"')
        await self._run(load, SPEAKING)
        heading = voice.heading
        plain = SynthesisOptions(voice=heading.base_voice, language=heading.language, emotion=options.emotion)
        async with aclosing(self._pieces(text)) as pieces:
            async for piece in pieces:
                async with aclosing(self.context.peers.speak(heading.base, piece, plain)) as frames:
                    said = [frame async for frame in frames if frame.pcm]
                if said:
                    yield await self._run(partial(converted, said, voice, speed=options.speed))

    async def _pieces(self, text: str | AsyncIterator[str]) -> AsyncGenerator[str, None]:
        """Give sentences, long ones in pieces, without control characters."""
        async with aclosing(cast("AsyncGenerator[str, None]", sentences(text))) as whole:
            async for sentence in whole:
                plain = "".join(" " if unicodedata.category(c) == "Cc" else c for c in sentence)
                for piece in _cut(plain.strip(), self.config.longest_piece):
                    if is_speakable(piece):
                        yield piece

    async def _run(self, work: Callable[..., T], *arguments: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._executor, work, *arguments)


def _cut(sentence: str, longest: int) -> list[str]:
    """Cut what is too long: after a clause, else between words, else anywhere."""
    found = []
    while len(sentence) > longest:
        ends = [match.end() for match in _CLAUSE.finditer(sentence, longest // 3, longest + 1)]
        clauses = [end for end in ends if sentence[:end].rstrip()[-1:] in tuple(",;:–—")]
        end = (clauses or ends or [longest])[-1]
        found.append(sentence[:end].strip())
        sentence = sentence[end:].lstrip()
    return [*found, sentence]
