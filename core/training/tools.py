"""What the engine does for a training: hearing its samples, and saying the same words in a base voice."""

import asyncio

from glottis.core.audio import resample
from glottis.core.errors import GlottisError, Unprocessable
from glottis.core.routing import Guard, Routing, first_answer
from glottis.core.routing.answers import transcript_of
from glottis.core.speech.synthesis import speak
from glottis.plugins import (
    DEFAULT_VOICE,
    AudioFrame,
    BaseSpeech,
    ErrorCategory,
    Kind,
    ProviderError,
    RecognitionOptions,
    Recognizer,
    SynthesisOptions,
    Synthesizer,
    TrainingTools,
    Transcript,
)


class RoutedTools(TrainingTools):
    """Works by the routes of a project; `backend` is the instance that trains."""

    def __init__(self, routing: Routing, *, project: str, backend: str) -> None:
        self._routing = routing
        self._project = project
        self._backend = backend

    async def transcribe(self, audio: AudioFrame, language: str) -> Transcript:
        options = RecognitionOptions(language=language)

        async def recognize(guard: Guard[Recognizer]) -> Transcript:
            clip = await asyncio.to_thread(resample, audio, rate_hz=guard.capabilities.rate_hz)

            async def run(provider: Recognizer) -> Transcript:
                return transcript_of(await provider.recognize(clip, options), options)

            return await guard.call(run)

        try:
            chain = self._routing.chain(Kind.RECOGNIZER, language=language, project=self._project)
            return (await first_answer(chain, recognize, what="recognize")).result
        except GlottisError as error:
            raise _as_provider_error(error) from None

    async def speak(self, text: str, language: str, *, instance: str | None = None) -> BaseSpeech:
        try:
            chain = self._bases(language, instance)
            spoken = await speak(chain, text, SynthesisOptions(language=language))
        except GlottisError as error:
            raise _as_provider_error(error) from None
        return BaseSpeech(spoken.clip, spoken.provider, DEFAULT_VOICE)

    def _bases(self, language: str, instance: str | None) -> tuple[Guard[Synthesizer], ...]:
        if instance is not None:
            named = self._routing.instance(Kind.SYNTHESIZER, instance)
            found: tuple[Guard[Synthesizer], ...] = () if named is None else (named,)
        else:
            found = self._routing.chain(Kind.SYNTHESIZER, language=language, project=self._project)
        bases = tuple(
            guard
            for guard in found
            if guard.is_started and guard.name != self._backend and not guard.has_peers
        )
        if not bases:
            whose = f"synthesizer {instance}" if instance else "base synthesizer in the route"
            raise Unprocessable(f"there is no {whose} to speak {language} for a training")
        return bases


def _as_provider_error(error: GlottisError) -> ProviderError:
    category = ErrorCategory.UNSUPPORTED if isinstance(error, Unprocessable) else ErrorCategory.UNAVAILABLE
    return ProviderError(category, error.detail, retry_after_s=error.retry_after_s)
