"""What a provider reaches others with: each within its own limits, and never one that has peers itself."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

from glottis.core.routing.answers import frame_of
from glottis.core.routing.guard import Guard
from glottis.plugins import (
    AudioFrame,
    ErrorCategory,
    Peers,
    ProviderError,
    SynthesisOptions,
    Synthesizer,
)


class RoutedPeers(Peers):
    """Reaches the synthesizers that run; `find` gives the guard of one, None where there is none."""

    def __init__(self, instance: str, find: Callable[[str], Guard[Synthesizer] | None]) -> None:
        self._instance = instance
        self._find = find

    async def speak(
        self, instance: str, text: str, options: SynthesisOptions
    ) -> AsyncGenerator[AudioFrame, None]:
        guard = self._find(instance)
        if guard is None or not guard.is_started:
            raise ProviderError(
                ErrorCategory.UNAVAILABLE, f"{self._instance} needs {instance}, which is not running"
            )
        if guard.has_peers:
            raise ProviderError(ErrorCategory.UNSUPPORTED, f"{instance} speaks through others itself")
        # No time limit over the whole: it would run while our caller is at work on a frame.
        async with (
            guard.attending(timeout_s=None) as provider,
            aclosing(provider.synthesize(text, options)) as frames,
        ):
            patience_s = guard.limits.first_result_s
            while True:
                async with asyncio.timeout(patience_s):
                    frame = await anext(frames, None)
                if frame is None:
                    return
                patience_s = guard.limits.timeout_s
                yield frame_of(frame)
