"""Which of our errors each failure of ElevenLabs or of the way there is.

An answer's body is `{"detail": {"status", "code", "message", ...}}`, or for 422 a list of findings. `status`
is the older name of `code`. Both name the cause better than the HTTP status does: an empty account and a
missing permission are answered 401. The vendor's `message` is never passed on, for it may quote the request.
"""

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx
from glottis.plugins import ErrorCategory, ProviderError

BY_CODE: Mapping[str, ErrorCategory] = {
    "invalid_api_key": ErrorCategory.AUTHENTICATION,
    "needs_authorization": ErrorCategory.AUTHENTICATION,
    "missing_permissions": ErrorCategory.AUTHORIZATION,
    "detected_unusual_activity": ErrorCategory.AUTHORIZATION,
    "voice_access_denied": ErrorCategory.AUTHORIZATION,
    "quota_exceeded": ErrorCategory.QUOTA,
    "insufficient_credits": ErrorCategory.QUOTA,
    "paid_plan_required": ErrorCategory.QUOTA,
    "payment_required": ErrorCategory.QUOTA,
    "rate_limit_exceeded": ErrorCategory.RATE_LIMITED,
    "concurrent_limit_exceeded": ErrorCategory.RATE_LIMITED,
    "too_many_concurrent_requests": ErrorCategory.RATE_LIMITED,
    "system_busy": ErrorCategory.RATE_LIMITED,
    "can_not_use_instant_voice_cloning": ErrorCategory.QUOTA,
    "voice_limit_reached": ErrorCategory.QUOTA,
    "voice_add_edit_limit_reached": ErrorCategory.QUOTA,
    "voice_not_found": ErrorCategory.INVALID_REQUEST,
    "voice_does_not_exist": ErrorCategory.INVALID_REQUEST,
    "model_not_found": ErrorCategory.INVALID_REQUEST,
}

BY_STATUS: Mapping[int, ErrorCategory] = {
    401: ErrorCategory.AUTHENTICATION,
    402: ErrorCategory.QUOTA,
    403: ErrorCategory.AUTHORIZATION,
    408: ErrorCategory.TIMEOUT,
    425: ErrorCategory.UNAVAILABLE,
    429: ErrorCategory.RATE_LIMITED,
    504: ErrorCategory.TIMEOUT,
}
"""The exceptions; any other 4xx is an invalid request, 5xx unavailable, the rest internal."""

BY_EXCEPTION: Mapping[type[Exception], ErrorCategory] = {
    httpx.TimeoutException: ErrorCategory.TIMEOUT,
    httpx.ConnectTimeout: ErrorCategory.TIMEOUT,
    httpx.ReadTimeout: ErrorCategory.TIMEOUT,
    httpx.WriteTimeout: ErrorCategory.TIMEOUT,
    httpx.PoolTimeout: ErrorCategory.TIMEOUT,
    httpx.NetworkError: ErrorCategory.UNAVAILABLE,
    httpx.ConnectError: ErrorCategory.UNAVAILABLE,
    httpx.ReadError: ErrorCategory.UNAVAILABLE,
    httpx.WriteError: ErrorCategory.UNAVAILABLE,
    httpx.CloseError: ErrorCategory.UNAVAILABLE,
    httpx.ProxyError: ErrorCategory.UNAVAILABLE,
    httpx.ProtocolError: ErrorCategory.UNAVAILABLE,
    httpx.RemoteProtocolError: ErrorCategory.UNAVAILABLE,
    httpx.TransportError: ErrorCategory.UNAVAILABLE,
    httpx.RequestError: ErrorCategory.UNAVAILABLE,
    httpx.HTTPStatusError: ErrorCategory.UNAVAILABLE,
    httpx.HTTPError: ErrorCategory.UNAVAILABLE,
    httpx.LocalProtocolError: ErrorCategory.INTERNAL,
    httpx.UnsupportedProtocol: ErrorCategory.INTERNAL,
    httpx.InvalidURL: ErrorCategory.INTERNAL,
    httpx.DecodingError: ErrorCategory.INTERNAL,
    httpx.TooManyRedirects: ErrorCategory.INTERNAL,
    httpx.StreamError: ErrorCategory.INTERNAL,
    httpx.StreamConsumed: ErrorCategory.INTERNAL,
    httpx.StreamClosed: ErrorCategory.INTERNAL,
    httpx.ResponseNotRead: ErrorCategory.INTERNAL,
    httpx.RequestNotRead: ErrorCategory.INTERNAL,
}

HTTPX_ERRORS = (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError)

_MESSAGES: Mapping[ErrorCategory, str] = {
    ErrorCategory.AUTHENTICATION: "ElevenLabs does not accept the credentials of this server",
    ErrorCategory.AUTHORIZATION: "the ElevenLabs account of this server is not allowed to do that",
    ErrorCategory.INVALID_REQUEST: "ElevenLabs refused the request",
    ErrorCategory.QUOTA: "the ElevenLabs account of this server has used up its credits",
    ErrorCategory.RATE_LIMITED: "ElevenLabs is asked too often",
    ErrorCategory.TIMEOUT: "ElevenLabs did not answer in time",
    ErrorCategory.UNAVAILABLE: "ElevenLabs cannot be reached or is out of order",
    ErrorCategory.INTERNAL: "ElevenLabs gave an answer that cannot be understood",
}

_NO_PLAN = "the plan of this server's ElevenLabs account does not include that"
_MESSAGES_BY_CODE: Mapping[str, str] = {
    "can_not_use_instant_voice_cloning": _NO_PLAN,
    "paid_plan_required": _NO_PLAN,
    "voice_limit_reached": "the ElevenLabs account of this server has no room for another voice",
    "voice_add_edit_limit_reached": "the ElevenLabs account of this server may add no more voices this month",
}
_GONE = frozenset({"voice_not_found", "voice_does_not_exist"})

# No digits: a gateway that echoes the key would have it shown as the cause.
_CODE = re.compile(r"[a-z_+]{1,64}")


class NoSuchVoice(ProviderError):
    """The account has no such voice."""

    def __init__(self, voice: str) -> None:
        super().__init__(ErrorCategory.INVALID_REQUEST, f"ElevenLabs has no voice {voice[:64]!r}")


@dataclass(frozen=True, slots=True)
class Refusal:
    """What an answer other than 2xx says: its HTTP status, the vendor's word for it, when to return."""

    status: int
    code: str
    retry_after_s: float | None

    @property
    def category(self) -> ErrorCategory:
        if self.code in BY_CODE:
            return BY_CODE[self.code]
        if self.status in BY_STATUS:
            return BY_STATUS[self.status]
        families = {4: ErrorCategory.INVALID_REQUEST, 5: ErrorCategory.UNAVAILABLE}
        return families.get(self.status // 100, ErrorCategory.INTERNAL)

    def error(self, *, voice: str | None = None) -> ProviderError:
        """Say it as one of ours; `voice` is the one that was asked for."""
        if self.code in _GONE and voice is not None:
            return NoSuchVoice(voice)
        message = _MESSAGES_BY_CODE.get(self.code) or _MESSAGES[self.category]
        if self.category is ErrorCategory.INVALID_REQUEST and self.code:
            message = f"{message} ({self.code})"
        return ProviderError(self.category, message, self.retry_after_s)


def failure(category: ErrorCategory) -> ProviderError:
    return ProviderError(category, _MESSAGES[category])


def from_exception(error: Exception) -> ProviderError:
    """Translate one of `HTTPX_ERRORS`. Raise the result outside the `except` block.

    The original's request carries the API key, and a chained exception would keep it alive in logs.
    """
    return failure(next(BY_EXCEPTION[kind] for kind in type(error).__mro__ if kind in BY_EXCEPTION))


def read_refusal(response: httpx.Response) -> Refusal:
    """Read an answer other than 2xx whose body has arrived."""
    return Refusal(response.status_code, _code(response), _retry_after_s(response))


def _code(response: httpx.Response) -> str:
    try:
        body = json.loads(response.content)
    except ValueError:
        return ""
    detail = body.get("detail") if isinstance(body, dict) else None
    if not isinstance(detail, dict):
        return ""
    named = [detail.get("code"), detail.get("status")]
    codes = [code for code in named if isinstance(code, str) and _CODE.fullmatch(code)]
    known = [code for code in codes if code in BY_CODE]
    return (known or codes or [""])[0]


def _retry_after_s(response: httpx.Response) -> float | None:
    value = response.headers.get("retry-after", "").strip()
    if not value:
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            until = parsedate_to_datetime(value)
        except ValueError:
            return None
        aware = until if until.tzinfo else until.replace(tzinfo=UTC)
        seconds = (aware - datetime.now(UTC)).total_seconds()
    return max(0.0, seconds) if math.isfinite(seconds) else None
