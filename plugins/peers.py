"""How one provider reaches another, by way of the engine."""

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator

from glottis.plugins.audio import AudioFrame
from glottis.plugins.errors import ErrorCategory, ProviderError
from glottis.plugins.speech import SynthesisOptions


class Peers(ABC):
    """The other synthesizers of a deployment.

    Only a provider whose spec names `peers` reaches any, and nobody reaches such a provider: so no call ever
    comes back to where it began.
    """

    @abstractmethod
    def speak(self, instance: str, text: str, options: SynthesisOptions) -> AsyncGenerator[AudioFrame, None]:
        """Have another instance speak, within its own limits; closing the generator stops it.

        `options.voice` is one of that instance's own voices.

        Raises:
            ProviderError: that instance failed, is not there (unavailable), or is out of reach (unsupported).
        """


class NoPeers(Peers):
    """What a provider has that asked for no peers."""

    async def speak(
        self, instance: str, text: str, options: SynthesisOptions
    ) -> AsyncGenerator[AudioFrame, None]:
        raise ProviderError(ErrorCategory.UNSUPPORTED, f"{instance} is out of reach: the spec names no peers")
        yield AudioFrame(b"", 16_000)  # makes it a generator
