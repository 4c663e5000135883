"""The trouble that a mock provider can be told to make."""

import asyncio

from glottis.plugins import ProviderError

from glottis_mock.configuration import MockConfig


def raise_if_told(config: MockConfig) -> None:
    if config.fail_with:
        raise ProviderError(config.fail_with, f"this mock is set up to fail with {config.fail_with}")


async def delay(config: MockConfig) -> None:
    """Be as slow as the configuration says."""
    if config.delay_s:
        await asyncio.sleep(config.delay_s)
    raise_if_told(config)
