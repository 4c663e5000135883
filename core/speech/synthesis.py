"""Text in, one clip of speech out."""

import asyncio
from contextlib import aclosing
from dataclasses import dataclass, replace

from glottis.core.routing import Guard, first_answer
from glottis.core.routing.answers import frame_of
from glottis.core.routing.chains import Chain
from glottis.core.routing.guard import CALLERS_FAULT
from glottis.plugins import (
    DEFAULT_VOICE,
    AudioFrame,
    ErrorCategory,
    ProviderError,
    SynthesisOptions,
    Synthesizer,
)

_MOST_BYTES = 128 * 1024 * 1024
"""Twenty minutes at 48 kHz: more than the longest text that is taken can last."""


@dataclass(frozen=True, slots=True)
class Spoken:
    """A whole utterance, the instance that spoke it, and those that refused the request as it is."""

    clip: AudioFrame
    provider: str
    refused_by: tuple[str, ...] = ()


async def speak(chain: Chain, text: str, options: SynthesisOptions) -> Spoken:
    """Have a text spoken by the first provider of the chain that manages all of it.

    A voice belongs to one provider: once that has failed, the next may use its own default voice.

    Raises:
        Unprocessable: the providers refused the text or its options.
        Unavailable: none of them could speak.
    """
    someone_broke = False
    refused_by: list[str] = []

    async def attempt(guard: Guard[Synthesizer]) -> AudioFrame:
        nonlocal someone_broke
        try:
            return await _collect(guard, text, options)
        except ProviderError as error:
            if error.category not in CALLERS_FAULT:
                someone_broke = True
                raise
            if not someone_broke or options.voice == DEFAULT_VOICE:
                refused_by.append(guard.name)
                raise
            return await _collect(guard, text, replace(options, voice=DEFAULT_VOICE))

    answered = await first_answer(chain, attempt, what="synthesize")
    return Spoken(answered.result, answered.provider, tuple(refused_by))


async def _collect(guard: Guard[Synthesizer], text: str, options: SynthesisOptions) -> AudioFrame:
    """Join the frames of an utterance; text in and no audio out is a failure."""

    async def run(provider: Synthesizer) -> AudioFrame:
        pcm = bytearray()
        rates: set[int] = set()
        async with aclosing(provider.synthesize(text, options)) as frames:
            with_first = guard.limits.first_result_s
            async with asyncio.timeout(with_first) as until_first_audio:
                async for given in frames:
                    frame = frame_of(given)
                    if frame.pcm:
                        # From here on only the time limit of the whole call counts.
                        until_first_audio.reschedule(None)
                    rates.add(frame.rate_hz)
                    pcm += frame.pcm
                    if len(pcm) > _MOST_BYTES:
                        raise ProviderError(ErrorCategory.INTERNAL, f"{guard.name} does not come to an end")
                    # A synthesizer that never waits would keep everybody else waiting.
                    await asyncio.sleep(0)
        if not pcm:
            raise ProviderError(ErrorCategory.UNAVAILABLE, f"{guard.name} sent no audio")
        if len(rates) > 1:
            raise ProviderError(ErrorCategory.INTERNAL, f"{guard.name} changed its sample rate midway")
        return AudioFrame(bytes(pcm), rates.pop())

    return await guard.call(run)
