"""What all of these providers have in common: a connection and a way to tell whether it works."""

from typing import Any

from glottis.plugins import ErrorCategory, Provider, ProviderContext, ProviderError

from glottis_elevenlabs.answers import Account, decode
from glottis_elevenlabs.client import ElevenLabsClient
from glottis_elevenlabs.config import ElevenLabsConfig
from glottis_elevenlabs.failures import failure


class ElevenLabsProvider(Provider):
    """Opens the connection in `warmup`, which asks nothing of ElevenLabs, and closes it in `aclose`."""

    def __init__(self, context: ProviderContext, config: ElevenLabsConfig) -> None:
        super().__init__(context, config)
        self.config: Any = config
        self.client = ElevenLabsClient(config, context.log)

    async def warmup(self) -> None:
        await self.client.open()

    async def aclose(self) -> None:
        await self.client.aclose()

    async def health(self) -> None:
        """Ask for the account, which costs nothing, and check that it has credits left.

        A key that may not read the account is told so only once it is known to be a key: that is healthy.
        """
        try:
            answer = await self.client.json("GET", "/v1/user/subscription")
        except ProviderError as error:
            if error.category is not ErrorCategory.AUTHORIZATION:
                raise
            return
        if decode(Account, answer).is_exhausted:
            raise failure(ErrorCategory.QUOTA)
