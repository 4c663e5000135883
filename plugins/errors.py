"""What may go wrong in a provider.

    ProviderError(category, public_message, retry_after_s)

A provider raises nothing else; the host turns whatever else comes out into `INTERNAL`.
"""

import math
from enum import StrEnum


class ErrorCategory(StrEnum):
    """Why a provider failed; the engine decides by it whether to retry, fail over or give up."""

    AUTHENTICATION = "authentication"
    AUTHORIZATION = "authorization"
    INVALID_REQUEST = "invalid_request"
    QUOTA = "quota"
    RATE_LIMITED = "rate_limited"
    TIMEOUT = "timeout"
    UNAVAILABLE = "unavailable"
    UNSUPPORTED = "unsupported"
    CANCELLED = "cancelled"
    INTERNAL = "internal"


class ProviderError(Exception):
    """A provider could not do what it was asked.

    `public_message` may be shown to the caller of the API: it names no key, path or person.
    `retry_after_s` is how long the backend asked us to wait, in seconds, if it said.
    """

    def __init__(
        self, category: ErrorCategory, public_message: str, retry_after_s: float | None = None
    ) -> None:
        super().__init__(f"{category}: {public_message}")
        self.category = category
        self.public_message = public_message
        is_usable = retry_after_s is not None and math.isfinite(retry_after_s) and retry_after_s >= 0
        self.retry_after_s = retry_after_s if is_usable else None
