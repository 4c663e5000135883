"""Each error of ours, with the HTTP status and the WebSocket code by which a client learns of it."""

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass

from glottis.core import errors
from glottis.core.store import RecordInvalid, StoreError, StoreUnavailable
from quart import Quart, Response
from werkzeug.exceptions import HTTPException

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Told:
    """How an error is told: `close` is the code of a WebSocket that cannot go on, None if it can."""

    status: int
    code: str
    close: int | None = None


TOLD: Mapping[type[Exception], Told] = {
    errors.InvalidInput: Told(400, "invalid_input"),
    errors.Unauthenticated: Told(401, "unauthenticated"),
    errors.Forbidden: Told(403, "forbidden"),
    errors.NotFound: Told(404, "not_found", close=4404),
    errors.SessionGone: Told(404, "session_gone", close=4410),
    errors.TooLarge: Told(413, "too_large"),
    errors.UnsupportedAudio: Told(415, "unsupported_audio"),
    errors.Unprocessable: Told(422, "unprocessable"),
    errors.TooManySessions: Told(503, "too_many_sessions"),
    errors.Unavailable: Told(503, "unavailable"),
    RecordInvalid: Told(422, "unprocessable"),
    StoreUnavailable: Told(503, "unavailable"),
}
STORE_DETAIL = "the database does not answer; try again in a moment"
_RETRY_AFTER_S = 1.0
_DETAILS = {
    404: "no such path",
    405: "this path does not take this method",
    408: "the request took too long to arrive",
    413: "the request is too large",
}


def error_response(
    status: int, detail: str, *, retry_after_s: float | None = None, headers: Mapping[str, str] | None = None
) -> Response:
    """Make the one shape that every error has."""
    response = Response(
        json.dumps({"detail": detail}, ensure_ascii=False),
        status,
        headers=dict(headers or {}),
        content_type="application/json",
    )
    if status == 503:
        response.headers["Retry-After"] = str(max(1, round(retry_after_s or _RETRY_AFTER_S)))
    if status == 401:
        response.headers["WWW-Authenticate"] = 'Basic realm="Glottis", charset="UTF-8"'
    return response


def told(error: errors.GlottisError | StoreError) -> tuple[Told, str]:
    """Look up how an error is told, and its detail."""
    if isinstance(error, errors.GlottisError):
        detail = error.detail
    else:
        detail = STORE_DETAIL if isinstance(error, StoreUnavailable) else str(error)
    return next(TOLD[kind] for kind in type(error).__mro__ if kind in TOLD), detail


def register_error_handlers(app: Quart) -> None:
    """Answer every failure, foreseen or not, as `{"detail": ...}`."""

    @app.errorhandler(errors.GlottisError)
    async def of_ours(error: errors.GlottisError) -> Response:
        return error_response(told(error)[0].status, error.detail, retry_after_s=error.retry_after_s)

    @app.errorhandler(RecordInvalid)
    async def not_kept(error: RecordInvalid) -> Response:
        return error_response(told(error)[0].status, told(error)[1])

    @app.errorhandler(StoreUnavailable)
    async def without_store(error: StoreUnavailable) -> Response:
        log.warning("database does not answer", extra={"reason": str(error)})
        return error_response(503, STORE_DETAIL)

    @app.errorhandler(HTTPException)
    async def of_http(error: HTTPException) -> Response:
        status = error.code or 500
        kept = {name: value for name, value in error.get_headers() if name in {"Allow", "Content-Range"}}
        return error_response(status, _DETAILS.get(status, error.name.lower()), headers=kept)

    @app.errorhandler(Exception)
    async def unforeseen(error: Exception) -> Response:
        log.error("request crashed", exc_info=error)
        return error_response(500, "internal error")
