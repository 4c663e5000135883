"""Text in, one clip of speech out."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Protocol

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


Ear = Callable[[AudioFrame], Awaitable[None]]
"""Hears a frame, never an empty one."""


class Listener(Protocol):
    """Hears an utterance while it is being spoken."""

    is_impatient: bool
    """Whether a pause between two frames may not last longer than the wait for the first."""

    def attempt(self, guard: Guard[Synthesizer], options: SynthesisOptions) -> Ear:
        """Hear who tries now, and with what voice: what came before is void. Gives what hears the frames."""


async def speak(
    chain: Chain, text: str, options: SynthesisOptions, listener: Listener | None = None
) -> Spoken:
    """Have a text spoken by the first provider of the chain that manages all of it.

    A voice belongs to one provider: once that has failed, the next may use its own default voice.
    A listener keeps the provider waiting while it hears a frame.

    Raises:
        Unprocessable: the providers refused the text or its options.
        Unavailable: none of them could speak.
    """
    someone_broke = False
    refused_by: list[str] = []

    async def attempt(guard: Guard[Synthesizer]) -> AudioFrame:
        nonlocal someone_broke
        try:
            return await _collect(guard, text, options, listener)
        except ProviderError as error:
            if error.category not in CALLERS_FAULT:
                someone_broke = True
                raise
            if not someone_broke or options.voice == DEFAULT_VOICE:
                refused_by.append(guard.name)
                raise
            return await _collect(guard, text, replace(options, voice=DEFAULT_VOICE), listener)

    answered = await first_answer(chain, attempt, what="synthesize")
    return Spoken(answered.result, answered.provider, tuple(refused_by))


async def _collect(
    guard: Guard[Synthesizer], text: str, options: SynthesisOptions, listener: Listener | None
) -> AudioFrame:
    """Join the frames of an utterance; text in and no audio out is a failure."""

    async def run(provider: Synthesizer) -> AudioFrame:
        pcm = bytearray()
        rate_hz = 0
        patience_s = guard.limits.first_result_s
        hear = None if listener is None else listener.attempt(guard, options)
        async with aclosing(provider.synthesize(text, options)) as frames:
            async with asyncio.timeout(patience_s) as until_next_audio:
                async for given in frames:
                    frame = frame_of(given)
                    rate_hz = _one_rate(guard, rate_hz, frame)
                    if frame.pcm:
                        # From here on only the time limit of the whole call counts.
                        until_next_audio.reschedule(None)
                        if hear is not None:
                            await hear(frame)
                        if listener is not None and listener.is_impatient:
                            until_next_audio.reschedule(asyncio.get_running_loop().time() + patience_s)
                    pcm += frame.pcm
                    if len(pcm) > _MOST_BYTES:
                        raise ProviderError(ErrorCategory.INTERNAL, f"{guard.name} does not come to an end")
                    # A synthesizer that never waits would keep everybody else waiting.
                    await asyncio.sleep(0)
        if not pcm:
            raise ProviderError(ErrorCategory.UNAVAILABLE, f"{guard.name} sent no audio")
        return AudioFrame(bytes(pcm), rate_hz)

    return await guard.call(run)


def _one_rate(guard: Guard[Synthesizer], rate_hz: int, frame: AudioFrame) -> int:
    if rate_hz not in {0, frame.rate_hz}:
        raise ProviderError(ErrorCategory.INTERNAL, f"{guard.name} changed its sample rate midway")
    return frame.rate_hz
