"""Text to speech."""

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, AsyncIterator, Sequence

from glottis.plugins.audio import AudioFrame
from glottis.plugins.capabilities import SynthesizerCapabilities
from glottis.plugins.errors import ErrorCategory, ProviderError
from glottis.plugins.provider import Provider
from glottis.plugins.speech import SynthesisOptions, VoiceInfo
from glottis.plugins.training import TrainedVoice


class Synthesizer(Provider, ABC):
    """Turns text into speech."""

    capabilities: SynthesizerCapabilities

    @abstractmethod
    def synthesize(
        self, text: str | AsyncIterator[str], options: SynthesisOptions
    ) -> AsyncGenerator[AudioFrame, None]:
        """Speak. Write it as an async generator; frames may have any length, all of one sample rate.

        Closing the iterator must stop the work and free the backend. A text without anything to speak gives
        no frames; for any other text no frames is a failure.

        Raises:
            ProviderError: and nothing else.
        """

    async def voices(self) -> Sequence[VoiceInfo]:
        """List the voices that `options.voice` may name.

        Trained voices are not among them: each belongs to a project, and the engine knows whose it is.
        """
        return ()

    async def install(self, voice: TrainedVoice) -> None:
        """Learn to speak a trained voice: from now on `options.voice` may be its `voice_id`.

        For what the training backend of the same name has trained. Comes before a voice is first spoken, and
        again in each process and after each start; a voice that is installed already is installed anew.
        `voice.artefact` is a copy for this instance, which stays where it is until `remove`; None where there
        is no artefact. What needs no installing, as a service keeps it, needs nothing of this.

        Raises:
            ProviderError: and nothing else; invalid_request if the artefact cannot be read.
        """
        if voice.artefact is not None:
            raise ProviderError(
                ErrorCategory.UNSUPPORTED, f"{self.context.instance} does not speak trained voices"
            )

    async def remove(self, voice_id: str) -> None:
        """Forget a trained voice: naming it is an invalid request again. An unknown one is no error."""
