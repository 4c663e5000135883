"""Recorded speech in, text out."""

import asyncio
import time
from dataclasses import dataclass

from glottis.core.audio import AudioTooLong, PcmFormat, UndecodableAudio, decode, is_silent, resample
from glottis.core.errors import TooLarge, UnsupportedAudio
from glottis.core.routing import Guard, Routing, first_answer
from glottis.core.routing.answers import transcript_of
from glottis.plugins import AudioFrame, Kind, RecognitionOptions, Recognizer, Transcript


@dataclass(frozen=True, slots=True)
class Heard:
    """A transcript, the instance that made it (None where nobody had to) and the time it took."""

    transcript: Transcript
    provider: str | None
    seconds: float


class Recognition:
    """Decodes what a caller sent and has it recognized by the first provider of the route that can."""

    def __init__(self, routing: Routing, *, max_s: float) -> None:
        self._routing = routing
        self._max_s = max_s

    async def hear(
        self,
        audio: bytes,
        options: RecognitionOptions,
        *,
        project: str = "",
        provider: str | None = None,
        declared: PcmFormat | None = None,
    ) -> Heard:
        """Recognize encoded audio, or raw PCM16. Silence gives an empty text.

        Raises:
            UnsupportedAudio: the bytes cannot be decoded.
            TooLarge: the audio is too long.
            Unprocessable: nothing recognizes this language.
            Unavailable: no provider could answer.
        """
        started = time.perf_counter()
        chain = self._routing.chain(
            Kind.RECOGNIZER, language=options.language, project=project, provider=provider
        )
        clip = await self._decode(audio, declared)
        if await asyncio.to_thread(is_silent, clip):
            return Heard(Transcript("", 0.0, options.language), None, time.perf_counter() - started)

        async def recognize(guard: Guard[Recognizer]) -> Transcript:
            fitting = await asyncio.to_thread(resample, clip, rate_hz=guard.capabilities.rate_hz)

            async def run(provider: Recognizer) -> Transcript:
                return transcript_of(await provider.recognize(fitting, options), options)

            return await guard.call(run)

        answered = await first_answer(chain, recognize, what="recognize")
        return Heard(answered.result, answered.provider, time.perf_counter() - started)

    async def _decode(self, audio: bytes, declared: PcmFormat | None) -> AudioFrame:
        try:
            return await asyncio.to_thread(decode, audio, max_s=self._max_s, declared=declared)
        except UndecodableAudio as error:
            raise UnsupportedAudio(str(error)) from None
        except AudioTooLong as error:
            raise TooLarge(str(error)) from None
