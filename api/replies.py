"""Small things that the routes share: JSON out, numbers in."""

import json
from datetime import UTC, datetime
from typing import Any

from glottis.api.state import VOICE
from glottis.api.visit import visit
from glottis.core.errors import Unprocessable
from quart import Response, request

_dumps = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def as_json(value: Any, status: int = 200) -> Response:
    """Answer with a JSON value."""
    return Response(_dumps(value), status, content_type="application/json")


def timestamp(moment: datetime) -> str:
    """Write a moment as RFC 3339, in UTC."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def whole_number(name: str, *, default: int, least: int, most: int) -> int:
    """Read a number from the query string.

    Raises:
        Unprocessable: it is no whole number, or out of bounds.
    """
    text = request.args.get(name)
    if text is None:
        return default
    digits = text.removeprefix("-")
    if not (digits.isascii() and digits.isdecimal() and len(digits) < 10 and least <= int(text) <= most):
        raise Unprocessable(f"{name}: must be a whole number from {least} to {most}")
    return int(text)


def websocket_url(session_id: str) -> str:
    """Return where a session's WebSocket is, as the client sees this server."""
    here = visit()
    return f"{'wss' if here.is_secure else 'ws'}://{here.host}{VOICE}/ws/{session_id}"


def audio_url(audio_id: str) -> str:
    """Return where audio is, relative to the server."""
    return f"{VOICE}/audio/{audio_id}"
