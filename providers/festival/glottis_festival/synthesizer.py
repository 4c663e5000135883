"""Speech from Festival, sentence by sentence."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import replace
from functools import partial

from glottis.plugins import (
    AudioFrame,
    ErrorCategory,
    ProviderContext,
    ProviderError,
    SynthesisOptions,
    Synthesizer,
    VoiceInfo,
    is_speakable,
)

from glottis_festival.config import FestivalConfig
from glottis_festival.passages import cut, whole_sentences
from glottis_festival.pool import START_S, WorkerPool
from glottis_festival.stretch import at_speed
from glottis_festival.voices import FestivalVoice, choose, info, usable
from glottis_festival.worker import Worker

_SLOWEST, _FASTEST = 0.4, 3.0
_HEALTH_S = 5.0
_WITHOUT_DURATIONS = "Cluster"
"""The method of voices that ignore `Duration_Stretch`."""


class FestivalSynthesizer(Synthesizer):
    """Speaks in Festival processes that stay; callers at once take turns after each sentence.

    Closing the iterator returns at once. The sentence at hand is finished unheard in its process or, if that
    takes longer than a second, ended with it.
    """

    def __init__(self, context: ProviderContext, config: FestivalConfig) -> None:
        super().__init__(context, config)
        self._config = config
        self._opening = asyncio.Lock()
        self._voices: list[FestivalVoice] = []
        self._pools: dict[str, WorkerPool] = {}
        self._methods: dict[str, str] = {}

    async def warmup(self) -> None:
        await asyncio.to_thread(_import_what_takes_long)
        await self._open()
        await asyncio.gather(*(pool.fill() for pool in self._pools.values()))

    async def health(self) -> None:
        await self._open()
        await asyncio.gather(
            *(
                pool.run(partial(Worker.load, voice=voice), within_s=_HEALTH_S)
                for voice, pool in self._pools.items()
            )
        )

    async def aclose(self) -> None:
        await asyncio.gather(*(pool.aclose() for pool in self._pools.values()))

    async def voices(self) -> Sequence[VoiceInfo]:
        await self._open()
        return [info(voice) for voice in self._voices]

    async def synthesize(
        self, text: str | AsyncIterator[str], options: SynthesisOptions
    ) -> AsyncGenerator[AudioFrame, None]:
        await self._open()
        voice = choose(self._voices, options.voice, language=options.language)
        speed = min(max(options.speed, _SLOWEST), _FASTEST)
        has_text = has_spoken = False
        async with aclosing(whole_sentences(text)) as parts:
            async for sentence in parts:
                has_text = has_text or is_speakable(sentence)
                for passage in cut(voice.prepare(sentence)):
                    frame = await self._speak(passage, voice.name, speed)
                    if frame.sample_count:
                        yield frame
                        has_spoken = True
        if has_text and not has_spoken:
            message = f"the voice {voice.name} cannot read the letters of this text"
            raise ProviderError(ErrorCategory.UNSUPPORTED, message)

    async def _speak(self, passage: str, voice: str, speed: float) -> AudioFrame:
        async def job(worker: Worker) -> tuple[AudioFrame, bool]:
            knows_durations = self._methods[voice] != _WITHOUT_DURATIONS
            frame = await worker.speak(passage, voice=voice, stretch=1 / speed if knows_durations else 1.0)
            return frame, knows_durations or speed == 1.0

        frame, is_at_speed = await self._pools[voice].run(job, within_s=self._config.sentence_timeout_s)
        return frame if is_at_speed else await asyncio.to_thread(at_speed, frame, speed)

    async def _open(self) -> None:
        """Find the voices, and give each a pool whose processes start when they are needed."""
        async with self._opening:
            if self._voices:
                return
            asking = await self._start()
            try:
                async with asyncio.timeout(START_S):
                    found = await asking.voices()
            except TimeoutError:
                raise ProviderError(ErrorCategory.UNAVAILABLE, "Festival does not start") from None
            finally:
                await asking.close()
            voices = usable(found, wanted=self._config.voices)
            self._pools = {voice.name: self._pool(voice.name) for voice in voices}
            languages = frozenset(voice.tag for voice in voices)
            self.capabilities = replace(self.capabilities, languages=languages)
            self._voices = voices

    def _pool(self, voice: str) -> WorkerPool:
        # A process for each voice: voices define functions of the same names, and the English ones break the
        # Russian.
        async def load(worker: Worker) -> None:
            self._methods[voice] = await worker.load(voice)

        return WorkerPool(self._config.processes, start=self._start, prepare=load, log=self.context.log)

    async def _start(self) -> Worker:
        return await Worker.start(self._config.program)


def _import_what_takes_long() -> None:
    import num2words  # type: ignore[import-untyped]  # noqa: F401  # it ships no types; read in `numerals`
    import numpy as np  # noqa: F401  # read in `stretch`
